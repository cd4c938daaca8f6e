"""What a room may still spend: its hours a day, all rooms' minutes a month, a caption line of its own. Pure.

Days and months are those of UTC. Amounts are milliseconds of audio sent to the speech engine, which is what it bills.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

CREDITS_PER_S: Final = 3
LEAST_MS: Final = 1_000  # less than this is nothing: no session is opened for it
WARN_MS: Final = (120_000, 600_000)
MS_PER_HOUR: Final = 3_600_000
MS_PER_MINUTE: Final = 60_000


class Reason(StrEnum):
    """Which limit is meant."""

    ROOM_DAY = "room_day"
    MONTH = "month"
    CONCURRENT = "concurrent"


DETAILS: Final = {Reason.ROOM_DAY: "budget", Reason.MONTH: "budget_month", Reason.CONCURRENT: "engine_busy"}
"""What the wire's ``detail`` calls them."""


@dataclass(frozen=True, slots=True)
class Amounts:
    """Of the room today, and of all rooms this month. As limits: None is no limit."""

    room_day_ms: int | None
    month_ms: int | None


def limits(*, room_hours: float | None, server_hours: float, minutes_per_month: float) -> Amounts:
    """Return the limits of a room; ``room_hours`` None: as the server is set up. 0 is no limit."""
    hours = server_hours if room_hours is None else room_hours
    return Amounts(
        round(hours * MS_PER_HOUR) if hours else None,
        round(minutes_per_month * MS_PER_MINUTE) if minutes_per_month else None,
    )


class Line(StrEnum):
    """Where a room stands with its caption line, the right to hold an engine session."""

    HELD = "held"  # or lines are not limited
    AWAITED = "awaited"  # all are in use
    RESTS = "rests"  # the room needs none at present, and has none


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a room may do. ``left_ms`` counts down to ``nearest``, the limit that is reached first; None: no limit."""

    reason: Reason | None = None
    left_ms: int | None = None
    nearest: Reason | None = None
    line: Line = Line.HELD
    again_at: datetime | None = None

    @property
    def allowed(self) -> bool:
        """An engine session may be open."""
        return self.reason is None and self.line is Line.HELD

    @property
    def out_of_time(self) -> bool:
        """Stopped until the next day or month, or until somebody raises a limit."""
        return self.reason in (Reason.ROOM_DAY, Reason.MONTH)

    @property
    def detail(self) -> str:
        """The wire's ``detail``; empty when nothing is stopped."""
        return DETAILS[self.reason] if self.reason else ""

    @property
    def warning_ms(self) -> int | None:
        """Which warning has been reached: 600,000 or 120,000 before the end; None before both, and when stopped."""
        if self.reason is not None or self.left_ms is None:
            return None
        return next((limit for limit in WARN_MS if self.left_ms <= limit), None)

    def after(self, spent_ms: int) -> Verdict:
        """Return the verdict once ``spent_ms`` more are spent, as far as it can be told without looking again."""
        if self.left_ms is None or self.reason is not None or spent_ms <= 0:
            return self
        left_ms = max(0, self.left_ms - spent_ms)
        return replace(self, left_ms=left_ms, reason=None if left_ms else self.nearest)

    def with_line(self, line: Line) -> Verdict:
        """Return the verdict of a room that stands so with its line. Being out of time weighs more."""
        reason = Reason.CONCURRENT if line is Line.AWAITED else None
        return replace(self, line=line, reason=self.reason or reason)


def judge(limit: Amounts, used: Amounts, now: datetime) -> Verdict:
    """Return what a room may do at ``now``. The limit that keeps it stopped for longer is the reason."""
    left = {
        Reason.MONTH: _left(limit.month_ms, used.month_ms),
        Reason.ROOM_DAY: _left(limit.room_day_ms, used.room_day_ms),
    }
    for reason, left_ms in left.items():
        if left_ms is not None and left_ms < LEAST_MS:
            return Verdict(reason, 0, reason, again_at=starts_again(reason, now))
    bounds = [(left_ms, reason) for reason, left_ms in left.items() if left_ms is not None]
    left_ms, nearest = min(bounds) if bounds else (None, None)
    again_at = None if nearest is None else starts_again(nearest, now)
    return Verdict(None, left_ms, nearest, again_at=again_at)


def _left(limit_ms: int | None, used_ms: int | None) -> int | None:
    return None if limit_ms is None else limit_ms - (used_ms or 0)


def starts_again(reason: Reason, now: datetime) -> datetime | None:
    """Return when a used-up limit begins anew: at midnight UTC, or on the first of the month."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if reason is Reason.ROOM_DAY:
        return midnight + timedelta(days=1)
    if reason is Reason.MONTH:
        return (midnight.replace(day=28) + timedelta(days=4)).replace(day=1)
    return None
