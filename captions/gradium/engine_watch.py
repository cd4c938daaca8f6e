"""Whether the engine answers, and what is said of it when it does not. Pure."""

from __future__ import annotations

from typing import Final

from captions.gradium.actions import EngineState
from captions.gradium.leg import Leg, Phase

DOWN_AFTER_S: Final = 1.0  # without a session
MUTE_S: Final = 1.6  # with one that owes an answer
POLICY_S: Final = 15.0  # a refusal of what has worked before is taken for one when it goes on for so long


class EngineWatch:
    """``why`` is what was last said of a session that failed; ``is_final``: the engine is not to be asked again."""

    def __init__(self) -> None:
        self.why = ""
        self.is_final = False
        self._refused_since: float | None = None
        self._down_since: float | None = None
        self._told = EngineState(up=True)

    def works(self) -> None:
        """A session is at work."""
        self._refused_since = None

    def refused(self, now: float, *, has_worked: bool) -> bool:
        """The engine will not have what a session begins with, or says so because it has no session to give.

        What has never worked is not tried again. Returns whether the engine goes on refusing what has.
        """
        if self._refused_since is None:
            self._refused_since = now
        self.is_final = not has_worked
        return now - self._refused_since > POLICY_S

    def look(self, now: float, leg: Leg | None, *, wanted: bool, broken: bool) -> EngineState | None:
        """Return what is news. ``wanted``: there is audio to be heard; ``broken``: the breaker is open."""
        is_open = leg is not None and leg.phase is not Phase.CONNECTING
        if is_open or not wanted:
            self._down_since = None
        elif self._down_since is None:
            self._down_since = now
        is_mute = is_open and leg is not None and leg.waits_s(now) > MUTE_S
        is_away = self._down_since is not None and now - self._down_since > DOWN_AFTER_S
        if is_mute or is_away or self.is_final:
            state = EngineState(up=False, why=self.why, final=self.is_final, broken=broken)
        elif is_open or not wanted:
            state = EngineState(up=True)
        else:
            return None  # for a moment nobody knows
        if state == self._told:
            return None
        self._told = state
        return state
