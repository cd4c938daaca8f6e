"""The speaker's side of the speaker socket, over as many connections as it takes. Pure: time and chance are arguments.

A driver says what happens (``hello``, ``receive``, ``lost``, ``unreachable``, ``refuse``; ``capture`` and ``end`` from
the sound's side) and asks what to send (``due``, ``send``). Times are seconds of one steady clock.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final
from uuid import UUID, uuid4

from captions.audio.frames import SAMPLE_RATE, Frame
from captions.fanout.events import Final as FinalEvent
from captions.fanout.events import Gap, Interim, State
from captions.speaking import messages
from captions.speaking.messages import Ack, Error, Message, Moved, Ping, Ready
from captions.speaking.pacing import Bucket, retry_delay
from captions.speaking.ring import Ring

CATCH_UP: Final = 2.0
"""How many times faster than real time kept audio is sent; a server refuses much more."""
DOUBT_S: Final = 2.0
"""A server that says nothing for so long may be gone, and the display says so: it pings every second."""
QUIET_S: Final = 8.0
"""A server that says nothing for so long is gone, and another connection is tried."""
PATIENCE_S: Final = 300.0
"""How long a server may be away before the speaker gives up. Longer than audio is kept: a file waits to be read."""
STEADY_S: Final = 10.0
"""A connection that held so long was a good one; the next failure is a first one."""

NORMAL: Final = 1000
LOST: Final = 1006
_TRY_AGAIN: Final = {1001, 1005, LOST, 1011, 1012, 1013}
_REASONS: Final = {
    1009: "too_big",
    4400: "bad_frame",
    4401: "ticket_refused",
    4404: "no_such_room",
    4408: "hello_late",
    4409: "room_busy",
    4410: "moved",
    4429: "too_fast",
}


class Phase(Enum):
    """Where a speaker stands."""

    AWAY = auto()
    """Not connected, or not yet welcome."""
    ON_AIR = auto()
    """The server listens."""
    OVER = auto()
    """Ended properly, or failed for good."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a speaker gave up: a code of the server's, or ``unreachable``, ``gone`` or ``closed``; and a sentence."""

    code: str
    message: str


