"""Change of sample rate: a windowed-sinc polyphase filter in plain Python.

The filter is flat to 0.41 of the lower rate (10 kHz of 24 kHz) and 65 dB down from half of it, so that nothing folds
back into speech. Its taps are designed after Kaiser (J. F. Kaiser, "Nonrecursive digital filter design using the
I0-sinh window function", 1974). 48 kHz to 24 kHz takes about a twelfth of a core: the inner product runs in C.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from operator import mul
from typing import Final

HALF_WIDTH: Final = 24
"""Zero crossings of the sinc on either side."""
ATTENUATION_DB: Final = 65.0

_BETA: Final = 0.1102 * (ATTENUATION_DB - 8.7)
# Kaiser's formula turned round: the width of the transition, as a share of the lower rate, for that many taps.
_TRANSITION: Final = (ATTENUATION_DB - 7.95) / (14.36 * 2 * HALF_WIDTH)


class Resampler:
    """Turns blocks of samples at ``rate_in`` Hz into samples at ``rate_out`` Hz, without delay or drift.

    Sample k of the output stands at the time k / rate_out of the input. The output does not depend on how the input is
    cut into blocks, and n samples in give ceil(n * rate_out / rate_in) out.
    """

    def __init__(self, rate_in: int, rate_out: int) -> None:
        divisor = math.gcd(rate_in, rate_out)
        self._up, self._down = rate_out // divisor, rate_in // divisor
        # In input samples: how far the filter reaches to either side of an output sample.
        self._reach = math.ceil(HALF_WIDTH * max(1.0, rate_in / rate_out))
        self._line: list[float] = [0.0] * (self._reach - 1)
        self._start = 0  # where in the line the next output's first tap stands
        self._phase = 0  # how far after an input sample the next output stands, in 1/up of an input sample
        self._taps = cache(self._design)

    def feed(self, block: Sequence[float]) -> list[float]:
        """Return the output that ``block`` completes."""
        line, start, phase = self._line, self._start, self._phase
        line.extend(block)
        width, up, down, taps = 2 * self._reach, self._up, self._down, self._taps
        out = []
        while start + width <= len(line):
            out.append(sum(map(mul, taps(phase), line[start : start + width])))
            step, phase = divmod(phase + down, up)
            start += step
        gone = min(start, len(line))
        del line[:gone]
        self._start, self._phase = start - gone, phase
        return out

    def end(self) -> list[float]:
        """Return the last of the output, once, after the last block."""
        return self.feed([0.0] * self._reach)

    def _design(self, phase: int) -> list[float]:
        """Return the taps for an output that stands ``phase`` / up after the input sample in the middle."""
        cutoff = (1.0 - _TRANSITION) * min(1.0, self._up / self._down)  # in units of half the input rate
        taps = []
        for tap in range(2 * self._reach):
            x = tap - (self._reach - 1) - phase / self._up
            edge = x / self._reach
            taps.append(_sinc(cutoff * x) * _bessel_i0(_BETA * math.sqrt(max(0.0, 1.0 - edge * edge))))
        gain = 1.0 / sum(taps)
        return [gain * value for value in taps]


def resampled(blocks: Iterable[Sequence[float]], rate_in: int, rate_out: int) -> Iterator[Sequence[float]]:
    """Yield ``blocks`` at ``rate_out`` Hz; untouched if that is what they have."""
    if rate_in == rate_out:
        yield from blocks
        return
    resampler = Resampler(rate_in, rate_out)
    for block in blocks:
        yield resampler.feed(block)
    yield resampler.end()


def _sinc(x: float) -> float:
    return math.sin(math.pi * x) / (math.pi * x) if x else 1.0


def _bessel_i0(x: float) -> float:
    """Return the modified Bessel function of order 0, by its power series."""
    term = total = 1.0
    k = 0
    while term > total * 1e-12:
        k += 1
        term *= (x / (2 * k)) ** 2
        total += term
    return total
