"""One Gradium session as the stream sees it: what it was fed, what it has heard, what it still owes. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from captions.gradium.seam import Seam
from captions.gradium.tape import Run

# Inactivity reads low before the model has heard anything, and is unreliable after a flush (Gradium's guides): steps.
UNRELIABLE_STEPS: Final = 8
# Steps in a row that must agree before silence is believed.
AGREEING_STEPS: Final = 2
# The short horizon (s) and the likelihood that make a pause in which a session may be changed.
PAUSE_HORIZON_S: Final = 0.5
PAUSE_THRESHOLD: Final = 0.6


class Phase(enum.Enum):
    """Where a leg is in its life."""

    CONNECTING = enum.auto()
    OPEN = enum.auto()
    ENDING = enum.auto()  # end_of_stream was sent; its answer is awaited


class Utterance(enum.Enum):
    """How far the end of an utterance has come."""

    NONE = enum.auto()
    HOLDING = enum.auto()  # feeding stopped, until all that was fed is known to be silent
    FLUSHING = enum.auto()  # flush was sent
    SETTLING = enum.auto()  # flushed came; its text may still trail


@dataclass(slots=True)
class Leg:
    """A session and its counters. Positions are sample indexes of the tape, times seconds of the caller's clock."""

    id: int
    run: Run
    origin: int
    since: float
    lead_s: float
    seam: Seam
    fed: int = 0
    seen: int = 0
    phase: Phase = Phase.CONNECTING
    progress_at: float = 0.0
    ended_at: float = 0.0
    steps: int = 0
    steps_since_flush: int = 0
    quiet_steps: int = 0
    pause_steps: int = 0
    heard_speech: bool = False
    utterance: Utterance = Utterance.NONE
    utterance_at: float = 0.0

    def __post_init__(self) -> None:
        self.fed = self.seen = self.origin
        self.progress_at = self.since

    def note_step(self, inactivity: Mapping[float, float], *, horizon_s: float, threshold: float) -> None:
        """Count a step's signs of silence."""
        self.steps += 1
        self.steps_since_flush += 1
        silence = _at(inactivity, horizon_s)
        pause = _at(inactivity, PAUSE_HORIZON_S)
        if self.steps_since_flush <= UNRELIABLE_STEPS:
            self.quiet_steps = self.pause_steps = 0
            return
        self.quiet_steps = self.quiet_steps + 1 if silence >= threshold else 0
        self.pause_steps = self.pause_steps + 1 if pause >= PAUSE_THRESHOLD else 0
        if pause < PAUSE_THRESHOLD:
            self.heard_speech = True

    @property
    def in_pause(self) -> bool:
        """Nobody speaks just now."""
        return self.pause_steps >= AGREEING_STEPS

    @property
    def is_silent(self) -> bool:
        """The engine takes the utterance for over."""
        return self.quiet_steps >= AGREEING_STEPS

    def used(self, now: float, rate: int) -> float:
        """Return the seconds of its cap the session has used: audio sent or time, whichever is more."""
        return max((self.fed - self.origin) / rate, now - self.since)


def _at(inactivity: Mapping[float, float], horizon_s: float) -> float:
    """Return the likelihood at a horizon; at the nearest one if the engine does not tell that one."""
    if horizon_s in inactivity:
        return inactivity[horizon_s]
    if not inactivity:
        return 0.0
    return inactivity[min(inactivity, key=lambda known: abs(known - horizon_s))]
