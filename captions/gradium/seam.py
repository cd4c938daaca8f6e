"""Where two sessions of one talk join: which words of the new one are out already. Pure.

A new session hears the end of the old one again. Word by word the two cannot be told apart safely: words repeat, the
times of two sessions differ, a session that just begins mishears, and text comes late. So the first words of the new
one are held and laid along the last words that are out as a whole, like two spellings of one text (edit distance); the
cut between repeats and new words is where that is cheapest.
"""

from __future__ import annotations

import math
import statistics
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

GUESSED_WORD_S: Final = 0.3  # a word lasts this long until its end is told
SLACK_S: Final = 0.6  # text may come this much later than the nominal delay
# What it costs to take two words for one, if they are no further apart than this: at no distance, and per second.
SAME_TEXT_S: Final = 0.9
SAME_TEXT_PER_S: Final = 0.6
OTHER_TEXT_S: Final = 0.6
OTHER_TEXT: Final = 0.5
OTHER_TEXT_PER_S: Final = 1.0
# Where only times can be compared: the difference of two sessions at which this share of the words, and no fewer than
# so many, begin alike; and then a word is told by its start.
MOST_SHIFT_S: Final = 0.35
SHIFT_STEPS: Final = 18
FEWEST_ALIKE: Final = 3
MOST_ARE: Final = 0.6
CLEARLY_MORE: Final = 2  # words than without a difference
ALIKE_S: Final = 0.05
SAME_START_S: Final = 0.08
SHORT_WORD_S: Final = 0.15
SPLIT: Final = 0.1  # and one word for two: "cannot", "can not"
LEAST_REST_LETTERS: Final = 2
LEAST_REST_S: Final = 0.12  # a second part of a word is no shorter
# What a word costs that only one of the two sessions has, and one that the other could not have.
UNMATCHED: Final = 0.7
EXCUSED: Final = 0.05
WARM_UP_S: Final = 0.7  # a session mishears what comes so soon after its beginning
NOT_YET_S: Final = 0.25  # a word that is out this much later than the last one held is yet to be heard again
# What it costs to call a word new: per second that it begins before the last word that is out has ended, and if it
# ended when all words were out already, give or take the difference of two sessions' times.
EARLY_PER_S: Final = 1.5
IMPOSSIBLE: Final = 10.0
SHIFT_S: Final = 0.4


@dataclass(slots=True)
class Spoken:
    """A word, with its time in the speaker's audio in seconds; ``ended``: its end is known, not guessed."""

    text: str
    start_s: float
    end_s: float
    ended: bool = True


def spoken_form(text: str) -> str:
    """Return a word as it sounds: small letters, no punctuation; a word of punctuation alone stays as it is."""
    folded = text.casefold()
    return "".join(char for char in folded if not unicodedata.category(char).startswith("P")) or folded


