"""What was paid for, as the admin shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date
from typing import Any, Final

from django.conf import settings
from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth
from django.utils import timezone

from captions.captioning import meter
from captions.captioning.budget import judge, limits
from captions.captioning.budget_words import FOR_STAFF, credits_number, credits_of, length, of_limit, sentence
from captions.models import Room, Segment, Session, Usage

SPOKEN: Final = Q(segments__kind=Segment.Kind.FINAL)


@dataclass(frozen=True, slots=True)
class Month:
    """A month's total over all rooms, in words."""

    first: date
    paid: str
    credits: str
    rooms: int


def months() -> list[Month]:
    """Return every month in which something was paid for, newest first; this one with its limit."""
    this_month = timezone.now().astimezone(UTC).date().replace(day=1)
    limit = limits(room_hours=None, server_hours=0, minutes_per_month=settings.MINUTES_PER_MONTH)
    rows = (
        Usage.objects.order_by()
        .annotate(first=TruncMonth("day"))
        .values("first")
        .annotate(paid_ms=Sum("paid_ms"), rooms=Count("room_slug", distinct=True))
        .order_by("-first")
    )
    return [
        Month(
            row["first"],
            of_limit(row["paid_ms"], limit.month_ms) if row["first"] == this_month else length(row["paid_ms"]),
            credits_number(row["paid_ms"]),
            row["rooms"],
        )
        for row in rows
    ]


def use_today(room: Room) -> str:
    """Return what a room has used today, against its limit; and if it is stopped, why and until when."""
    limit, used = meter.amounts(room.pk)
    told = f"{of_limit(used.room_day_ms, limit.room_day_ms)}, {credits_of(used.room_day_ms or 0)}."
    return f"{told} {sentence(FOR_STAFF, judge(limit, used, timezone.now()))}".strip()


def use_this_month(room: Room) -> str:
    """Return what all rooms together have used this month, against the server's limit."""
    limit, used = meter.amounts(room.pk)
    return f"{of_limit(used.month_ms, limit.month_ms)}, {credits_of(used.month_ms or 0)}."


def with_spoken_time(sessions: QuerySet[Session]) -> QuerySet[Any]:
    """Add ``spoken_ms`` to sessions: the length of all that was said in them."""
    return sessions.annotate(spoken_ms=Sum(F("segments__end_ms") - F("segments__start_ms"), filter=SPOKEN, default=0))


def paid_and_spoken(paid_ms: int, spoken_ms: int) -> str:
    """Return "12:48 paid, 10:31 spoken"."""
    return f"{length(paid_ms)} paid, {length(spoken_ms)} spoken"
