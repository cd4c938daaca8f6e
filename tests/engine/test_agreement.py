from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from captions.engine.agreement import HYPOTHESES, NEAR, OVERLAP, SETTLED, Agreement, Guess


def guess(text: str, start: int, end: int) -> Guess:
    return Guess(text, start, end)


@st.composite
def hypotheses(draw) -> list[list[Guess]]:
    """Hypotheses as a decoder makes them: words in order, the newest ones in doubt."""
    rounds = []
    for _ in range(draw(st.integers(1, 12))):
        at, words = 0, []
        for _ in range(draw(st.integers(0, 6))):
            start = at + draw(st.integers(0, 3)) * 5
            at = start + draw(st.integers(2, 6)) * 5
            words.append(guess(draw(st.sampled_from("abc")), start, at))
        rounds.append(words)
    return rounds


@settings(deadline=None)
@given(hypotheses())
def test_what_is_out_is_in_order_and_never_overlaps(rounds):
    agreement = Agreement()
    out = []
    for hypothesis in rounds:
        out += agreement.update(hypothesis, now=200)
    out += agreement.finish(rounds[-1])
    for before, after in itertools.pairwise(out):
        assert after.start >= before.end - OVERLAP


@settings(deadline=None)
@given(hypotheses())
def test_a_word_is_certain_only_when_every_last_hypothesis_has_it(rounds):
    agreement = Agreement()
    for place, hypothesis in enumerate(rounds):
        for word in agreement.update(hypothesis, now=200):
            last = rounds[place - HYPOTHESES + 1 : place + 1]
            assert len(last) == HYPOTHESES
            for other in last:
                assert any(o.text == word.text and abs(o.start - word.start) <= NEAR for o in other)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["one", "two", "three"]), max_size=8), st.integers(1, 20))
def test_a_steady_hypothesis_comes_out_whole(texts, rounds):
    words = [guess(text, 30 * place, 30 * place + 25) for place, text in enumerate(texts)]
    agreement = Agreement()
    out = []
    for _ in range(rounds):
        out += agreement.update(words, now=30 * len(words))
    out += agreement.finish(words)
    assert out == words


def test_the_last_word_waits_until_it_has_ended_for_a_while():
    words = [guess("good", 0, 30), guess("morn", 31, 60)]
    agreement = Agreement()
    out = [word for _ in range(HYPOTHESES) for word in agreement.update(words, now=60)]
    assert out == words[:1]
    assert agreement.update(words, now=60 + SETTLED - 1) == []
    assert agreement.update(words, now=60 + SETTLED) == words[1:]


def test_a_word_that_is_out_is_not_said_again_when_the_decoder_moves_it():
    agreement = Agreement()
    words = [guess("good", 0, 30), guess("morning", 31, 80)]
    out = [word for _ in range(HYPOTHESES) for word in agreement.update(words, now=200)]
    moved = [guess("good", 2, 32), guess("morning", 33, 82)]
    assert out == words
    assert agreement.update(moved, now=208) == []
    assert agreement.finish(moved) == []
