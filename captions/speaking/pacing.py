"""How fast samples flow: a token bucket. And how long to wait before the next try after a failure."""

from __future__ import annotations

from typing import Final

FIRST_RETRY_S: Final = 0.25
SLOWEST_RETRY_S: Final = 5.0

_ROUNDING: Final = 1e-3  # a thousandth of a sample is no reason to wake up twice


class Bucket:
    """Lets ``rate`` samples a second through, and after a lull up to ``burst`` at once. Times are seconds."""

    def __init__(self, rate: float, burst: float, *, filled: bool = False) -> None:
        self._rate = rate
        self._burst = burst
        self._level = burst if filled else 0.0
        self._at: float | None = None

    def wait(self, samples: int, now: float) -> float:
        """Return how many seconds from ``now`` until ``samples`` may pass; 0.0 when they may pass now."""
        self._refill(now)
        # More than a burst can never be saved up: it passes when the bucket is full, and leaves a debt.
        missing = min(float(samples), self._burst) - self._level
        return missing / self._rate if missing > _ROUNDING else 0.0

    def take(self, samples: int, now: float) -> None:
        """Let ``samples`` pass."""
        self._refill(now)
        self._level -= samples

    def _refill(self, now: float) -> None:
        if self._at is not None and now > self._at:
            self._level = min(self._burst, self._level + (now - self._at) * self._rate)
        self._at = now if self._at is None else max(self._at, now)


def retry_delay(failures: int, jitter: float) -> float:
    """Return the seconds to wait after that many ``failures`` in a row (1, 2, ...); ``jitter`` is random in [0, 1).

    Doubles from try to try. The wait is drawn from the upper half of its range: many speakers that lost their server at
    the same moment come back spread out, and none comes back at once.
    """
    longest = min(SLOWEST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(failures - 1, 10))
    return longest * (1.0 + jitter) / 2.0
