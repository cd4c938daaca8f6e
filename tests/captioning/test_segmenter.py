from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captions.captioning.segmenter import Finished, Growing, Limits, Piece, Segmenter

SMALL = Limits(sentence_chars=8, soft_chars=20, hard_chars=40, hard_words=6, hard_ms=3_000)


@dataclass(frozen=True)
class Heard:
    """A word, when it began after the one before it, and how long it lasted (ms); None: its end never came."""

    text: str
    after_ms: int
    length_ms: int | None
    utterance_ends: bool


letters = st.text("abcdeéß漢", min_size=1, max_size=12)
marks = st.sampled_from(("", "", "", "", ",", ".", "?", "…", '."', "。"))
lone_marks = st.sampled_from((".", ",", "?", "!", ")", "»"))
heard = st.builds(
    Heard,
    text=st.builds(str.__add__, letters, marks) | lone_marks,
    after_ms=st.integers(-100, 1_500),
    length_ms=st.none() | st.integers(0, 900),
    utterance_ends=st.sampled_from((False, False, False, False, True)),
)
talks = st.lists(heard, max_size=60)
limits = st.sampled_from((Limits(), SMALL))


def play(talk: list[Heard], limits: Limits) -> list[Piece]:
    """Return all pieces of a talk, heard to its end."""
    segmenter, pieces, now_ms = Segmenter(limits), [], 1_000
    for word in talk:
        now_ms = max(0, now_ms + word.after_ms)
        pieces += segmenter.word(word.text, now_ms)
        if word.length_ms is not None:
            now_ms += word.length_ms
            pieces += segmenter.word_end(now_ms)
        if word.utterance_ends:
            pieces += segmenter.utterance_end()
    pieces += segmenter.utterance_end()
    assert not segmenter.is_open
    return pieces


def finals(pieces: list[Piece]) -> list[Finished]:
    return [piece for piece in pieces if isinstance(piece, Finished)]


@given(talks, limits)
def test_no_word_is_lost_doubled_or_split(talk, limits):
    """Letter for letter; only where a mark is attached to its word the space is gone."""
    said = "".join(word.text for word in talk)
    assert "".join(final.text for final in finals(play(talk, limits))).replace(" ", "") == said


@given(talks, limits)
def test_a_segment_is_its_words(talk, limits):
    for final in finals(play(talk, limits)):
        assert final.text == " ".join(word.text for word in final.words)


@given(talks, limits)
def test_what_was_shown_is_never_taken_back(talk, limits):
    """An interim only grows, and its final holds exactly what was shown last."""
    shown = ""
    for piece in play(talk, limits):
        if isinstance(piece, Growing):
            assert piece.text.startswith(shown)
            assert piece.text != shown
            shown = piece.text
        else:
            assert piece.text == shown
            shown = ""
    assert shown == ""


@given(talks, limits)
def test_times_run_forward(talk, limits):
    times = []
    for final in finals(play(talk, limits)):
        assert final.start_ms == final.words[0].start_ms
        assert final.end_ms == final.words[-1].end_ms
        for word in final.words:
            assert word.end_ms is not None
            times += [word.start_ms, word.end_ms]
    assert all(one <= other for one, other in pairwise(times))


@given(talks, limits)
def test_limits_are_kept(talk, limits):
    for final in finals(play(talk, limits)):
        assert len(final.words) <= limits.hard_words
        assert final.words[-1].start_ms - final.start_ms < limits.hard_ms or len(final.words) == 1
        if len(final.words) > 1:
            attached = sum(len(word.text) for word in talk if not word.text[0].isalpha())
            assert len(final.text) <= limits.hard_chars + attached


@given(st.lists(letters, min_size=1, max_size=20), lone_marks)
def test_a_mark_belongs_to_the_word_before_it(words, mark):
    segmenter = Segmenter()
    pieces = []
    for place, word in enumerate(words):
        pieces += segmenter.word(word, place * 100)
    pieces += segmenter.word(mark, len(words) * 100)
    pieces += segmenter.utterance_end()
    [final] = [piece for piece in finals(pieces) if piece.text.endswith(mark)]
    assert final.words[-1].text == words[-1] + mark
    assert len([word for piece in finals(pieces) for word in piece.words]) == len(words)


def say(text: str, *, each_ms: int = 300, length_ms: int = 250, start_ms: int = 0) -> list[Heard]:
    words = text.split()
    return [
        Heard(word, start_ms if place == 0 else each_ms - length_ms, length_ms, False)
        for place, word in enumerate(words)
    ]


def texts(talk: list[Heard]) -> list[str]:
    return [final.text for final in finals(play(talk, Limits()))]


def test_a_sentence_ends_a_segment_that_is_long_enough():
    assert texts(say("Yes. It is so good that you came. Sit down.")) == [
        "Yes. It is so good that you came.",
        "Sit down.",
    ]


def test_a_number_with_a_dot_inside_is_no_end():
    assert texts(say("It costs about three point 3.5 thousand")) == ["It costs about three point 3.5 thousand"]


def test_a_long_pause_ends_a_segment():
    talk = [*say("one two"), *say("three", start_ms=900)]
    assert texts(talk) == ["one two", "three"]


def test_a_long_segment_ends_at_a_comma_or_a_short_pause():
    words = "this is a rather long beginning of a talk that does not want to come to its own end,"
    assert texts(say(f"{words} ever since")) == [words, "ever since"]


def test_a_sentence_is_shown_as_final_as_soon_as_its_last_word_has_ended():
    segmenter = Segmenter()
    segmenter.word("Extraordinarily", 0)
    segmenter.word_end(400)
    segmenter.word("well-known.", 450)
    [final] = segmenter.word_end(900)
    assert isinstance(final, Finished)
    assert (final.start_ms, final.end_ms) == (0, 900)


def test_nothing_said_is_no_segment():
    segmenter = Segmenter()
    assert segmenter.utterance_end() == []
    assert segmenter.word_end(100) == []


@pytest.mark.parametrize("next_ms", [100, 5_000])
def test_an_end_that_was_never_told_is_guessed(next_ms):
    segmenter = Segmenter()
    segmenter.word("one", 0)
    segmenter.word("two", next_ms)
    pieces = segmenter.utterance_end()
    first = next(word for piece in [*finals(pieces)] for word in piece.words)
    assert first.end_ms is not None
    assert first.end_ms - first.start_ms <= 400
