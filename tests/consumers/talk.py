"""A talk whose audio carries its words: what readers get can be held against it exactly."""

from __future__ import annotations

import random
from dataclasses import dataclass

from captions.engine.bursts import write_bursts

BURSTS = {"listen": "bursts"}


@dataclass(frozen=True)
class Talk:
    """Words with their times in seconds, and the audio that says them."""

    words: list[tuple[str, float, float]]
    pcm: bytes
    seconds: float

    @property
    def texts(self) -> list[str]:
        return [text for text, _, _ in self.words]


def make_talk(count: int, *, seed: int = 1, first: int = 1, pause_every: int = 6, rate: int = 24_000) -> Talk:
    """Make a talk of ``count`` words, with a long pause after every few of them (0: none)."""
    chance = random.Random(seed)
    at, spoken = 0.4, []
    for number in range(first, first + count):
        length = chance.uniform(0.14, 0.3)
        spoken.append((number, round(at, 3), round(at + length, 3)))
        at += length + chance.uniform(0.04, 0.12)
        if pause_every and (number - first + 1) % pause_every == 0:
            at += chance.uniform(0.9, 1.6)
    seconds = round(at + 0.5, 2)
    pcm = write_bursts(spoken, seconds, rate)
    return Talk([(f"w{number}", start, end) for number, start, end in spoken], pcm, seconds)
