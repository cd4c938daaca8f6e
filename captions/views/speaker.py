"""The speaker's page, and the ticket that opens its socket."""

from __future__ import annotations

import json
from typing import Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from captions.gradium.setup import LANGUAGES
from captions.models import AccessLink, Room, SpeakerTicket
from captions.models.access_link import hash_token

MAX_BODY: Final = 4096
"""Bytes of a ticket request; one with a token of 32 letters takes 50."""


@require_safe
@never_cache
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the page to speak from. It holds no secret: the token stays in the fragment of the speaker's link."""
    room = get_object_or_404(Room, slug=slug)
    session = room.sessions.order_by("-number").first()
    running = session is not None and session.ended_at is None
    context = {
        "room": room,
        "language": LANGUAGES[room.language],
        "lang": "" if room.language == "any" else room.language,
        # Seconds, not a time of day: the speaker's clock may be wrong.
        "elapsed_s": int((timezone.now() - session.started_at).total_seconds()) if session and running else None,
    }
    return render(request, "speaker.html", context)


@csrf_exempt  # the token is the credential: no cookie is read
@require_POST
def ticket(request: HttpRequest, slug: str) -> JsonResponse:
    """Give a single-use ticket for the speaker socket to whoever holds the token of the room's speaker link.

    JSON ``{"token"}`` in, ``{"ticket"}`` out; errors are ``{"error": code, "message": sentence}`` with 400
    ``bad_request``, 403 ``link_refused`` (with ``expired_at`` when it once was good) or 404 ``no_such_room``.
    """
    token = _token(request)
    if token is None:
        return _error(400, "bad_request", 'Send JSON with the secret of the speaker link: {"token": "..."}.')
    room = Room.objects.filter(slug=slug).first()
    if room is None:
        return _error(404, "no_such_room", "There is no such room. Ask your host for a new speaker link.")
    link = AccessLink.valid(room, AccessLink.Kind.SPEAKER, token)
    if link is not None:
        return _uncached(JsonResponse({"ticket": SpeakerTicket.issue(link)}))
    # Only who holds the token itself is told more about it.
    known = AccessLink.objects.filter(room=room, kind=AccessLink.Kind.SPEAKER, token_hash=hash_token(token)).first()
    if known is None:
        return _error(
            403, "link_refused", "This is not a speaker link of this room. Open it again from your invitation."
        )
    if known.revoked_at is not None or known.expires_at is None:
        return _error(403, "link_refused", "This link has been stopped. Ask your host for a new one.")
    return _error(
        403,
        "link_refused",
        f"This link stopped working on {known.expires_at:%-d %B at %H:%M} (UTC). Ask your host for a new one.",
        expired_at=known.expires_at.isoformat(),
    )


def _token(request: HttpRequest) -> str | None:
    """Return the token of a well-formed request, else None."""
    length = request.headers.get("Content-Length", "")
    if not length.isdecimal() or int(length) > MAX_BODY:
        return None
    try:
        body = json.loads(request.body)
    except ValueError:
        return None
    token = body.get("token") if isinstance(body, dict) else None
    return token if isinstance(token, str) and token else None


def _error(status: int, code: str, message: str, **more: str) -> JsonResponse:
    return _uncached(JsonResponse({"error": code, "message": message, **more}, status=status))


def _uncached(response: JsonResponse) -> JsonResponse:
    response["Cache-Control"] = "no-store"
    return response