class Seam:
    """Lets a new session's words through as soon as it is clear which of its first ones are out already.

    ``origin_s`` is the time from which the session hears. Until ``attach`` says what is out, its words are only held.
    ``limit_s``: words that begin there or later are another session's to say.
    """

    def __init__(self, origin_s: float) -> None:
        self._origin_s = origin_s
        self._emitted: list[Spoken] = []
        self._covered_s = 0.0
        self.is_comparable = True
        self._held: list[Spoken] = []
        self._last: Spoken | None = None
        self._repeat: tuple[Spoken, Spoken] | None = None  # a word that is out, heard again, whose end is not told yet
        self._looked_at = 0
        self._attached = False
        self.joined = False
        self.withholding = False  # all words, until the session has ended: the last one may be half
        self.limit_s = math.inf

    def attach(self, emitted: Iterable[Spoken], *, covered_s: float, comparable: bool = True) -> None:
        """From now on this session speaks: ``emitted`` are the last words that are out, before ``covered_s`` all are.

        ``comparable``: both sessions write the same language, so texts tell which word is which; else times have to do.
        """
        self._emitted = [word for word in emitted if word.end_s > self._origin_s - SHIFT_S]
        self._covered_s = covered_s
        self.is_comparable = comparable
        self._attached = True
        self._looked_at = -1
        self.joined = not self._emitted and comparable

    def word(self, text: str, start_s: float) -> None:
        """Take a word of the new session."""
        self._last = Spoken(text, start_s, start_s + GUESSED_WORD_S, ended=False)
        self._held.append(self._last)

    def word_end(self, end_s: float) -> None:
        """Take the end of the last word."""
        if self._last is not None:
            self._last.end_s, self._last.ended = max(self._last.start_s, end_s), True
            if self._repeat is not None and self._repeat[1] is self._last:
                _learn_end(*self._repeat)

    @property
    def last(self) -> Spoken | None:
        """The newest word the session told."""
        return self._last

    def heard(self, until_s: float, *, slack_s: float = SLACK_S) -> None:
        """All words before ``until_s`` have come, but for late ones: see whether the two can be joined."""
        if self.joined or not self._attached or until_s < self._covered_s:
            return
        newest_s = max([self._covered_s, *(word.end_s for word in self._emitted[-1:])])
        last_chance = until_s - slack_s > newest_s
        if len(self._held) == self._looked_at and not last_chance:
            return
        self._looked_at = len(self._held)
        if self.is_comparable:
            repeats, pairs = align(self._emitted, self._held, covered_s=self._covered_s, origin_s=self._origin_s)
        else:
            repeats, pairs = repeats_by_time(self._emitted, self._held, covered_s=self._covered_s), []
        # If all are repeats, the next word may still be one: text of the old session that had not come again yet.
        if repeats < len(self._held) or last_chance:
            self.joined = True
            rest = rest_of(pairs, self._emitted[-1]) if repeats and self._emitted else None
            self._held[:repeats] = [] if rest is None else [rest]
            for known, word in pairs:
                if not known.ended and word.ended:
                    _learn_end(known, word)
                elif not known.ended:
                    self._repeat = (known, word)

    def take(self) -> list[Spoken]:
        """Return the words that may go out now, in order, once."""
        if not self.joined or self.withholding:
            return []
        count = next((at for at, word in enumerate(self._held) if word.start_s >= self.limit_s), len(self._held))
        words, self._held = self._held[:count], self._held[count:]
        return words

    @property
    def is_past_limit(self) -> bool:
        """A word of the next session's has come: all of its own are out."""
        return self.joined and bool(self._held) and self._held[0].start_s >= self.limit_s

    def finish(self) -> list[Spoken]:
        """Return what is left when the session has said all it heard."""
        self.heard(math.inf)
        self.withholding = False
        return self.take()


def _learn_end(known: Spoken, word: Spoken) -> None:
    known.end_s, known.ended = max(known.start_s, word.end_s), True


Pairs: TypeAlias = list[tuple[Spoken, Spoken]]


def align(emitted: Sequence[Spoken], held: Sequence[Spoken], *, covered_s: float, origin_s: float) -> tuple[int, Pairs]:
    """Lay the words ``held`` along those ``emitted``, of which there is one at least.

    Return how many of the first ones held are out already (or misheard there), and which word is which one that is out.
    A second look allows for what the times of the two sessions differ by throughout.
    """
    repeats, pairs = _align(emitted, held, 0.0, covered_s, origin_s)
    if pairs:
        shift_s = _shift(pairs)
        repeats, pairs = _align(emitted, held, shift_s, covered_s, origin_s)
    return repeats, pairs


def _shift(pairs: Pairs) -> float:
    return statistics.median(word.start_s - known.start_s for known, word in pairs)


def rest_of(pairs: Pairs, last: Spoken) -> Spoken | None:
    """Return what is new of the last word heard again, if the other session has said only the first part of it.

    One session may write "cannot" where the other writes "can not", and may be left between the two.
    """
    if not pairs or pairs[-1][0] is not last:
        return None
    word = pairs[-1][1]
    first, whole = spoken_form(last.text), spoken_form(word.text)
    if not whole.startswith(first) or len(whole) < len(first) + LEAST_REST_LETTERS:
        return None
    if not last.ended:
        last.end_s = last.start_s + (word.end_s - word.start_s) * len(first) / len(whole)
    if word.end_s - _shift(pairs) - last.end_s < LEAST_REST_S:
        return None
    cut = next(at for at in range(1, len(word.text) + 1) if spoken_form(word.text[:at]) == first)
    return Spoken(word.text[cut:], min(last.end_s, word.end_s), word.end_s, word.ended)


def repeats_by_time(emitted: Sequence[Spoken], held: Sequence[Spoken], *, covered_s: float) -> int:
    """Return how many of the first words held are out already, of sessions whose texts cannot be compared.

    Their times may differ by the same throughout: that shows if several words follow one another alike.
    """
    shift_s = _shift_by_time(emitted, held)
    cut_s = covered_s
    if emitted:
        last = emitted[-1]
        cut_s = max(cut_s, last.end_s if last.ended else last.start_s + SHORT_WORD_S)
        same = [at for at, word in enumerate(held) if abs(word.start_s - shift_s - last.start_s) < SAME_START_S]
        if same:
            return same[-1] + 1
    middles = (((word.start_s + word.end_s) / 2 - shift_s) for word in held)
    return next((at for at, middle_s in enumerate(middles) if middle_s > cut_s), len(held))


