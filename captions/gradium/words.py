"""The words of a talk as they go out, and when an utterance is over. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from captions.gradium.actions import Action, Output, UtteranceEnd, Word, WordEnd
from captions.gradium.seam import Spoken

KEPT: Final = 40  # words a seam looks back on
STALE_S: Final = 3.0  # an utterance is over when this much was heard behind its last word


class Words:
    """Tells words, their ends and the ends of utterances to ``out``; keeps the last ones for the next seam."""

    def __init__(self, emitted: Iterable[Spoken], out: list[Action | Output]) -> None:
        self.emitted: deque[Spoken] = deque(emitted, KEPT)
        self.in_utterance = False  # words went out since the last end of an utterance
        self._withheld: list[Spoken] = []
        self._end_told = True
        self._over = False  # the utterance is, but the end of its last word is not told yet
        self._out = out

    @property
    def last_end_s(self) -> float:
        """When the last word ended; 0 before there is one."""
        return self.emitted[-1].end_s if self.emitted else 0.0

    def say(self, words: Sequence[Spoken]) -> None:
        """Let words out; tell the end of the last one as soon as it is known."""
        for word in words:
            self._tell_end()
            if self._over:
                self.end_utterance(for_sure=True)
            self.emitted.append(word)
            self.in_utterance = True
            self._end_told = False
            self._out.append(Word(word.text, round(word.start_s * 1000)))
        self._tell_end()

    def _tell_end(self) -> None:
        if not self._end_told and self.emitted[-1].ended:
            self._end_told = True
            self._out.append(WordEnd(round(self.emitted[-1].end_s * 1000)))
            if self._over:
                self.end_utterance(for_sure=True)

    def withhold(self, words: Sequence[Spoken]) -> None:
        """Keep words that may be half: ``release`` says them if they are not heard again."""
        self._withheld = list(words)

    def forget_withheld(self) -> None:
        """They are heard again."""
        self._withheld = []

    def release(self) -> None:
        """Say what was withheld."""
        self.say(self._withheld)
        self._withheld = []

    def end_utterance(self, *, for_sure: bool = False) -> None:
        """The utterance is over, if there is one: once the end of its last word is told, or at once ``for_sure``."""
        if self.in_utterance and not self._end_told and not for_sure:
            self._over = True
        elif self.in_utterance:
            self.in_utterance = self._over = False
            self._out.append(UtteranceEnd())

    def covered(self, until_s: float) -> None:
        """All words that ended before ``until_s`` are out: an utterance long past is over."""
        if self.emitted and until_s > self.emitted[-1].end_s + STALE_S:
            self.end_utterance(for_sure=True)
