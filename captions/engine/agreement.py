"""When is a recogniser's word certain? When its last hypotheses agree on it. Pure.

A streaming decoder changes its mind about the newest words with almost every frame. LocalAgreement (Liu, Spanakis and
Niehues 2020, "Low-latency sequence-to-sequence speech recognition and translation by partial hypothesis selection")
lets a word out once several hypotheses in a row hold it at the same place. It never takes anything back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

HYPOTHESES: Final = 6
"""Hypotheses in a row that must agree, one per 80 ms: by measurement, fewer cost accuracy and more only time."""
NEAR: Final = 8
"""Frames by which a word's start may move between hypotheses and still be the same word."""
OVERLAP: Final = 3
"""Frames by which a word may begin before the one that is out has ended."""
SETTLED: Final = 30
"""Frames after which even the last word of a hypothesis counts: what follows it no longer changes it."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A word of a hypothesis. Times are the decoder's frames of 10 ms since the start of the utterance."""

    text: str
    start: int
    end: int


class Agreement:
    """The words of one utterance that are out, and the hypotheses that decide about the next ones."""

    def __init__(self) -> None:
        self._hypotheses: deque[Sequence[Guess]] = deque(maxlen=HYPOTHESES)
        self._out_until = 0

    def update(self, hypothesis: Sequence[Guess], now: int) -> list[Guess]:
        """Take the newest hypothesis, ``now`` frames into the utterance; return the words that became certain."""
        self._hypotheses.append(hypothesis)
        if len(self._hypotheses) < HYPOTHESES:
            return []
        certain: list[Guess] = []
        for place, guess in enumerate(hypothesis):
            if guess.start < self._out_until - OVERLAP:
                continue
            is_last = place == len(hypothesis) - 1
            if (is_last and now - guess.end < SETTLED) or not self._all_hold(guess):
                break
            certain.append(guess)
            self._out_until = guess.end
        return certain

    def finish(self, hypothesis: Sequence[Guess]) -> list[Guess]:
        """Take the last hypothesis of the utterance as it is; return its words that are not out yet."""
        rest: list[Guess] = []
        for guess in hypothesis:
            if guess.start >= self._out_until - OVERLAP:
                rest.append(guess)
                self._out_until = guess.end
        return rest

    def _all_hold(self, guess: Guess) -> bool:
        return all(
            any(other.text == guess.text and abs(other.start - guess.start) <= NEAR for other in hypothesis)
            for hypothesis in self._hypotheses
        )
