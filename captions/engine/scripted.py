"""Recognisers for tests: they hear the words of a script, or those that the audio itself carries."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Protocol

from captions.engine.bursts import CUT_WORD, BurstReader
from captions.engine.hearing import Heard, Word
from captions.engine.script import Plan, Script


class _Reader(Protocol):
    @property
    def silence_s(self) -> float: ...
    def read(self, pcm: bytes) -> list[Word]: ...
    def flush(self) -> list[Word]: ...


class WordsReader:
    """Hears known words at known times, whatever the audio holds. Pure.

    ``offset_s`` is where on the words' clock the audio begins. A word cut by the start of the audio, by a flush or by
    its end is heard as "uh", in the part that is there.
    """

    def __init__(self, sample_rate: int, words: Sequence[Word], offset_s: float) -> None:
        self._rate = sample_rate
        # In samples, which compare exactly.
        placed = [
            (word.text, round((word.start_s - offset_s) * sample_rate), round((word.end_s - offset_s) * sample_rate))
            for word in words
        ]
        self._words = deque((text, start, end) for text, start, end in placed if end > 0)
        self._now = 0
        self._cut = 0
        self._spoken = 0

    @property
    def silence_s(self) -> float:
        """Seconds since a word; 0 within one."""
        if self._words and self._words[0][1] < self._now:
            return 0.0
        return (self._now - self._spoken) / self._rate

    def read(self, pcm: bytes) -> list[Word]:
        """Take the next audio; return the words that ended in it."""
        self._now += len(pcm) // 2
        words: list[Word] = []
        while self._words and self._words[0][2] <= self._now:
            words.append(self._piece(*self._words.popleft()))
        return words

    def flush(self) -> list[Word]:
        """Cut the audio here; return the word that was begun, if there is one."""
        words: list[Word] = []
        if self._words and max(self._words[0][1], self._cut) < self._now:
            words.append(self._piece(*self._words[0]))
        self._cut = self._now
        return words

    def _piece(self, text: str, start: int, end: int) -> Word:
        """Return what is there of a word."""
        first, last = max(start, self._cut), min(end, self._now)
        self._spoken = last
        whole = (first, last) == (start, end)
        return Word(text if whole else CUT_WORD, round(first / self._rate, 4), round(last / self._rate, 4))


class ScriptedRecogniser:
    """A Recogniser over a script."""

    def __init__(self, script: Script, plan: Plan) -> None:
        self._script = script
        self._plan = plan
        self._reader: _Reader | None = None

    async def open(self, sample_rate: int) -> None:
        """Get ready for audio at ``sample_rate`` Hz."""
        if self._script.listen == "bursts":
            self._reader = BurstReader(sample_rate, self._script.vocabulary)
        else:
            self._reader = WordsReader(sample_rate, self._script.words, self._plan.offset_s)

    async def hear(self, pcm: bytes) -> Heard:
        """Take the next audio."""
        return self._heard(self._opened.read(pcm))

    async def flush(self) -> Heard:
        """Decide on all audio so far."""
        return self._heard(self._opened.flush())

    async def close(self) -> None:
        """There is nothing to give back."""

    @property
    def _opened(self) -> _Reader:
        if self._reader is None:
            raise RuntimeError("hear() and flush() come after open().")
        return self._reader

    def _heard(self, words: list[Word]) -> Heard:
        return Heard(tuple(words), self._opened.silence_s)
