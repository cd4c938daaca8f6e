"""The speaker: his words, and audio whose samples carry their own index.

A sample holds its index modulo 65,535, plus 1; 0 is padding. Audio reaches a session within minutes of being recorded,
so the time tells which of the indexes with that remainder it is.
"""

from __future__ import annotations

import array
import random
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from captions.gradium.setup import FRAME_S
from tests.gradium.conditions import World

RATE: Final = 250
FRAME: Final = int(RATE * FRAME_S)
COMMON: Final = ("the", "a", "and", "it", "of", "to", "in", "is", "that", "we", "you", "so", "this", "on")
PAIR_GAP_S: Final = 0.03  # between two words that may be heard as one
_WRAP: Final = 65_535
_CODES: Final = array.array("H", [*range(1, _WRAP + 1), *range(1, _WRAP + 1)]).tobytes()


@dataclass(frozen=True, slots=True)
class Uttered:
    """A word of the speaker, with its times in his audio (s); ``joins``: it may be heard as one with the next."""

    text: str
    start_s: float
    end_s: float
    joins: bool = False


def talk(world: World, rng: random.Random) -> list[Uttered]:
    """Return what the speaker says."""
    words: list[Uttered] = []
    at, number = rng.uniform(0.5, 1.2), 0  # a session hears badly at once after its start
    silent_at = at + rng.uniform(0.3, 1.7) * world.silences_every_s if world.silences_every_s else world.talk_s
    while at < world.talk_s - 1.5:
        number += 1
        text = rng.choice(COMMON) if rng.random() < world.common else f"w{number}"
        length = rng.uniform(0.12, 0.5)
        joins = world.compounds > 0 and rng.random() < world.compounds and not (words and words[-1].joins)
        words.append(Uttered(text, round(at, 3), round(at + length, 3), joins))
        at += length + rng.uniform(0.03, 0.12)
        if joins:
            at = words[-1].end_s + PAIR_GAP_S
            continue
        if world.stutters and rng.random() < world.stutters:
            words.append(Uttered(text, round(at, 3), round(at + length, 3)))
            at += length + rng.uniform(0.03, 0.12)
        if world.pauses and rng.random() < 0.1:
            at += rng.choice((0.3, 0.6, 1.2, 2.5, 6.0))
        if at > silent_at:
            at += rng.uniform(*world.silence_s)
            silent_at = at + rng.uniform(0.3, 1.7) * world.silences_every_s
    return words


def recording(first: int, count: int) -> bytes:
    """Return the samples from index ``first``."""
    place = first % _WRAP * 2
    return _CODES[place : place + 2 * count]


def index_of(pcm: bytes, now: float) -> int:
    """Return the index of the first sample, which was recorded before ``now``."""
    remainder = pcm[0] + 256 * pcm[1] - 1
    assert remainder >= 0, "audio begins with padding"
    newest = int(now * RATE + 1e-6)
    return newest - (newest - remainder) % _WRAP


class Gate:
    """Hears whether there is a word in a piece of audio."""

    def __init__(self, words: Sequence[Uttered], clock: Callable[[], float]) -> None:
        self._words = words
        self._clock = clock

    def learn(self, pcm: bytes) -> None:
        """Audio of a time when the engine listens: nothing to learn here."""

    def hears(self, pcm: bytes, *, at_once: bool = False) -> bool:
        """Tell whether a word sounds in this piece."""
        del at_once
        if not pcm:
            return False
        first = index_of(pcm, self._clock())
        start_s, end_s = first / RATE, (first + len(pcm) // 2) / RATE
        place = bisect_right(self._words, start_s, key=lambda word: word.end_s)
        return place < len(self._words) and self._words[place].start_s < end_s
