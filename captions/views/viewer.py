"""The page to read a room's captions on. It comes with the newest lines; its script goes on from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from captions.models import Room, Segment, Session
from captions.views.room_words import ENDED, NOT_STARTED, RoomWords, gap_sentence, no_such_room, room_words

LINES_AT_FIRST: Final = 50
"""More than fill a screen; older ones are fetched by the page."""


@dataclass(frozen=True, slots=True)
class Line:
    """A caption line as the template draws it; ``time`` and ``name`` only where the minute and the speaker change."""

    seq: int
    gap: str
    text: str
    lang: str
    speaker: str
    name: str
    minute: int
    time: datetime | None
    is_newest: bool


def drawn_lines(segments: Sequence[Segment], *, started_at: datetime, language: str) -> list[Line]:
    """Return the lines of a session's segments, oldest first; ``language`` is the room's."""
    lines: list[Line] = []
    newest = {segment.seq for segment in [one for one in segments if one.kind == Segment.Kind.FINAL][-2:]}
    minute = speaker = None
    for segment in segments:
        is_gap = segment.kind == Segment.Kind.GAP
        at = started_at + timedelta(milliseconds=segment.start_ms)
        lang = segment.lang or language
        lines.append(
            Line(
                seq=segment.seq,
                gap=gap_sentence(segment.start_ms, segment.end_ms, segment.reason) if is_gap else "",
                text=segment.text,
                lang="" if lang == "any" else lang,
                speaker=segment.speaker,
                name=segment.speaker if segment.speaker != speaker else "",
                minute=int(at.timestamp() // 60),
                time=at if int(at.timestamp() // 60) != minute else None,
                is_newest=segment.seq in newest,
            )
        )
        if not is_gap:
            minute, speaker = lines[-1].minute, segment.speaker
    return lines


@require_safe
@never_cache
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the captions of a room."""
    room = Room.objects.filter(slug=slug).first()
    if room is None:
        public = list(Room.objects.filter(listed=True).values_list("slug", flat=True))
        return render(request, "404.html", {"refused": no_such_room(slug, public)}, status=404)
    session = room.sessions.order_by("-number").first()
    context = {"room": room, "session": session, "lines": _newest_lines(room, session), "state": _state(session)}
    return render(request, "viewer.html", context)


def _newest_lines(room: Room, session: Session | None) -> list[Line]:
    if session is None:
        return []
    newest = list(session.segments.order_by("-seq")[:LINES_AT_FIRST])
    return drawn_lines(newest[::-1], started_at=session.started_at, language=room.language)


def _state(session: Session | None) -> RoomWords:
    """Return what can be said before the socket speaks: nobody knows yet whether words arrive."""
    words = room_words(session, timezone.now())
    return words if words in (NOT_STARTED, ENDED) else RoomWords("reconnecting", "")
