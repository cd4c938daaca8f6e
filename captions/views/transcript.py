"""The transcript of a room for programs. Other files and the page come from the same finals."""

from __future__ import annotations

import re
from typing import Final

from django.db.models import Prefetch
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from captions.models import Room, Segment

_NUMBER: Final = re.compile("[0-9]{1,9}")
NO_SUCH_ROOM: Final = "There is no such room. Check the code on the screen."


@require_safe
@never_cache
def as_json(request: HttpRequest, slug: str) -> JsonResponse:
    """Return the sessions of a room with their finals, oldest first. A gap has no text, but a reason.

    ``?session=N`` gives one session only; ``&words=0`` leaves the words' times out. Readers' pages ask for both.
    """
    room = Room.objects.filter(slug=slug).first()
    if room is None:
        return JsonResponse({"error": "no_such_room", "message": NO_SUCH_ROOM}, status=404)
    sessions = room.sessions.order_by("number")
    only = request.GET.get("session", "")
    if only:
        if not _NUMBER.fullmatch(only):
            return JsonResponse({"error": "bad_request", "message": "session must be a number."}, status=400)
        sessions = sessions.filter(number=int(only))
    segments = Segment.objects.order_by("seq")
    with_words = request.GET.get("words") != "0"
    if not with_words:
        segments = segments.defer("words")
    sessions = sessions.prefetch_related(Prefetch("segments", queryset=segments))
    return JsonResponse(
        {
            "room": room.slug,
            "sessions": [
                {
                    "session": session.number,
                    "started_at": session.started_at.isoformat(),
                    "segments": [_segment(segment, with_words=with_words) for segment in session.segments.all()],
                }
                for session in sessions
            ],
        },
        json_dumps_params={"ensure_ascii": False},
    )


def _segment(segment: Segment, *, with_words: bool) -> dict[str, object]:
    fields: dict[str, object] = {
        "seq": segment.seq,
        "start_ms": segment.start_ms,
        "end_ms": segment.end_ms,
        "text": segment.text,
        "lang": segment.lang,
        "speaker": segment.speaker,
        "rev": 0,
    }
    if with_words:
        fields["words"] = segment.words
    if segment.kind == Segment.Kind.GAP:
        fields["reason"] = segment.reason
    return fields
