"""The talk every room gives: when its words are, how they are told apart, and what is fed when. Pure but for ``pace``.

A cycle is a pause and 15 words, 143 words a minute. Every word carries its number and the time the engine sent it, so
whoever gets it knows that none is missing and how long it took. Needs nothing but the standard library: Pipecat's
side runs with it, too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from typing import Final

RATE: Final = 24_000
FRAME_S: Final = 0.08
FRAME_BYTES: Final = int(RATE * FRAME_S) * 2
PAUSE_S: Final = 1.05
WORD_S: Final = 0.35  # from one word to the next
SPOKEN_S: Final = 0.27  # of that
WORDS: Final = 15
FIRST_SOUND_S: Final = PAUSE_S // FRAME_S * FRAME_S  # the frame in which the first word begins
SENTENCE_ENDS: Final = (7, 14)
CYCLE_S: Final = PAUSE_S + WORDS * WORD_S
TAIL_S: Final = (
    1.0  # silence at the end, within the pause of the next cycle: whoever waits for the end of an utterance hears it
)
SETTLE_S: Final = 2.0  # between the last room's start and the first measurement

_STAMP_UNIT_S: Final = 1e-4
_STAMPS: Final = 1 << 24


def starts(rooms: int) -> list[float]:
    """Return when each room begins, in seconds: spread out, so that not all speak or pause at once."""
    return [room / rooms * (CYCLE_S - SETTLE_S) for room in range(rooms)]


def frames_of(cycles: int) -> int:
    """Return how many frames of 80 ms a talk of that many cycles has."""
    return round((cycles * CYCLE_S + TAIL_S) / FRAME_S)


def word_starts_s(number: int) -> float:
    """Return when a word begins; the first has number 0."""
    cycle, place = divmod(number, WORDS)
    return cycle * CYCLE_S + PAUSE_S + place * WORD_S


def silence_s(at_s: float, said: int) -> float:
    """Return for how long nobody has spoken, once ``said`` words have ended; 0 within a word."""
    if word_starts_s(said) < at_s:
        return 0.0
    return at_s - (word_starts_s(said - 1) + SPOKEN_S if said else 0.0)


def sounds(number: int, frame_s: float = FRAME_S) -> bool:
    """Tell whether there is sound in a frame, and not only the silence of a pause."""
    return ((number + 1) * frame_s) % CYCLE_S > PAUSE_S


def write_word(number: int, now: float) -> str:
    """Return a word's text; ``now`` is the time it is sent (``time.monotonic``)."""
    stamp = int(now / _STAMP_UNIT_S) % _STAMPS
    return f"{number}:{stamp:06x}{'.' if number % WORDS in SENTENCE_ENDS else ''}"


class Tally:
    """What came of one room's words."""

    def __init__(self) -> None:
        self.newest = -1
        self.delays_ms: list[float] = []
        self.numbers: list[int] = []
        self.finals = 0

    def shown(self, token: str, now: float) -> None:
        """Count a word that shows for the first time, wherever it does."""
        number, _, stamp = token.rstrip(".").partition(":")
        if int(number) > self.newest:
            self.newest = int(number)
            units = (int(now / _STAMP_UNIT_S) - int(stamp, 16)) % _STAMPS
            self.delays_ms.append(units * _STAMP_UNIT_S * 1000)

    def final(self, text: str) -> None:
        """Count the words of a final."""
        self.finals += 1
        self.numbers += [int(token.partition(":")[0]) for token in text.split()]

    def has_all(self, cycles: int) -> bool:
        """Every word came once, and in order."""
        return self.numbers == list(range(cycles * WORDS))


def summary(tallies: Iterable[Tally], cycles: int) -> dict[str, object]:
    """Return what a measured process reports at its end."""
    tallies = list(tallies)
    delays = sorted(delay for tally in tallies for delay in tally.delays_ms)
    return {
        "event": "done",
        "expected": len(tallies) * cycles * WORDS,
        "got": sum(len(tally.numbers) for tally in tallies),
        "wrong_rooms": sum(not tally.has_all(cycles) for tally in tallies),
        "finals": sum(tally.finals for tally in tallies),
        "p50_ms": round(delays[len(delays) // 2], 1) if delays else None,
        "p99_ms": round(delays[len(delays) * 99 // 100], 1) if delays else None,
    }


async def pace(first_at: float, frames: int, frame_s: float = FRAME_S) -> AsyncIterator[int]:
    """Yield frame numbers as a microphone would, from ``first_at`` (``time.monotonic``) on."""
    for number in range(frames):
        wait_s = first_at + number * frame_s - time.monotonic()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        yield number
