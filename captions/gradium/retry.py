"""When the next session is tried after one that failed. Pure."""

from __future__ import annotations

import random
from typing import Final

BACK_OFF_S: Final = (0.0, 0.25, 0.5, 1.0, 2.0, 5.0)
YOUNG_S: Final = 5.0  # a session that dies younger than this, and has brought nothing, is a bad sign
MOST_YOUNG: Final = 3  # so many of them in a row open the breaker
BREAKER_S: Final = 15.0
SPREAD: Final = (0.8, 1.2)  # so that the rooms of a server do not all come back at once


class Retry:
    """``at`` is the earliest time of the next try."""

    def __init__(self, now: float, jitter: random.Random) -> None:
        self.at = now
        self.failures = 0  # in a row, without a sign of work between them
        self._young = 0
        self._jitter = jitter

    @property
    def is_broken(self) -> bool:
        """Sessions die as soon as they are open: the breaker lets one through every now and then."""
        return self._young >= MOST_YOUNG

    def works(self) -> None:
        """A session has processed audio."""
        self.failures = 0

    def brings(self) -> None:
        """A session has got old, or covered something new."""
        self._young = 0

    def at_once(self, now: float) -> None:
        """The last session was left on purpose, or somebody wants it tried again."""
        self.at = now

    def failed(self, now: float, *, lived_s: float | None, refused: bool = False) -> None:
        """A session has ended by itself after ``lived_s``; None: it could not be opened. ``refused``: as so often."""
        if lived_s is not None and lived_s < YOUNG_S:
            self._young += 1
        wait_s = BREAKER_S if self.is_broken or refused else BACK_OFF_S[min(self.failures, len(BACK_OFF_S) - 1)]
        self.failures += 1
        self.at = now + wait_s * self._jitter.uniform(*SPREAD)
