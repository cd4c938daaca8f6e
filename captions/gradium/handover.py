"""When a second session is opened beside the first, and when it takes over. Pure.

Make before break: the next leg is opened and hears what the one before hears before that one is left. Whatever the
reason, the words that both heard are told apart at the seam.
"""

from __future__ import annotations

import enum
import random
from typing import Final

from captions.gradium.editions import Settings
from captions.gradium.leg import Leg, Phase
from captions.gradium.seam import SLACK_S

LEAVE_IN_PAUSE: Final = 0.80  # shares of the session cap
LEAVE_SOON: Final = 0.95
LEAVE_AT_ONCE: Final = 0.97
LEAVE_ANYHOW: Final = 0.98
PAUSE_WAIT_S: Final = 3.0  # for a pause, once the next leg has caught up
PAUSE_WAIT_SHARE: Final = 0.05  # of the cap at most
BESIDE_S: Final = 2.0  # a leg that owes an answer for this long gets another beside it: whichever moves first wins
BESIDE_CONNECTING_S: Final = 3.0
RETRY_S: Final = 1.0
REFUSED_OFTEN: Final = 2  # a second session, so often: there is none to be had
LEGS_ALONE: Final = 10  # then so many legs do without, before it is asked for again
BESIDE_LIMIT_S: Final = 4.0  # a leg beside one that hangs is not waited for any longer
CHANGE_LIMIT_S: Final = 9.0  # new settings that give no session for so long, while the old ones do, are given up
LONGEST_WORD_S: Final = 1.2  # a word that began before a limit has ended by then


class Reason(enum.Enum):
    """Why a second leg is wanted."""

    ROLLOVER = enum.auto()
    CHANGE = enum.auto()  # of settings
    HANG = enum.auto()


class Standby:
    """A leg that is to take over."""

    def __init__(self, leg: Leg, reason: Reason, now: float) -> None:
        self.leg = leg
        self.reason = reason
        self.since = now
        self._caught_up_at: float | None = None

    def may_take_over(self, primary: Leg, now: float, *, past_limit: bool) -> bool:
        """Tell whether the leg before can be left now. ``past_limit``: it has said all that was its own to say."""
        if not self.leg.has_stepped:
            return self.reason is Reason.ROLLOVER and primary.used(now) >= LEAVE_ANYHOW
        if self.reason is Reason.CHANGE:
            return past_limit
        if self.reason is Reason.HANG:
            return True
        if self._caught_up_at is None:
            if self.leg.seen < primary.seen:
                return primary.used(now) >= LEAVE_ANYHOW
            self._caught_up_at = now
        wait_s = min(PAUSE_WAIT_S, PAUSE_WAIT_SHARE * primary.settings.session_s)
        return primary.utterance.in_pause or now - self._caught_up_at >= wait_s or primary.used(now) >= LEAVE_AT_ONCE

    def is_late(self, primary: Leg | None, now: float) -> bool:
        """It is not worth waiting for any longer."""
        if self.leg.phase is not Phase.CONNECTING or primary is None:
            return False
        if self.reason is Reason.HANG:
            return self.leg.waits_s(now) > BESIDE_LIMIT_S
        is_well = primary.has_stepped and primary.waits_s(now) < BESIDE_S
        return self.reason is Reason.CHANGE and is_well and now - self.since > CHANGE_LIMIT_S

    def is_needless(self, primary: Leg, now: float, *, run_is_over: bool) -> bool:
        """The leg before goes on after all, or ends by itself."""
        if self.reason is Reason.HANG:
            return primary.waits_s(now) == 0 and primary.phase is not Phase.CONNECTING
        return self.reason is Reason.ROLLOVER and run_is_over


class SecondSessions:
    """Whether the engine has a second session to give. ``legs``: so many more do without one."""

    def __init__(self, now: float, jitter: random.Random) -> None:
        self._jitter = jitter
        self._at = now
        self._refused = 0
        self._legs_alone = 0

    @property
    def is_alone(self) -> bool:
        """There is none to be had."""
        return self._legs_alone > 0

    def may_ask(self, now: float) -> bool:
        """Tell whether one may be asked for now."""
        return now >= self._at

    def ask_at_once(self, now: float) -> None:
        """Do not wait for the next time."""
        self._at = now

    def leg_is_over(self) -> None:
        """A leg has done without."""
        self._legs_alone = max(0, self._legs_alone - 1)

    def failed(self, now: float, *, refused: bool) -> None:
        """One has failed; ``refused``: it was never ready, though the first one is at work."""
        self._at = now + RETRY_S * self._jitter.uniform(0.8, 1.2)
        self._refused = self._refused + 1 if refused else 0
        if self._refused >= REFUSED_OFTEN:
            self._legs_alone, self._refused = LEGS_ALONE, 0


def wanted(
    primary: Leg, now: float, *, following: Settings | None, run_is_over: bool, caught_up: bool, alone: bool
) -> Reason | None:
    """Tell whether a second leg is wanted beside ``primary``, and why.

    ``following``: settings that hold after those of ``primary``, for audio that is here already. ``alone``: the engine
    has no second session to give.
    """
    if alone:
        return None
    if following is not None:
        return Reason.CHANGE
    limit_s = BESIDE_CONNECTING_S if primary.phase is Phase.CONNECTING else BESIDE_S
    if primary.waits_s(now) > limit_s:
        return Reason.HANG
    used = primary.used(now)
    if used < LEAVE_IN_PAUSE or run_is_over or not primary.is_open or not primary.seam.joined:
        return None
    is_time = used >= LEAVE_SOON or (primary.utterance.in_pause and caught_up)
    return Reason.ROLLOVER if is_time and has_progressed(primary) else None


def has_progressed(leg: Leg) -> bool:
    """Tell whether a leg in its place would begin later than it did."""
    from_here = leg.heard - int((leg.settings.context_s + SLACK_S) * leg.settings.rate)
    return from_here > leg.origin + leg.settings.frame


def is_past_limit(leg: Leg, limit: int, slack_s: float) -> bool:
    """All words that begin before ``limit`` are out."""
    if leg.seam.is_past_limit:
        return True
    if not leg.seam.joined or leg.seam.withholding:
        return False
    return leg.heard - int((slack_s + LONGEST_WORD_S) * leg.settings.rate) >= limit