class Speaker:
    """One stream of samples at 24 kHz into one room. ``jitter`` returns chance numbers in [0, 1)."""

    def __init__(
        self,
        *,
        take_over: bool = False,
        stream: UUID | None = None,
        ring: Ring | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.stream = stream or uuid4()
        self.ring = ring or Ring()
        self.phase = Phase.AWAY
        self.failure: Failure | None = None
        self.ready: Ready | None = None
        """The newest welcome."""
        self.state: State | None = None
        """What viewers were last told."""
        self._shown: tuple[int, int] | None = None  # session and seq of the newest final
        self._take_over = take_over
        self._jitter = jitter
        self._bucket = Bucket(CATCH_UP * SAMPLE_RATE, SAMPLE_RATE, filled=True)
        self.ending = False
        """Whether the end was asked for."""
        self._ended = False
        self._refusal: Error | None = None
        self._failures = 0
        self._away_since: float | None = None
        self._on_air_since = 0.0
        self._heard_at = 0.0

    # The sound.

    def capture(self, pcm: bytes) -> None:
        """Take the next samples; the caller sees to it that ``ring.room`` is enough."""
        if not self.ending:
            self.ring.add(pcm)

    def pause(self) -> None:
        """Send no more sound until ``resume``."""
        self.ring.mark("pause")

    def resume(self, skipped: int) -> None:
        """Go on after a pause in which ``skipped`` samples were captured and not sent."""
        self.ring.mark("resume", skip=skipped)

    def end(self) -> None:
        """End the session once all that was captured is sent."""
        if not self.ending:
            self.ending = True
            self.ring.mark("end")

    # The socket.

    def hello(self, ticket: str, now: float) -> str:
        """Return the first frame of a new connection."""
        self._heard_at = now
        self._refusal = None
        # Asked for once: who was taken over while he was away must not take the room back by himself.
        take_over = self._take_over and self.ready is None
        return messages.hello(
            ticket=ticket, stream=self.stream, sample_rate=SAMPLE_RATE, take_over=take_over, after=self._shown
        )

    def receive(self, text: str, now: float) -> Message | None:
        """Take a text frame of the server's and return it as a value; None for one that needs no attention."""
        self._heard_at = now
        message = messages.read(text)
        match message:
            case Ready():
                self.ready = message
                self.phase = Phase.ON_AIR
                self._on_air_since = now
                self._away_since = None
                self.ring.rewind(message.next_sample)
            case Ack():
                self.ring.ack(message.next_sample)
            case FinalEvent() | Gap():
                self._shown = (message.session, message.seq)
            case Interim():
                self._shown = (message.session, message.seq - 1)
            case Ping():
                self.ring.received = max(self.ring.received, message.received)
            case State():
                self.state = message
                if message.state == "ended" and self._ended:
                    self.phase = Phase.OVER
            case Moved():
                self._refusal = Error("moved", "Another speaker has taken the room over.", fatal=True)
            case Error(fatal=True):
                self._refusal = message
        return message

    def due(self, now: float) -> float | None:
        """Return in how many seconds ``send`` has a frame; None when only an event can change that."""
        item = self.ring.peek() if self.phase is Phase.ON_AIR else None
        if item is None:
            return None
        return self._bucket.wait(item.end - item.index, now) if isinstance(item, Frame) else 0.0

    def send(self, now: float) -> str | bytes:
        """Return the frame that is due, and count it as sent."""
        item = self.ring.peek()
        if item is None:
            raise LookupError("nothing is due")
        self.ring.take()
        if isinstance(item, Frame):
            self._bucket.take(item.end - item.index, now)
            return item.encode()
        self._ended = self._ended or item.kind == "end"
        return messages.control(item.kind)

    def in_doubt(self, now: float) -> bool:
        """Whether the connection is open and yet nobody may hear: a network can fail without a word."""
        return self.phase is Phase.ON_AIR and now - self._heard_at > DOUBT_S

    @property
    def quiet_at(self) -> float:
        """When to give the connection up unless the server says something before."""
        return self._heard_at + QUIET_S

    def lost(self, code: int, reason: str, now: float) -> float | None:
        """The connection closed with ``code``: return the seconds until the next try, or None when it is over."""
        if self.phase is Phase.OVER:
            return None
        if code in _TRY_AGAIN:
            return self._try_again(reason or f"the connection was closed with {code}", now)
        if code == NORMAL and self._ended:
            self.phase = Phase.OVER
        elif self._refusal is not None:
            self.refuse(self._refusal.code, self._refusal.message)
        elif code == NORMAL:
            self.refuse("closed", "The session was ended from the other side.")
        else:
            self.refuse(_REASONS.get(code, "closed"), reason or f"The server closed the connection with code {code}.")
        return None

    def unreachable(self, why: str, now: float) -> float | None:
        """No connection could be made: return the seconds until the next try, or None when it is over.

        A server that was never there is most likely a wrong address: that is said at once.
        """
        if self.ready is None:
            self.refuse("unreachable", why)
            return None
        return self._try_again(why, now)

    def refuse(self, code: str, message: str) -> None:
        """Give up for good."""
        self.phase = Phase.OVER
        self.failure = Failure(code, message)

    def _try_again(self, why: str, now: float) -> float | None:
        if self.phase is Phase.ON_AIR and now - self._on_air_since > STEADY_S:
            self._failures = 0
        self.phase = Phase.AWAY
        self._failures += 1
        self._away_since = now if self._away_since is None else self._away_since
        if now - self._away_since > PATIENCE_S:
            self.refuse("gone", f"The server has been away for {PATIENCE_S:g} s: {why}.")
            return None
        return retry_delay(self._failures, self._jitter())
