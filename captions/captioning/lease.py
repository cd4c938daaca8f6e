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
from captions.models.session import LEASE

RENEW_S: Final = 2.0
# Finals whose words a new captioner of the same audio looks back on, to tell repeats from new words.
FINALS_LOOKED_BACK_ON: Final = 3


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
    paid_ms: int  # audio paid for in the session so far
    lost_from_ms: int | None  # audio from here to base_ms was received, but its words may be lost
    emitted: tuple[Spoken, ...]  # seconds of the stream


def claim(room_id: int, *, stream: UUID, sample_rate: int) -> Claim:
    """Take the running session of a room from whoever has it, or begin a new one. Raises SessionOverError."""
    now = timezone.now()
    with transaction.atomic():
        room = Room.objects.select_for_update().get(pk=room_id)
        claimed = _claim(room, now, stream=stream, sample_rate=sample_rate)
    # Raised only here: what was written on the way, an abandoned session's end, has to stay.
    if isinstance(claimed, SessionOverError):
        raise claimed
    return claimed


def _claim(room: Room, now: datetime, *, stream: UUID, sample_rate: int) -> Claim | SessionOverError:
    # Locked before anything of it is read: a final that is just being written is in, or will be refused.
    session = room.sessions.select_for_update().order_by("-number").first()
    if session is not None and session.is_abandoned(now):
        _end(session, now)
    if session is not None and session.ended_at is not None and session.stream == stream:
        return SessionOverError(session.acked_sample, session.ended_at)
    if session is None or session.ended_at is not None:
        number = session.number + 1 if session else 1
        session = Session(room=room, number=number, started_at=now, state_at=now)
    last_seq, last_end_ms = _tail(session)
    lost_from_ms = None
    if session.stream != stream or session.sample_rate != sample_rate:
        safe_ms = max(last_end_ms, session.stream_base_ms + session.acked_sample * 1000 // session.sample_rate)
        elapsed_ms = (now - session.started_at) // timedelta(milliseconds=1)
        lost_from_ms = safe_ms if session.stream is not None and elapsed_ms > safe_ms else None
        session.stream_base_ms = max(elapsed_ms, safe_ms)
        session.stream, session.sample_rate, session.acked_sample = stream, sample_rate, 0
    if not session.is_held(timezone.now()):
        session.line_since = session.waits_since = None  # somebody else may have got the line since
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
        paid_ms=session.paid_ms,
        lost_from_ms=lost_from_ms,
        emitted=_emitted(session),
    )


@dataclass(frozen=True, slots=True)
class Holder:
    """The captioner of another stream that holds a room."""

    fence: int
    speaker_here: bool


def held_by_another(room_id: int, stream: UUID) -> Holder | None:
    """Return who holds the room, unless it is nobody or the captioner of ``stream``."""
    now = timezone.now()
    session = Session.objects.filter(room_id=room_id, ended_at=None, lease_until__gt=now).exclude(stream=stream).first()
    return None if session is None else Holder(session.fence, session.speaker_here)


def end_abandoned() -> list[tuple[str, int, int]]:
    """End all sessions whose captioner is gone for good; returns (slug, session, newest seq) of each."""
    now = timezone.now()
    running = Session.objects.filter(ended_at=None).select_related("room")
    ended = [session for session in running if session.is_abandoned(now) and _end(session, now)]
    return [(session.room.slug, session.number, _tail(session)[0]) for session in ended]


def _end(session: Session, now: datetime) -> bool:
    """End a session from outside. Whoever held its lease may not write into it any more."""
    changes = {
        "ended_at": session.last_sign,
        "state": Session.State.ENDED,
        "detail": "",
        "state_at": now,
        "lease_until": None,
        "fence": session.fence + 1,
    }
    if Session.objects.filter(pk=session.pk, ended_at=None, fence=session.fence).update(**changes) != 1:
        return False
    for name, value in changes.items():
        setattr(session, name, value)
    return True


def _tail(session: Session) -> tuple[int, int]:
    if session.pk is None:
        return 0, 0
    newest = session.segments.aggregate(seq=Max("seq"), end_ms=Max("end_ms"))
    return newest["seq"] or 0, newest["end_ms"] or 0


def _emitted(session: Session) -> tuple[Spoken, ...]:
    base = session.stream_base_ms
    spoken = session.segments.filter(kind="final", start_ms__gte=base)
    newest = list(spoken.order_by("-seq")[:FINALS_LOOKED_BACK_ON])
    return tuple(
        Spoken(word["text"], (word["start_ms"] - base) / 1000, (word["end_ms"] - base) / 1000)
        for segment in reversed(newest)
        for word in segment.words
    )


def change_stream(session_id: int, fence: int, *, stream: UUID, sample_rate: int, base_ms: int) -> None:
    """Note that another stream of samples goes on in the session. Raises LeaseLostError."""
    changes = {"stream": stream, "sample_rate": sample_rate, "stream_base_ms": base_ms, "acked_sample": 0}
    _fenced(session_id, fence, changes)


def renew(session_id: int, fence: int) -> Room:
    """Keep the lease; returns the room as it is set now. Raises LeaseLostError."""
    _fenced(session_id, fence, {"lease_until": timezone.now() + LEASE})
    return Room.objects.get(sessions=session_id)


def note_state(
    session_id: int,
    fence: int,
    *,
    state: str,
    detail: str,
    at: datetime,
    speaker_here: bool,
    engine: dict[str, object],
) -> None:
    """Write down what viewers and staff are told, and whether a speaker is connected. Raises LeaseLostError."""
    changes = {"state": state, "detail": detail, "state_at": at, "speaker_here": speaker_here, "engine": engine}
    _fenced(session_id, fence, changes)


def note_ack(session_id: int, fence: int, *, acked_sample: int) -> None:
    """Write down which audio is safe. Raises LeaseLostError."""
    _fenced(session_id, fence, {"acked_sample": acked_sample})


def end_session(session_id: int, fence: int, *, acked_sample: int) -> None:
    """End the session and give the lease back. Raises LeaseLostError."""
    now = timezone.now()
    changes = {
        "acked_sample": acked_sample,
        "ended_at": now,
        "state": Session.State.ENDED,
        "detail": "",
        "state_at": now,
        "lease_until": None,
    }
    _fenced(session_id, fence, changes)


def step_aside(session_id: int, fence: int, *, heard_out: bool) -> None:
    """Leave the session to another captioner. Raises LeaseLostError.

    ``heard_out``: all words of the speaker so far are written, so nothing is lost when another stream goes on.
    """
    changes: dict[str, object] = {"lease_until": timezone.now()}
    _fenced(session_id, fence, changes | ({"stream": None} if heard_out else {}))


def release(session_id: int, fence: int) -> None:
    """Give the lease back without ending the session: another process may go on at once."""
    Session.objects.filter(pk=session_id, fence=fence, ended_at=None).update(
        lease_until=timezone.now(),
        state=Session.State.RECONNECTING,
        detail="speaker_lost",
        state_at=timezone.now(),
        speaker_here=False,
    )


def _fenced(session_id: int, fence: int, changes: dict[str, object]) -> None:
    if Session.objects.filter(pk=session_id, fence=fence, ended_at=None).update(**changes) != 1:
        raise LeaseLostError
