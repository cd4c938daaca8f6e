"""What came of a run, compared with what was said."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from tests.gradium.outcome import Result
from tests.gradium.speaker import Uttered
from tests.gradium.vendor import CUT_WORD
from tests.gradium.world import LANGUAGES

TOLD: Final = 10  # words of each kind are enough to begin with
NEAR_S: Final = 1.0  # a word further away than this is another one
AT_ONCE_S: Final = 1.0  # changes that follow one another so soon are one
STRADDLES_S: Final = 0.05  # a word that begins so soon after a change of settings may be said with either


@dataclass(slots=True)
class Verdict:
    """What is wrong with the words that came out."""

    missing: list[Uttered] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    disorder: int = 0
    wrong_settings: list[str] = field(default_factory=list)  # said by a session of settings that were not in force
    time_off_s: float = 0.0  # the largest, of starts and ends
    late_s: list[float] = field(default_factory=list)  # of each word: told after its end and the engine's delay

    @property
    def is_clean(self) -> bool:
        """Every word came out once, in order, from a session of the right settings."""
        return not (self.missing or self.doubled or self.foreign or self.disorder or self.wrong_settings)

    def __str__(self) -> str:
        missing = [f"{word.text} at {word.start_s:.2f}" for word in self.missing]
        kinds = {
            "missing": missing,
            "doubled": self.doubled,
            "foreign": self.foreign,
            "of wrong settings": self.wrong_settings,
        }
        told = [f"{len(words)} {kind} ({', '.join(words[:TOLD])})" for kind, words in kinds.items() if words]
        return "; ".join([*told, f"{self.disorder} out of order"])


def plain(text: str) -> tuple[str, str]:
    """Return the language of a word, and the word as it was said, not as it was spelt."""
    if text == CUT_WORD:
        return "", text
    tag, _, word = text.lower().rstrip("x").rpartition(":")
    return tag, word


def judge(result: Result, slack_s: float = 0.0) -> Verdict:
    """Compare what came out with what was said; ``slack_s``: by how much a session's times may be off."""
    verdict, spoken = Verdict(), result.spoken
    starts = [said.start_s for said in spoken]
    found: set[int] = set()
    places: list[int] = []
    for number, word in enumerate(result.words):
        at = f"{word.text} at {word.start_s:.2f}"
        tag, text = plain(word.text)
        expected = places[-1] + 1 if places else 0
        candidates = [
            (10 * bool(found & set(same)) + (abs(starts[same[0]] - word.start_s) if same[0] != expected else -1), same)
            for place in range(bisect_left(starts, word.start_s - NEAR_S), bisect_left(starts, word.start_s + NEAR_S))
            if (same := _said(spoken, place, text))
        ]
        if not candidates:
            verdict.foreign.append(at)
            continue
        same = min(candidates)[1]
        if found & set(same):
            verdict.doubled.append(at)
            found.update(same)
            continue
        found.update(same)
        places += same
        first, last = spoken[same[0]], spoken[same[-1]]
        unfit = _settings_not_in_force(result, number, (first.start_s, last.end_s), tag, slack_s)
        if unfit:
            verdict.wrong_settings.append(unfit)
        verdict.late_s.append(result.told_at[number] - last.end_s - result.delays_s[result.editions[number]])
        in_pair = first.joins or (same[0] > 0 and spoken[same[0] - 1].joins)
        if not in_pair:
            off_s = max(abs(first.start_s - word.start_s), abs(last.end_s - word.end_s))
            verdict.time_off_s = max(verdict.time_off_s, off_s)
    verdict.missing = [said for place, said in enumerate(spoken) if place not in found]
    verdict.disorder = sum(one > other for one, other in pairwise(places))
    return verdict


def _said(spoken: list[Uttered], place: int, text: str) -> list[int]:
    """Return which words of the speaker a text is, if it begins with the one at ``place``."""
    word = spoken[place]
    if word.text == text:
        return [place]
    if word.joins and place + 1 < len(spoken) and word.text + spoken[place + 1].text == text:
        return [place, place + 1]
    return []


def _settings_not_in_force(
    result: Result, number: int, said_s: tuple[float, float], tag: str, slack_s: float
) -> str | None:
    """Tell if a word is of other settings than those in force when it began, or while it was being said."""
    start_s, end_s = said_s
    until_s = [*(change.at_s for change in result.changes[1:]), math.inf]
    since_s = [
        change.at_s if change.at_s - before.at_s > AT_ONCE_S else before.at_s
        for before, change in pairwise([result.changes[0], *result.changes])
    ]
    allowed = {
        change.edition
        for change, at_s, next_at_s in zip(result.changes, since_s, until_s, strict=True)
        if end_s > at_s - slack_s and start_s < next_at_s + STRADDLES_S + slack_s
    }
    edition = result.editions[number]
    if edition in allowed and (not tag or tag == LANGUAGES[edition % len(LANGUAGES)]):
        return None
    return f"{result.words[number].text} at {start_s:.2f} to {end_s:.2f} told as of {edition}, not of {sorted(allowed)}"
