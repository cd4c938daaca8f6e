"""Audio that carries numbered words, exactly: what was lost, doubled or moved on its way can be read off. Pure.

A word is a burst of seven tones of equal length: head, four hexadecimal digits of its number, a check digit, tail. A
digit is the distance from one tone to the next, so that no two neighbours are alike and a loss shows. The length is the
word's: its first and last sample are the word's start and end. Between bursts is silence. The tones lie between 500 and
3,200 Hz, 150 Hz apart: they survive any sample rate from 8 kHz, resampling, and a change of loudness. A burst that is
cut (by the start or end of the audio, a flush, or samples lost in the middle) lacks a tone or fails its check, and is
heard as "uh"; only a cut of less than about a tenth of its length can go unnoticed.
"""

from __future__ import annotations

import array
import itertools
import math
import operator
import sys
from collections.abc import Iterable, Sequence
from typing import Final

from captions.engine.hearing import Word

WORDS: Final = 0x1_0000
"""How many numbers there are, from 0."""
MIN_WORD_S: Final = 0.1
"""The shortest burst that is read safely, in seconds."""
MIN_GAP_S: Final = 0.02
"""The least silence between two bursts, in seconds."""
CUT_WORD: Final = "uh"
"""What a burst that cannot be read is heard as."""

_TONES: Final = tuple(500.0 + 150.0 * step for step in range(19))
_RING: Final = 17
"""Tones that carry digits; the last two of all are head and tail."""
_DIGITS: Final = 16
_HEAD: Final = 17
_TAIL: Final = 18
_SYMBOLS: Final = 7
_AMPLITUDE: Final = 8_000
_LOUD: Final = 1_000
"""A sample beyond this is part of a burst: an eighth of the amplitude, above any hiss."""
_SILENCE_S: Final = 0.01
"""A burst is over after this much silence; within a tone none lasts 1 ms."""
_MAX_BURST_S: Final = 3.0
_LEAST_OF_WORD: Final = 0.9
_PURITY: Final = 0.6
"""The least share of a symbol's power that its tone must hold."""
_MIDDLE: Final = (0.2, 0.8)
"""The part of a symbol that is looked at, away from its neighbours."""
_ENOUGH_HZ: Final = 8_000
"""Samples per second that tell the tones apart."""


def _symbols(number: int) -> list[int]:
    digits = [number >> shift & 0xF for shift in (12, 8, 4, 0)]
    tones = itertools.accumulate([*digits, _check(digits)], lambda tone, digit: (tone + 1 + digit) % _RING, initial=0)
    return [_HEAD, *list(tones)[1:], _TAIL]


def _check(digits: Sequence[int]) -> int:
    """Return a digit that changes whenever one of the others does."""
    return sum((2 * place + 1) * digit for place, digit in enumerate(digits)) % _DIGITS