def _shift_by_time(emitted: Sequence[Spoken], held: Sequence[Spoken]) -> float:
    """Return by how much the words held are late, if most of them show it; 0 if that is unclear."""
    starts = [word.start_s for word in emitted]
    again = [word.start_s for word in held if starts and word.start_s < starts[-1] + MOST_SHIFT_S]

    def alike(shift_s: float) -> int:
        return sum(any(abs(one - shift_s - start) < ALIKE_S for start in starts) for one in again)

    steps = [step * MOST_SHIFT_S / SHIFT_STEPS for step in range(-SHIFT_STEPS, SHIFT_STEPS + 1)]
    best_s = max(sorted(steps, key=abs), key=alike)
    most = alike(best_s)
    is_clear = most >= max(FEWEST_ALIKE, MOST_ARE * len(again)) and most >= alike(0.0) + CLEARLY_MORE
    return best_s if is_clear else 0.0


def _align(
    emitted: Sequence[Spoken], held: Sequence[Spoken], shift_s: float, covered_s: float, origin_s: float
) -> tuple[int, Pairs]:
    last_end_s = emitted[-1].end_s
    last_held_s = held[-1].start_s - shift_s if held else origin_s
    known_words = [(word, spoken_form(word.text), _skip(word, origin_s, last_held_s)) for word in emitted]
    forms = [spoken_form(word.text) for word in held]
    # The cost of laying the words held so far along those emitted so far, and the way that led there.
    first: list[_Cell] = [(0.0, None)]
    for _, _, skip in known_words:
        first.append((first[-1][0] + skip, None))
    rows = [first]
    for row, (word, form) in enumerate(zip(held, forms, strict=True)):
        start_s = word.start_s - shift_s
        extra = EXCUSED if start_s < origin_s + WARM_UP_S else UNMATCHED
        above = rows[-1]
        cells = [(above[0][0] + extra, above[0][1])]
        for column, (known, known_form, skip) in enumerate(known_words):
            ways: list[_Cell] = [
                (
                    above[column][0] + _difference(known.start_s - start_s, same_text=known_form == form),
                    ((known, word), above[column][1]),
                ),
                (above[column + 1][0] + extra, above[column + 1][1]),
                (cells[column][0] + skip, cells[column][1]),
            ]
            if row and forms[row - 1] + form == known_form:
                both = Spoken(held[row - 1].text + word.text, held[row - 1].start_s, word.end_s, word.ended)
                away_s = known.start_s - both.start_s + shift_s
                before = rows[-2][column]
                ways.append((before[0] + SPLIT + _difference(away_s, same_text=True), ((known, both), before[1])))
            if column and known_words[column - 1][1] + known_form == form:
                whole = known_words[column - 1][0]
                before = above[column - 1]
                away_s = whole.start_s - start_s
                ways.append((before[0] + SPLIT + _difference(away_s, same_text=True), ((whole, word), before[1])))
            cells.append(min(ways, key=_cost))
        rows.append(cells)
    early = [_early(word, shift_s, last_end_s, covered_s) for word in held]
    repeats = min(range(len(rows)), key=lambda count: rows[count][-1][0] + sum(early[count:]))
    return repeats, _pairs(rows[repeats][-1])


def _cost(cell: _Cell) -> float:
    return cell[0]


_Way: TypeAlias = "tuple[tuple[Spoken, Spoken], _Way] | None"
_Cell: TypeAlias = tuple[float, _Way]


def _skip(word: Spoken, origin_s: float, last_held_s: float) -> float:
    """Return what it costs that the new session lacks a word."""
    cannot_have_it = word.start_s < origin_s or word.start_s > last_held_s + NOT_YET_S
    return EXCUSED if cannot_have_it else UNMATCHED


def _difference(away_s: float, *, same_text: bool) -> float:
    """Return what it costs to take two words for one."""
    away_s = abs(away_s)
    if same_text:
        return SAME_TEXT_PER_S * away_s if away_s <= SAME_TEXT_S else math.inf
    return OTHER_TEXT + OTHER_TEXT_PER_S * away_s if away_s <= OTHER_TEXT_S else math.inf


def _early(word: Spoken, shift_s: float, last_end_s: float, covered_s: float) -> float:
    """Return what it costs to call a word new."""
    if word.end_s - shift_s < covered_s - SHIFT_S:
        return IMPOSSIBLE
    return EARLY_PER_S * max(0.0, last_end_s - (word.start_s - shift_s))


def _pairs(cell: _Cell) -> Pairs:
    pairs: Pairs = []
    way = cell[1]
    while way is not None:
        pair, way = way
        pairs.append(pair)
    return pairs[::-1]
