from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from captions.gradium.seam import Seam, Spoken, align


def words(*entries: tuple[str, float, float]) -> list[Spoken]:
    return [Spoken(*entry) for entry in entries]


def in_a_row(text: str, start_s: float = 10.0, each_s: float = 0.3) -> list[Spoken]:
    return [
        Spoken(word, start_s + place * each_s, start_s + place * each_s + 0.25)
        for place, word in enumerate(text.split())
    ]


def seam_of(out: list[Spoken], *, covered_s: float, origin_s: float) -> Seam:
    seam = Seam(origin_s)
    seam.attach(out, covered_s=covered_s)
    return seam


def repeats(out: list[Spoken], again: list[Spoken], *, covered_s: float = 10.0, origin_s: float = 8.0) -> int:
    return align(out, again, covered_s=covered_s, origin_s=origin_s)[0]


def test_words_heard_again_are_repeats():
    out = in_a_row("one two three")
    assert repeats(out, in_a_row("one two three four")) == 3


def test_the_same_word_said_twice_is_told_from_a_repeat():
    out = in_a_row("a a it")
    assert repeats(out, in_a_row("a a it a")) == 3
    assert repeats(in_a_row("a a"), in_a_row("a a a")) == 2


def test_a_word_heard_differently_is_a_repeat():
    assert repeats(in_a_row("one two three"), in_a_row("one too three four")) == 3


def test_times_of_two_sessions_may_differ():
    out = in_a_row("the the the end")
    for shift_s in (-0.2, -0.1, 0.1, 0.2):
        assert repeats(out, in_a_row("the the the end of", 10.0 + shift_s)) == 4


def test_case_and_punctuation_do_not_count():
    assert repeats(in_a_row("so, we Begin."), in_a_row("So we begin now")) == 3


def test_a_mishearing_at_the_beginning_is_no_new_word():
    out = in_a_row("one two three", 10.0)
    again = [*words(("uh", 10.1, 10.25)), *in_a_row("two three four", 10.3)]
    assert repeats(out, again, origin_s=10.1) == 3


def test_what_ended_before_all_words_were_out_is_never_new():
    out = words(("one", 10.0, 10.3))
    assert repeats(out, words(("odd", 11.0, 11.3)), covered_s=13.0) == 1


def test_a_new_word_right_behind_is_new():
    out = in_a_row("one two")
    assert repeats(out, words(("three", 10.56, 10.8))) == 0


def test_late_text_of_the_old_session_is_waited_for():
    """The last word that is out comes again later than the seam is looked at: it is not new then."""
    seam = seam_of(in_a_row("one two three"), covered_s=9.0, origin_s=9.0)
    for word in in_a_row("one two"):
        seam.word(word.text, word.start_s)
        seam.word_end(word.end_s)
    seam.heard(10.6)
    assert not seam.joined
    for word in in_a_row("one two three four")[2:]:
        seam.word(word.text, word.start_s)
    seam.heard(11.2)
    assert [word.text for word in seam.take()] == ["four"]


def test_a_seam_does_not_wait_for_ever():
    seam = seam_of(in_a_row("one two"), covered_s=9.0, origin_s=9.0)
    seam.heard(10.9)
    assert not seam.joined
    seam.heard(11.3)
    assert seam.joined
    seam.word("three", 11.5)
    assert [word.text for word in seam.take()] == ["three"]


def test_a_session_that_ends_says_what_it_held():
    seam = seam_of(in_a_row("one two"), covered_s=11.0, origin_s=9.0)
    for word in in_a_row("one two three"):
        seam.word(word.text, word.start_s)
    assert seam.take() == []
    assert [word.text for word in seam.finish()] == ["three"]


def test_a_repeat_tells_the_end_that_was_missing():
    out = words(("one", 10.0, 10.3))
    out[0].ended = False
    seam = seam_of(out, covered_s=9.0, origin_s=9.0)
    seam.word("one", 10.0)
    seam.word_end(10.7)
    seam.heard(11.5)
    assert (out[0].end_s, out[0].ended) == (10.7, True)


def test_the_end_of_a_repeat_may_come_after_the_seam():
    out = words(("one", 10.0, 10.3))
    out[0].ended = False
    seam = seam_of(out, covered_s=9.0, origin_s=9.0)
    seam.word("one", 10.0)
    seam.heard(11.5)
    assert seam.joined
    seam.word_end(10.9)
    assert (out[0].end_s, out[0].ended) == (10.9, True)


def test_a_second_session_says_nothing_before_it_takes_over():
    seam = Seam(9.0)
    for word in in_a_row("one two three"):
        seam.word(word.text, word.start_s)
        seam.word_end(word.end_s)
    seam.heard(12.0)
    assert seam.take() == []
    seam.attach(in_a_row("one two"), covered_s=10.5)
    seam.heard(12.0)
    assert [word.text for word in seam.take()] == ["three"]


def test_between_two_languages_times_tell_which_words_are_out():
    seam = Seam(8.0)
    for word in words(("un", 9.7, 9.9), ("deux", 10.02, 10.25), ("trois", 10.31, 10.6)):
        seam.word(word.text, word.start_s)
        seam.word_end(word.end_s)
    seam.attach(words(("one", 9.6, 9.95), ("two", 9.98, 10.22)), covered_s=10.0, comparable=False)
    seam.heard(10.7)
    assert [word.text for word in seam.take()] == ["trois"]


def test_what_begins_behind_the_limit_is_not_said():
    seam = seam_of([], covered_s=0.0, origin_s=0.0)
    seam.limit_s = 10.5
    for word in in_a_row("one two three"):
        seam.word(word.text, word.start_s)
    assert [word.text for word in seam.take()] == ["one", "two"]
    assert seam.is_past_limit
    seam.limit_s = float("inf")
    assert [word.text for word in seam.take()] == ["three"]


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.floats(0.05, 0.4), st.floats(0.03, 2.0)), min_size=2, max_size=30),
    st.data(),
)
def test_two_exact_sessions_join_without_loss(script, data):
    """Wherever the first one stopped, and wherever the second began before that: all words, once, in order."""
    spoken, at = [], 1.0
    for text, length_s, gap_s in script:
        spoken.append(Spoken(text, at, at + length_s))
        at += length_s + gap_s
    out = data.draw(st.integers(1, len(spoken)), label="words out")
    first = data.draw(st.integers(0, out - 1), label="first word heard again")
    covered_s = data.draw(st.floats(spoken[first].start_s, spoken[out - 1].end_s + 0.02), label="covered")
    seam = seam_of(spoken[:out], covered_s=covered_s, origin_s=spoken[first].start_s - 0.01)
    heard: list[Spoken] = []
    for word in spoken[first:]:
        seam.word(word.text, word.start_s)
        seam.word_end(word.end_s)
        seam.heard(word.end_s)
        heard += seam.take()
    heard += seam.finish()
    assert [(word.text, word.start_s) for word in heard] == [(word.text, word.start_s) for word in spoken[out:]]
