"""Who may write a room's captions: a lease with a fencing number, in the database. Synchronous.

Whoever claims the lease raises the number; every later write names its number and is refused once there is a newer one.
So a process that was frozen and wakes up cannot write into a session another one goes on with.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from captions.gradium.seam import Spoken
from captions.models import Room, Session

LEASE: Final = timedelta(seconds=10)
RENEW_S: Final = 3.0
SPEAKER_LOST: Final = "speaker_lost"
# Finals whose words a new captioner of the same audio looks back on, to tell repeats from new words.
FINALS_LOOKED_BACK_ON: Final = 3


class RoomBusyError(Exception):
    """Another speaker is live in the room."""


class SessionOverError(Exception):
    """The session of this stream has ended, and its speaker may not know. ``next_sample``: the end of its audio."""

    def __init__(self, next_sample: int, ended_at: datetime) -> None:
        super().__init__()
        self.next_sample = next_sample
        self.ended_at = ended_at


class LeaseLostError(Exception):
    """Another captioner has taken the session over: nothing more may be written."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A session to write to, and where it stands. Times in milliseconds of the session, samples of the stream."""

    room: Room
    session_id: int
    session: int
    started_at: datetime
    fence: int
    stream: UUID
    sample_rate: int
    base_ms: int
    next_sample: int
    last_seq: int
    emitted: tuple[Spoken, ...]  # seconds of the stream


def _end_if_abandoned(session: Session, now: datetime) -> None:
    if not session.is_abandoned(now):
        return
    session.ended_at = session.last_sign
    session.state, session.detail, session.state_at = Session.State.ENDED, "", now
    session.lease_until = None
    session.fence += 1  # whoever wakes up from a long sleep may not write into it
    session.save()


def claim(room_id: int, *, stream: UUID, sample_rate: int, take_over: bool) -> Claim:
    """Take the running session of a room, or begin a new one. Raises RoomBusyError, SessionOverError."""
    now = timezone.now()
    with transaction.atomic():
        room = Room.objects.select_for_update().get(pk=room_id)
        session = room.sessions.order_by("-number").first()
        if session is not None:
            _end_if_abandoned(session, now)
        if session is not None and session.ended_at is not None and session.stream == stream:
            raise SessionOverError(session.acked_sample, session.ended_at)
        if session is None or session.ended_at is not None:
            number = session.number + 1 if session else 1
            session = Session(room=room, number=number, started_at=now, state_at=now)
        elif session.stream != stream and not take_over and _speaker_is_live(session, now):
            raise RoomBusyError
        last_seq, last_end_ms = _tail(session)
        if session.stream != stream or session.sample_rate != sample_rate:
            session.stream_base_ms = _base_ms(session, now, last_end_ms)
            session.stream, session.sample_rate, session.acked_sample = stream, sample_rate, 0
        session.fence += 1
        session.lease_until = now + LEASE
        session.save()
    return Claim(
        room=room,
        session_id=session.pk,
        session=session.number,
        started_at=session.started_at,
        fence=session.fence,
        stream=stream,
        sample_rate=sample_rate,
        base_ms=session.stream_base_ms,
        next_sample=session.acked_sample,
        last_seq=last_seq,
        emitted=_emitted(session) if session.acked_sample else (),
    )


def _speaker_is_live(session: Session, now: datetime) -> bool:
    return session.lease_until is not None and session.lease_until > now and session.detail != SPEAKER_LOST


def _tail(session: Session) -> tuple[int, int]:
    if session.pk is None:
        return 0, 0
    newest = session.segments.aggregate(seq=Max("seq"), end_ms=Max("end_ms"))
    return newest["seq"] or 0, newest["end_ms"] or 0


def _base_ms(session: Session, now: datetime, last_end_ms: int) -> int:
    """Return the session's time at which a new stream of samples begins: now, and behind all that was said."""
    if session.pk is None:
        return 0
    elapsed_ms = int((now - session.started_at) / timedelta(milliseconds=1))
    acked_ms = session.stream_base_ms + session.acked_sample * 1000 // session.sample_rate
    return max(elapsed_ms, acked_ms, last_end_ms)


def _emitted(session: Session) -> tuple[Spoken, ...]:
    newest = list(session.segments.filter(kind="final").order_by("-seq")[:FINALS_LOOKED_BACK_ON])
    base = session.stream_base_ms
    return tuple(
        Spoken(word["text"], (word["start_ms"] - base) / 1000, (word["end_ms"] - base) / 1000)
        for segment in reversed(newest)
        for word in segment.words
    )


def change_stream(session_id: int, fence: int, *, stream: UUID, sample_rate: int, base_ms: int) -> None:
    """Note that another stream of samples goes on in the session. Raises LeaseLostError."""
    _fenced(session_id, fence, stream=stream, sample_rate=sample_rate, stream_base_ms=base_ms, acked_sample=0)


def renew(session_id: int, fence: int) -> None:
    """Keep the lease. Raises LeaseLostError."""
    _fenced(session_id, fence, lease_until=timezone.now() + LEASE)


def note_state(session_id: int, fence: int, *, state: str, detail: str, at: datetime) -> None:
    """Write down what viewers are told. Raises LeaseLostError."""
    _fenced(session_id, fence, state=state, detail=detail, state_at=at)


def note_ack(session_id: int, fence: int, *, acked_sample: int) -> None:
    """Write down which audio is safe. Raises LeaseLostError."""
    _fenced(session_id, fence, acked_sample=acked_sample)


def end_session(session_id: int, fence: int, *, acked_sample: int) -> None:
    """End the session and give the lease back. Raises LeaseLostError."""
    now = timezone.now()
    _fenced(
        session_id,
        fence,
        acked_sample=acked_sample,
        ended_at=now,
        state=Session.State.ENDED,
        detail="",
        state_at=now,
        lease_until=None,
    )


def release(session_id: int, fence: int) -> None:
    """Give the lease back without ending the session: another process may go on at once."""
    Session.objects.filter(pk=session_id, fence=fence, ended_at=None).update(
        lease_until=timezone.now(), state=Session.State.RECONNECTING, detail=SPEAKER_LOST, state_at=timezone.now()
    )


def _fenced(session_id: int, fence: int, **changes: object) -> None:
    if Session.objects.filter(pk=session_id, fence=fence, ended_at=None).update(**changes) != 1:
        raise LeaseLostError
