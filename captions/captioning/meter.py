"""Counts the audio a session has paid for, and looks what may still be spent. Synchronous.

Counting is fenced like all writing of a captioner, and takes the session's running total instead of steps: a second
call with the same total, or one of a captioner that has lost its lease, counts nothing.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, Sum
from django.utils import timezone

from captions.captioning import lines
from captions.captioning.budget import Amounts, Verdict, judge, limits
from captions.captioning.lease import LeaseLostError
from captions.models import Room, Session, Usage


def record(session_id: int, fence: int, *, paid_ms: int, now: datetime | None = None) -> None:
    """Count a session's paid audio up to ``paid_ms``, its running total. Raises LeaseLostError.

    What is new belongs to the day of ``now``.
    """
    day = _day(now)
    while not _counted(session_id, fence, paid_ms, day):
        # Outside the transaction above: a new row locks the room's, and a claim locks the room before the session.
        room = Room.objects.filter(sessions=session_id).first()
        if room is None:
            raise LeaseLostError
        Usage.objects.get_or_create(room=room, day=day, defaults={"room_slug": room.slug})


def _counted(session_id: int, fence: int, paid_ms: int, day: date) -> bool:
    """Count, or return False if the room has no row for the day yet."""
    with transaction.atomic():
        held = Session.objects.filter(pk=session_id, fence=fence, ended_at=None)
        session = held.select_for_update().order_by("pk").first()
        if session is None:
            raise LeaseLostError
        new_ms = paid_ms - session.paid_ms
        if new_ms <= 0:
            return True
        usage = Usage.objects.filter(room=session.room_id, day=day)
        if usage.update(paid_ms=F("paid_ms") + new_ms) != 1:
            return False
        Session.objects.filter(pk=session_id).update(paid_ms=F("paid_ms") + new_ms)
    return True


def look(room_id: int, *, now: datetime | None = None) -> Verdict:
    """Return what a room may do at ``now``, by what has been counted so far; its line is another matter."""
    limit, used = amounts(room_id, now=now)
    return judge(limit, used, now or timezone.now())


def amounts(room_id: int, *, now: datetime | None = None) -> tuple[Amounts, Amounts]:
    """Return the limits of a room, and what is used of them."""
    day = _day(now)
    hours = Room.objects.filter(pk=room_id).values_list("hours_per_day", flat=True).first()
    limit = limits(
        room_hours=hours,
        server_hours=settings.ROOM_HOURS_PER_DAY,
        minutes_per_month=settings.MINUTES_PER_MONTH,
    )
    used = Usage.objects.filter(day__gte=day.replace(day=1), day__lte=day).aggregate(
        room_day_ms=Sum("paid_ms", filter=Q(room=room_id, day=day), default=0),
        month_ms=Sum("paid_ms", default=0),
    )
    return limit, Amounts(**used)


def count_and_look(
    session_id: int, fence: int, *, room_id: int, paid_ms: int, wants_line: bool, now: datetime | None = None
) -> Verdict:
    """Do all a captioner does every few seconds: ``record``, see to its line, ``look``. Raises LeaseLostError.

    A room that is out of time has no use for a line: others get it.
    """
    record(session_id, fence, paid_ms=paid_ms, now=now)
    verdict = look(room_id, now=now)
    line = lines.see_to(session_id, fence, wanted=wants_line and not verdict.out_of_time)
    return verdict.with_line(line)


def _day(now: datetime | None) -> date:
    return (now or timezone.now()).astimezone(UTC).date()
