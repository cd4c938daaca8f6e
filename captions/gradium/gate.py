"""Notices sound while nobody listens: it only has to tell a room with somebody in it from one without. Pure.

Not a detector of speech: the engine has a better one, which costs money while it hears. What counts is that no first
word is missed, so it opens early and often, and what came just before is kept anyway.
"""

from __future__ import annotations

from collections import deque
from math import sqrt
from typing import Final, Protocol

WINDOW_S: Final = 0.04
EVERY: Final = 3  # of the samples one is enough for a measure of loudness
FLOOR_WINDOWS: Final = 125  # the noise of a room is measured over the last 5 s
QUIETEST_SHARE: Final = 0.3  # this share of them is taken for noise alone
ABOVE_FLOOR: Final = 1.8  # 5 dB
LEAST_RMS: Final = 12.0  # -69 dB of full scale: below it is no voice, however quiet the room
AGREEING: Final = 2  # windows of the last few
OF_LAST: Final = 4


class Gate(Protocol):
    """Tells whether there is sound in 16-bit samples."""

    def learn(self, pcm: bytes) -> None:
        """Take audio in which nobody speaks."""

    def hears(self, pcm: bytes, *, at_once: bool = False) -> bool:
        """Take the audio that follows, and tell whether there is sound in it; ``at_once``: however little."""


class EnergyGate:
    """Opens when it gets louder than the room's own noise."""

    def __init__(self, rate: int) -> None:
        self._window_bytes = 2 * int(WINDOW_S * rate)
        self._levels: deque[float] = deque(maxlen=FLOOR_WINDOWS)
        self._recent: deque[bool] = deque(maxlen=OF_LAST)
        self._rest = b""

    def learn(self, pcm: bytes) -> None:
        """Take audio in which nobody speaks: the noise of the room."""
        self._recent.clear()
        self._rest = b""
        self._levels.extend(self._measure(pcm))

    def hears(self, pcm: bytes, *, at_once: bool = False) -> bool:
        """Take the audio that follows, and tell whether it is louder than the room; ``at_once``: in a single window."""
        opens = False
        for level in self._measure(pcm):
            self._recent.append(level > max(LEAST_RMS, ABOVE_FLOOR * self._floor()))
            self._levels.append(level)
            opens = opens or sum(self._recent) >= (1 if at_once else AGREEING)
        return opens

    def _floor(self) -> float:
        if not self._levels:
            return 0.0
        quietest = sorted(self._levels)[: max(1, int(QUIETEST_SHARE * len(self._levels)))]
        return quietest[-1]

    def _measure(self, pcm: bytes) -> list[float]:
        """Return the loudness of each whole window, without what is constant in it."""
        data = self._rest + pcm
        levels = []
        size = self._window_bytes
        whole = len(data) // size * size
        for at in range(0, whole, size):
            samples = memoryview(data)[at : at + size].cast("h")[::EVERY].tolist()
            mean = sum(samples) / len(samples)
            levels.append(sqrt(max(0.0, sum(map(int.__mul__, samples, samples)) / len(samples) - mean * mean)))
        self._rest = data[whole:]
        return levels
