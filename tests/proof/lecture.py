"""A lecture as people give it: long sentences, stammers, words said over and over, pauses and long silences."""

from __future__ import annotations

import random
from dataclasses import dataclass

from captions.audio.recording import SAMPLE
from captions.engine.bursts import write_bursts

GRID_S = 0.08  # a paragraph begins on a frame: whole samples at every rate
SENTENCES = 8  # of a paragraph
# What the words are taken from: those inside a sentence, and those that end one.
_TOKENS = list(dict.fromkeys(SAMPLE.with_name("minute.txt").read_text().split()))
VOCABULARY = [token for token in _TOKENS if token[-1].isalpha()] + [token for token in _TOKENS if token[-1] == ","]
ENDINGS = [token for token in _TOKENS if token[-1] == "."]

Placed = tuple[int, float, float]
Spoken = tuple[str, float, float]


@dataclass(frozen=True)
class Paragraph:
    """Words as (number in ``TEXTS``, start_s, end_s), between ``begin_s`` and ``end_s`` of the lecture."""

    begin_s: float
    end_s: float
    words: list[Placed]

    def audio(self, rate: int) -> bytes:
        """Return its audio as 16-bit PCM."""
        placed = [(number, start - self.begin_s, end - self.begin_s) for number, start, end in self.words]
        return write_bursts(placed, self.end_s - self.begin_s, rate)


TEXTS = [*VOCABULARY, *ENDINGS]


@dataclass(frozen=True)
class Lecture:
    """What is said, a paragraph at a time."""

    paragraphs: list[Paragraph]

    @property
    def words(self) -> list[Spoken]:
        """Texts with their start and end in seconds."""
        return [(TEXTS[number], start, end) for part in self.paragraphs for number, start, end in part.words]

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.paragraphs[-1].end_s


def write_lecture(minutes: float, *, seed: int = 1) -> Lecture:
    """Write a lecture of about so many minutes; the same seed gives the same one."""
    chance = random.Random(seed)
    paragraphs: list[Paragraph] = []
    at = 0.0
    while at < minutes * 60:
        begin = at
        words: list[Placed] = []
        at += 0.4
        for _ in range(SENTENCES):
            at = _sentence(chance, at, words)
        number = len(paragraphs)
        silence = chance.uniform(15, 45) if number % 8 == 7 else chance.uniform(1.5, 4)
        if begin < minutes * 30 <= at:
            silence = 90.0  # half-time
        at = round((at + silence) / GRID_S) * GRID_S
        paragraphs.append(Paragraph(round(begin, 2), round(at, 2), words))
    return Lecture(paragraphs)


def _sentence(chance: random.Random, at: float, words: list[Placed]) -> float:
    """Add a sentence that begins at ``at`` seconds; return when the next one may."""
    breathless = chance.random() < 0.06
    longest = 0.2 if breathless else 0.4
    # Few words make most of what is said, so that a seam finds the same one several times in its overlap.
    weights = [1 / (place + 2) for place in range(len(VOCABULARY))]
    numbers: list[int] = []
    for number in chance.choices(
        range(len(VOCABULARY)), weights, k=chance.randint(60, 110) if breathless else chance.randint(3, 17)
    ):
        times = chance.choices((1, 2, 4), (0.94, 0.045, 0.015))[0]
        numbers += [number] * times
    numbers.append(len(VOCABULARY) + chance.randrange(len(ENDINGS)))
    for number in numbers:
        length = chance.uniform(0.12, longest)
        words.append((number, round(at, 3), round(at + length, 3)))
        at += length + chance.uniform(0.03, 0.09)
        if TEXTS[number].endswith(",") and not breathless:
            at += chance.uniform(0.15, 0.5)
    return at + chance.uniform(0.3, 1.3)
