"""The front page: a field for the room's code, and the rooms that are open to all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db.models import OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from captions.gradium.setup import LANGUAGES
from captions.models import Room, Session
from captions.views.room_words import RoomWords, clean_code, no_such_room, room_words

ROOMS_SHOWN: Final = 50
_ORDER: Final = ("live", "catching", "silent", "paused", "lost", "reconnecting", "idle", "ended")


@dataclass(frozen=True, slots=True)
class ListedRoom:
    """A row of the list."""

    slug: str
    title: str
    facts: str
    state: RoomWords


@require_safe
@never_cache
def page(request: HttpRequest) -> HttpResponse:
    """Show the front page; with ``?code=`` go to that room, or say that there is none and keep what was typed."""
    typed = request.GET.get("code", "").strip()[:200]
    refused = None
    if typed:
        slug = clean_code(typed)
        if Room.objects.filter(slug=slug).exists():
            return redirect("viewer", slug=slug)
        refused = no_such_room(typed, list(Room.objects.filter(listed=True).values_list("slug", flat=True)))
    return render(request, "home.html", {"typed": typed, "refused": refused, "rooms": _listed_rooms()})


@require_safe
def small_letters(request: HttpRequest, slug: str, rest: str) -> HttpResponse:
    """Send an address with capitals in the room's code to the one that is meant."""
    if slug == slug.lower():
        raise Http404
    query = request.META.get("QUERY_STRING", "")
    return redirect(f"/r/{slug.lower()}/{rest}" + (f"?{query}" if query else ""))


def _listed_rooms() -> list[ListedRoom]:
    newest = Session.objects.filter(room=OuterRef("pk")).order_by("-number").values("pk")[:1]
    rooms = list(
        Room.objects.filter(listed=True).annotate(newest_session=Subquery(newest)).order_by("title")[:ROOMS_SHOWN]
    )
    sessions = Session.objects.in_bulk([room.newest_session for room in rooms if room.newest_session])
    now = timezone.now()
    listed = []
    for room in rooms:
        state = room_words(sessions.get(room.newest_session or 0), now)
        facts = [room.speaker_name, LANGUAGES[room.language], state.word]
        listed.append(ListedRoom(room.slug, room.title, " · ".join(fact for fact in facts if fact), state))
    return sorted(listed, key=lambda room: _ORDER.index(room.state.mark))
