"""The durable record of a session: finals and gaps, numbered without holes. Synchronous."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from captions.captioning.lease import LeaseLostError
from captions.captioning.segmenter import TimedWord
from captions.models import Segment, Session


@dataclass(frozen=True, slots=True)
class Entry:
    """A row to write: a final, or a gap when ``reason`` is set."""

    seq: int
    start_ms: int
    end_ms: int
    text: str = ""
    words: tuple[TimedWord, ...] = ()
    lang: str = ""
    speaker: str = ""
    reason: str = ""


def append(session_id: int, fence: int, entries: Sequence[Entry], *, acked_sample: int) -> None:
    """Write entries and the audio they make safe, all or nothing. Raises LeaseLostError."""
    rows = [
        Segment(
            session_id=session_id,
            seq=entry.seq,
            kind=Segment.Kind.GAP if entry.reason else Segment.Kind.FINAL,
            text=entry.text,
            words=[{"text": word.text, "start_ms": word.start_ms, "end_ms": word.end_ms} for word in entry.words],
            start_ms=entry.start_ms,
            end_ms=entry.end_ms,
            lang=entry.lang,
            speaker=entry.speaker,
            reason=entry.reason,
        )
        for entry in entries
    ]
    with transaction.atomic():
        # The update comes first and takes the row's lock: a claim waits until these rows are in, or they are refused.
        held = Session.objects.filter(pk=session_id, fence=fence, ended_at=None).update(acked_sample=acked_sample)
        if held != 1:
            raise LeaseLostError
        Segment.objects.bulk_create(rows)