def write_bursts(words: Iterable[tuple[int, float, float]], duration_s: float, sample_rate: int = 24_000) -> bytes:
    """Return 16-bit little-endian mono PCM of ``duration_s`` seconds with a burst per (number, start_s, end_s).

    Raises ValueError for words that are too short, too close, out of order or beyond the end.
    """
    samples = array.array("h", bytes(2 * round(duration_s * sample_rate)))
    free_s = 0.0
    for number, start_s, end_s in words:
        if not 0 <= number < WORDS:
            raise ValueError(f"A word's number must be from 0 to {WORDS - 1}, not {number}.")
        if start_s < free_s or not MIN_WORD_S - 1e-9 <= end_s - start_s <= _MAX_BURST_S or end_s > duration_s:
            raise ValueError(
                f"Word {number} from {start_s} to {end_s} s is too short or long, too close or out of order."
            )
        free_s = end_s + MIN_GAP_S
        start, end = round(start_s * sample_rate), round(end_s * sample_rate)
        symbols, phase = _symbols(number), math.pi / 2  # loud from the first sample
        for at in range(start, end):
            samples[at] = round(_AMPLITUDE * math.sin(phase))
            phase += 2 * math.pi * _TONES[symbols[(at - start) * _SYMBOLS // (end - start)]] / sample_rate
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()


class BurstReader:
    """Reads words from bursts as the audio arrives. Word ``n`` is ``vocabulary[n]``, or ``w<n>`` beyond that."""

    def __init__(self, sample_rate: int, vocabulary: Sequence[str] = ()) -> None:
        self._rate = sample_rate
        self._vocabulary = vocabulary
        self._silent_enough = round(_SILENCE_S * sample_rate)
        self._at = 0
        self._burst = array.array("h")
        self._longest = round(_MAX_BURST_S * sample_rate)
        self._quiet = 0
        """Samples since the last loud one, or since the start."""

    @property
    def silence_s(self) -> float:
        """Seconds since the last burst; 0 within one."""
        return 0.0 if self._burst else self._quiet / self._rate

    def read(self, pcm: bytes) -> list[Word]:
        """Take the next audio; return the words that ended in it."""
        samples = array.array("h", pcm)
        if sys.byteorder == "big":
            samples.byteswap()
        words: list[Word] = []
        at = 0
        while at < len(samples):
            if self._burst:
                # So few that a silence long enough, or the longest burst, ends with the last of them if at all.
                room = min(self._silent_enough - self._quiet, self._longest - len(self._burst))
                piece = samples[at : at + room]
                at += len(piece)
                if self._goes_on(piece):
                    words.append(self._word())
            else:
                piece = samples[at : at + self._silent_enough]
                at += self._begin(piece)
        return words

    def _begin(self, piece: array.array[int]) -> int:
        """Look for a burst's first sample; return how many samples were looked at."""
        if _is_quiet(piece):
            self._at += len(piece)
            self._quiet += len(piece)
            return len(piece)
        first = _quiet_before_loud(piece)
        self._burst.append(piece[first])
        self._at += first + 1
        self._quiet = 0
        return first + 1

    def _goes_on(self, piece: array.array[int]) -> bool:
        """Take a piece of a burst; tell whether the burst is over with it."""
        self._at += len(piece)
        self._burst += piece
        self._quiet = self._quiet + len(piece) if _is_quiet(piece) else _quiet_before_loud(piece[::-1])
        return self._quiet >= self._silent_enough or len(self._burst) >= self._longest

    def flush(self) -> list[Word]:
        """Cut the audio here; return the word that was begun, if there is one."""
        return [self._word()] if self._burst else []

    def _word(self) -> Word:
        start, end = self._at - len(self._burst), self._at - self._quiet
        number = self._number(self._burst[: end - start])
        self._burst = array.array("h")
        text = CUT_WORD if number is None else self._name(number)
        return Word(text, round(start / self._rate, 4), round(end / self._rate, 4))

    def _name(self, number: int) -> str:
        return self._vocabulary[number] if number < len(self._vocabulary) else f"w{number}"

    def _number(self, burst: Sequence[int]) -> int | None:
        """Return the number a whole burst carries; None if it cannot be read."""
        length = len(burst) / _SYMBOLS
        if len(burst) < _LEAST_OF_WORD * MIN_WORD_S * self._rate:
            return None
        symbols = [
            self._tone(burst[round((place + _MIDDLE[0]) * length) : round((place + _MIDDLE[1]) * length)])
            for place in range(_SYMBOLS)
        ]
        tones = [0, *(tone for tone in symbols[1:-1] if tone is not None and tone < _RING)]
        if symbols[0] != _HEAD or symbols[-1] != _TAIL or len(tones) < _SYMBOLS - 1:
            return None
        *digits, check = [(after - before - 1) % _RING for before, after in itertools.pairwise(tones)]
        if _DIGITS in digits or check != _check(digits):
            return None
        return digits[0] << 12 | digits[1] << 8 | digits[2] << 4 | digits[3]

    def _tone(self, samples: Sequence[int]) -> int | None:
        """Return which tone the samples are; None if they are none clearly."""
        # All tones lie below half of this rate: fewer samples say the same.
        step = max(1, self._rate // _ENOUGH_HZ)
        samples = samples[::step]
        rate = self._rate / step
        # A pure tone of n samples has a power of n/2 times their sum of squares. Two cannot both hold most of it, so
        # the first one found is the one; how often the sign changes says where to look first.
        enough = _PURITY * sum(sample * sample for sample in samples) * len(samples) / 2
        signs = [sample < 0 for sample in samples]
        changes_hz = sum(map(operator.ne, signs, signs[1:])) * rate / (2 * len(samples))
        nearest = sorted(range(len(_TONES)), key=lambda tone: abs(_TONES[tone] - changes_hz))
        return next((tone for tone in nearest if _power(samples, _TONES[tone], rate) > enough), None)


def _is_quiet(samples: array.array[int]) -> bool:
    return max(samples) <= _LOUD and min(samples) >= -_LOUD


def _quiet_before_loud(samples: array.array[int]) -> int:
    """Return how many quiet samples come before the first loud one, which there is."""
    return next(place for place, sample in enumerate(samples) if not -_LOUD <= sample <= _LOUD)


def _power(samples: Sequence[int], tone_hz: float, rate: float) -> float:
    """Return the squared magnitude at a frequency (Goertzel's algorithm)."""
    factor = 2 * math.cos(2 * math.pi * tone_hz / rate)
    last = before = 0.0
    for sample in samples:
        last, before = sample + factor * last - before, last
    return last * last + before * before - factor * last * before
