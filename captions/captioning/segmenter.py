"""Words to segments: what is still being spoken (interim), and what is over (final). Pure.

A segment only grows, and what was shown of it is exactly what its final holds: a cut is made when the next word comes,
never by taking words back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias


@dataclass(slots=True)
class TimedWord:
    """A word and its time in the session, milliseconds. ``end_ms`` is None until the engine has told it."""

    text: str
    start_ms: int
    end_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Growing:
    """The open segment's whole text so far."""

    text: str
    start_ms: int


@dataclass(frozen=True, slots=True)
class Finished:
    """A segment that will not change any more; every word has an end."""

    text: str
    words: tuple[TimedWord, ...]
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Limits:
    """When a segment is long enough, and when too long. Characters, words and milliseconds."""

    sentence_chars: int = 24  # a full stop ends a segment of at least this
    soft_chars: int = 84  # from here on a comma or a short pause ends it: two lines of 42
    hard_chars: int = 150
    hard_words: int = 24
    hard_ms: int = 8_000
    short_pause_ms: int = 300
    long_pause_ms: int = 800  # ends a segment of any length
    guessed_word_ms: int = 400  # the longest a word without a told end is taken to last


Piece: TypeAlias = Growing | Finished

_SENTENCE_ENDS: Final = (".", "!", "?", "…", "。", "！", "？")
_CLOSING: Final = frozenset(".,!?;:…%)]}»”’。，！？、；：،؟")
_CLAUSE_ENDS: Final = (",", ";", ":", "–", "—", "،", "、")


def _is_closing_punctuation(text: str) -> bool:
    """Tell whether a token is punctuation that belongs to the word before it."""
    return all(char in _CLOSING for char in text)


def _ends_with(text: str, marks: tuple[str, ...]) -> bool:
    return text.rstrip("\"'”’»)]}").endswith(marks)


@dataclass(slots=True)
class Segmenter:
    """Takes words in order; each call returns the pieces that follow from it, in order."""

    limits: Limits = field(default_factory=Limits)
    _words: list[TimedWord] = field(default_factory=list)
    _text: str = ""
    _last_ms: int = 0

    @property
    def is_open(self) -> bool:
        """There are words that belong to no final yet."""
        return bool(self._words)

    def word(self, text: str, start_ms: int) -> list[Piece]:
        """Take a word that begins at ``start_ms``."""
        pieces: list[Piece] = []
        start_ms = max(start_ms, self._last_ms)  # times of the transcript never run backwards
        if self._words and _is_closing_punctuation(text):
            self._words[-1].text += text
            self._text += text
            return [self._growing()]
        if self._words and self._is_over_before(text, start_ms):
            pieces.append(self._finish(before_ms=start_ms))
        self._words.append(TimedWord(text, start_ms))
        self._last_ms = start_ms
        self._text = f"{self._text} {text}" if self._text else text
        pieces.append(self._growing())
        return pieces

    def word_end(self, end_ms: int) -> list[Piece]:
        """Take the end of the last word; a sentence that is long enough ends with it."""
        if not self._words:
            return []
        last = self._words[-1]
        last.end_ms = max(last.start_ms, end_ms)
        self._last_ms = last.end_ms
        if _ends_with(last.text, _SENTENCE_ENDS) and len(self._text) >= self.limits.sentence_chars:
            return [self._finish()]
        return []

    def utterance_end(self) -> list[Piece]:
        """The speaker has stopped: whatever there is, is a segment."""
        return [self._finish()] if self._words else []

    def _is_over_before(self, text: str, start_ms: int) -> bool:
        limits, last = self.limits, self._words[-1]
        pause_ms = start_ms - self._end_of(last, before_ms=start_ms)
        length = len(self._text)
        return (
            pause_ms >= limits.long_pause_ms
            or length + 1 + len(text) > limits.hard_chars
            or len(self._words) >= limits.hard_words
            or start_ms - self._words[0].start_ms >= limits.hard_ms
            or (
                length >= limits.soft_chars
                and (pause_ms >= limits.short_pause_ms or _ends_with(last.text, _CLAUSE_ENDS))
            )
            or (length >= limits.sentence_chars and _ends_with(last.text, _SENTENCE_ENDS))
        )

    def _end_of(self, word: TimedWord, *, before_ms: int | None = None) -> int:
        if word.end_ms is not None:
            return word.end_ms
        guess = word.start_ms + self.limits.guessed_word_ms
        return guess if before_ms is None else max(word.start_ms, min(guess, before_ms))

    def _growing(self) -> Growing:
        return Growing(self._text, self._words[0].start_ms)

    def _finish(self, *, before_ms: int | None = None) -> Finished:
        for word, following in zip(self._words, [*self._words[1:], None], strict=True):
            word.end_ms = self._end_of(word, before_ms=following.start_ms if following else before_ms)
        words = tuple(self._words)
        finished = Finished(self._text, words, words[0].start_ms, self._end_of(words[-1]))
        self._last_ms = finished.end_ms
        self._words, self._text = [], ""
        return finished
