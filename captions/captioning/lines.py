"""Who may hold an engine session, where the server has only so many: first come, first served. Synchronous.

A line belongs to a session as long as its captioner's lease is held, so a process that dies gives it back by itself.
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from captions.captioning.budget import Line
from captions.captioning.lease import LeaseLostError
from captions.models import Session


def see_to(session_id: int, fence: int, *, wanted: bool) -> Line:
    """Take a line, keep it, wait for one, or give it back. Raises LeaseLostError."""
    if not settings.CONCURRENT_SESSIONS:
        return Line.HELD
    own = Session.objects.filter(pk=session_id, fence=fence, ended_at=None)
    session = own.order_by("pk").first()
    if session is None:
        raise LeaseLostError
    if not wanted:
        if session.line_since or session.waits_since:
            own.update(line_since=None, waits_since=None)
        return Line.RESTS
    if session.line_since is not None and session.is_held(timezone.now()):
        return Line.HELD
    return _take(session_id, fence)


def _take(session_id: int, fence: int) -> Line:
    now = timezone.now()
    with transaction.atomic():
        # All of them are locked, in one order: of two rooms that ask at once, the second sees what the first got.
        running = {
            session.pk: session
            for session in Session.objects.select_for_update()
            .filter(Q(lease_until__gte=now) | Q(pk=session_id), ended_at=None)
            .order_by("pk")
        }
        session = running.pop(session_id, None)
        if session is None or session.fence != fence:
            raise LeaseLostError
        since = session.waits_since or now
        before = [other for other in running.values() if _is_before(other, session_id, since)]
        own = Session.objects.filter(pk=session_id)
        if len(before) < settings.CONCURRENT_SESSIONS:
            own.update(line_since=now, waits_since=None)
            return Line.HELD
        own.update(line_since=None, waits_since=since)
    return Line.AWAITED


def _is_before(other: Session, session_id: int, since: datetime) -> bool:
    """Tell whether another session has a line, or has waited for one longer."""
    if other.line_since is not None:
        return True
    return other.waits_since is not None and (other.waits_since, other.pk) < (since, session_id)
