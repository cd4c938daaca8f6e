"""Where two sessions of one talk join: which words of the new one are out already. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

# Two sessions put the same word up to this far apart (s).
SHIFT_S: Final = 0.4
# The same text this far apart is the same word still, if it begins before the last word that is out has ended (s).
SAME_TEXT_S: Final = 0.9
# A word may begin this long before the end of the one before it (s).
OVERLAP_S: Final = 0.2


@dataclass(slots=True)
class Spoken:
    """A word that went out: its text and its time in the audio, seconds."""

    text: str
    start_s: float
    end_s: float


def spoken_form(text: str) -> str:
    """Return a word as it sounds: small letters, no punctuation; a word of punctuation alone stays as it is."""
    folded = text.casefold()
    return "".join(char for char in folded if not unicodedata.category(char).startswith("P")) or folded


class Seam:
    """Sorts the first words of a new session, which hears the end of the old one again, into repeats and new ones.

    A repeat has the text of a word that is out, at its time. What begins before the last word that is out has ended,
    and is no repeat, is a mishearing of a session that just begins. The first word that is neither joins the two.
    """

    def __init__(self, emitted: Sequence[Spoken]) -> None:
        self._ahead = list(emitted)
        self._last_end = max((word.end_s for word in emitted), default=float("-inf"))

    def is_new(self, text: str, start_s: float) -> bool:
        """Tell whether a word of the new session has to go out; words come in the order of their times."""
        if not self._ahead and start_s >= self._last_end - OVERLAP_S:
            return True
        form = spoken_form(text)
        for index, word in enumerate(self._ahead):
            away = abs(word.start_s - start_s)
            if spoken_form(word.text) == form and (
                away <= SHIFT_S or (away <= SAME_TEXT_S and start_s < self._last_end - OVERLAP_S)
            ):
                del self._ahead[: index + 1]
                return False
        if start_s < self._last_end - OVERLAP_S:
            return False
        self._ahead.clear()
        return True
