"""What a run of a world notes down."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from captions.gradium.actions import Lost
from captions.gradium.seam import Spoken
from tests.gradium.speaker import Uttered


@dataclass(frozen=True, slots=True)
class Change:
    """Other settings came into force: the words that begin after ``at_s`` are of that edition."""

    at_s: float
    edition: int


@dataclass(slots=True)
class Result:
    """What came of a run."""

    spoken: list[Uttered]
    words: list[Spoken] = field(default_factory=list)
    told_at: list[float] = field(default_factory=list)
    editions: list[int] = field(default_factory=list)  # of each word, as the stream told
    changes: list[Change] = field(default_factory=list)  # those that the vendor took, from the first settings on
    not_used: list[int] = field(default_factory=list)  # editions that the stream gave up
    delays_s: list[float] = field(default_factory=list)  # of each edition
    legs: int = 0
    seams: int = 0
    sent_s: float = 0.0
    done_at: float | None = None
    ended_at: float = 0.0
    longest_tape_s: float = 0.0
    lost: list[Lost] = field(default_factory=list)
    covered: int = 0
    ends_by: Counter[str] = field(default_factory=Counter)
    utterances: int = 0
    crashes: int = 0
    most_sessions: int = 0
