"""What the database knows of a room, as frames. Synchronous."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone

from captions.fanout.events import Final, Gap, State, encode
from captions.fanout.feed import KEPT_FINALS
from captions.gradium.setup import FRAME_S
from captions.models import Room, Segment, Session


@dataclass(frozen=True, slots=True)
class RoomRecord:
    """A room and its newest session; ``session`` is 0 when nothing was ever said."""

    room_id: int
    info: dict[str, object]
    session: int
    started_at: str
    state: State
    finals: list[tuple[int, str]]


def segment_frame(session: int, segment: Segment) -> str:
    """Return the frame of a stored final or gap."""
    if segment.kind == Segment.Kind.GAP:
        return encode(Gap(session, segment.seq, segment.start_ms, segment.end_ms, segment.reason))
    return encode(
        Final(session, segment.seq, segment.text, segment.start_ms, segment.end_ms, segment.lang, segment.speaker)
    )


def finals_after(room_id: int, session: int, seq: int) -> list[tuple[int, str]]:
    """Return the stored finals of a session after ``seq``, oldest first, with their frames."""
    rows = Segment.objects.filter(session__room_id=room_id, session__number=session, seq__gt=seq).order_by("seq")
    return [(segment.seq, segment_frame(session, segment)) for segment in rows]


def news(room_id: int, session: int, seq: int) -> tuple[int, list[tuple[int, str]]]:
    """Return the newest session of a room, and its finals that are news to who knows ``session`` up to ``seq``."""
    newest = Session.objects.filter(room_id=room_id).order_by("-number").values_list("number", flat=True).first() or 0
    return newest, finals_after(room_id, newest, seq if newest == session else 0)


def room_exists(slug: str) -> bool:
    """Tell whether there is such a room."""
    return Room.objects.filter(slug=slug).exists()


def room_info(room_id: int) -> dict[str, object]:
    """Return what a snapshot says of a room, but for its state; nothing if it is gone."""
    room = Room.objects.filter(pk=room_id).first()
    return {} if room is None else _info(room)


def _info(room: Room) -> dict[str, object]:
    return {
        "slug": room.slug,
        "title": room.title,
        "language": room.language,
        "track": room.language,
        "delay_ms": round(room.delay_in_frames * FRAME_S * 1000),
    }


def load_room(slug: str) -> RoomRecord | None:
    """Return what is known of a room, or None if there is no such room."""
    room = Room.objects.filter(slug=slug).first()
    if room is None:
        return None
    info = _info(room)
    session = room.sessions.order_by("-number").first()
    if session is None:
        state = State("idle", "", room.created_at.isoformat())
        return RoomRecord(room.pk, info, 0, "", state, [])
    newest = session.segments.order_by("-seq")[:KEPT_FINALS]
    finals = [(segment.seq, segment_frame(session.number, segment)) for segment in reversed(newest)]
    return RoomRecord(room.pk, info, session.number, session.started_at.isoformat(), _state(session), finals)


def _state(session: Session) -> State:
    if session.is_abandoned(timezone.now()):
        return State("ended", "", session.last_sign.isoformat())
    return State(session.state, session.detail, session.state_at.isoformat())
