"""When an utterance is over: what the engine's steps tell of silence, and how a flush is made safe. Pure."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Final

HOLD_S: Final = 0.7  # waiting for silence to be confirmed ends here
TRAIL_S: Final = 0.15  # text may trail `flushed` by this (Pipecat waits 0.1 s), and one text the other
FLUSH_LIMIT_S: Final = 2.0
# Inactivity reads low before the model has heard anything, and is unreliable after a flush (Gradium's guides): steps.
UNRELIABLE_STEPS: Final = 8
# Steps in a row that must agree before silence is believed.
AGREEING_STEPS: Final = 2
# The short horizon (s) and the likelihood that make a pause in which a session may be changed.
PAUSE_HORIZON_S: Final = 0.5
PAUSE_THRESHOLD: Final = 0.6


class Decision(enum.Enum):
    """What follows from a step."""

    GO_ON = enum.auto()
    FLUSH = enum.auto()
    LEAVE = enum.auto()  # a pause, in which the session may be ended


class _Stage(enum.Enum):
    """How far the end of an utterance has come."""

    NONE = enum.auto()
    HOLDING = enum.auto()  # feeding stopped, until all that was fed is known to be silent
    FLUSHING = enum.auto()  # flush was sent
    SETTLING = enum.auto()  # flushed came; its text may still trail


class Utterance:
    """The utterance a session hears. ``horizon_s`` and ``threshold`` say which silence ends it."""

    def __init__(self, *, horizon_s: float, threshold: float, now: float) -> None:
        self._horizon_s = horizon_s
        self._threshold = threshold
        self._stage = _Stage.NONE
        self._at = now
        self._reliable_in = UNRELIABLE_STEPS
        self._quiet_steps = 0
        self._pause_steps = 0
        self._heard_speech = False

    @property
    def is_silent(self) -> bool:
        """The engine takes the utterance for over."""
        return self._quiet_steps >= AGREEING_STEPS

    @property
    def in_pause(self) -> bool:
        """Nobody speaks at this moment."""
        return self._pause_steps >= AGREEING_STEPS

    @property
    def is_holding(self) -> bool:
        """No audio may be sent until what was sent is known to be silent."""
        return self._stage is _Stage.HOLDING

    @property
    def is_flushing(self) -> bool:
        """A flush was sent and its answer is waited for."""
        return self._stage is _Stage.FLUSHING

    def step(self, inactivity: Mapping[float, float]) -> None:
        """Take what a step tells: the likelihood of silence by horizon in seconds."""
        silence = _at(inactivity, self._horizon_s)
        pause = _at(inactivity, PAUSE_HORIZON_S)
        if self._reliable_in:
            self._reliable_in -= 1
            self._quiet_steps = self._pause_steps = 0
            return
        self._quiet_steps = self._quiet_steps + 1 if silence >= self._threshold else 0
        self._pause_steps = self._pause_steps + 1 if pause >= PAUSE_THRESHOLD else 0
        if pause < PAUSE_THRESHOLD:
            self._heard_speech = True

    def decide(
        self,
        now: float,
        *,
        caught_up: bool,
        confirmed: bool,
        sounds: Callable[[], bool],
        in_utterance: bool,
        may_leave: bool,
    ) -> Decision:
        """Tell what to do now.

        ``confirmed``: all that was sent is processed, so the last step speaks for it. ``sounds``: whether it ends
        as if somebody began to speak, which the engine may notice a little later.
        """
        is_over = self.is_silent and (self._heard_speech or in_utterance)
        leave = may_leave and self.in_pause
        if self._stage is _Stage.NONE and caught_up and (is_over or leave):
            # A flush or an end applies to what was sent, silence to what was processed: stop, until they are the same.
            self._stage, self._at = _Stage.HOLDING, now
        if self._stage is not _Stage.HOLDING:
            return Decision.GO_ON
        if not (is_over or leave):
            self._stage = _Stage.NONE
        elif confirmed and sounds():
            self._let_go()
        elif confirmed and leave:
            return Decision.LEAVE
        elif confirmed:
            self._flush(now)
            return Decision.FLUSH
        return Decision.GO_ON

    def _let_go(self) -> None:
        self._stage = _Stage.NONE
        self._reliable_in = UNRELIABLE_STEPS  # feed for a while before the next try

    def _flush(self, now: float) -> None:
        self._stage, self._at = _Stage.FLUSHING, now
        self._reliable_in = UNRELIABLE_STEPS
        self._quiet_steps = self._pause_steps = 0
        self._heard_speech = False

    def flushed(self, now: float) -> None:
        """The flush was answered."""
        if self._stage is _Stage.FLUSHING:
            self._stage, self._at = _Stage.SETTLING, now + TRAIL_S
            self._reliable_in = UNRELIABLE_STEPS

    def text(self, now: float) -> None:
        """A text or the end of one came: more may trail it."""
        if self._stage is _Stage.SETTLING:
            self._at = now + TRAIL_S

    def has_ended(self, now: float) -> bool:
        """Tell, once, that an utterance was flushed and its text is out; call it as time passes."""
        late_s = now - self._at
        if self._stage is _Stage.HOLDING and late_s > HOLD_S:
            self._let_go()
        elif self._stage is _Stage.FLUSHING and late_s > FLUSH_LIMIT_S:
            self._stage, self._at = _Stage.SETTLING, now
        elif self._stage is _Stage.SETTLING and late_s >= 0:
            self._stage = _Stage.NONE
            return True
        return False


def _at(inactivity: Mapping[float, float], horizon_s: float) -> float:
    """Return the likelihood at a horizon; at the nearest one if the engine does not tell that one."""
    if horizon_s in inactivity:
        return inactivity[horizon_s]
    if not inactivity:
        return 0.0
    return inactivity[min(inactivity, key=lambda known: abs(known - horizon_s))]
