from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from captions.audio.resample import Resampler
from captions.audio.samples import S16, mono, to_s16
from captions.engine.bursts import CUT_WORD, MIN_GAP_S, MIN_WORD_S, WORDS, BurstReader, write_bursts
from captions.engine.hearing import Word

RATE = 16_000


def heard(pcm: bytes, rate: int = RATE, size: int = 2560) -> list[Word]:
    reader = BurstReader(rate)
    words = [word for at in range(0, len(pcm), size) for word in reader.read(pcm[at : at + size])]
    return words + reader.flush()


@st.composite
def utterances(draw) -> list[tuple[int, float, float]]:
    at, words = 0.05, []
    for _ in range(draw(st.integers(1, 4))):
        start = at + draw(st.floats(MIN_GAP_S, 0.2))
        at = start + draw(st.floats(MIN_WORD_S, 0.4))
        words.append((draw(st.integers(0, WORDS - 1)), start, at))
    return words


@settings(max_examples=40, deadline=None)
@given(utterances(), st.sampled_from([8_000, 16_000, 22_050, 24_000, 48_000]), st.integers(1, 3000))
def test_words_come_back_with_their_times_however_the_audio_is_cut(words, rate, samples):
    got = heard(write_bursts(words, words[-1][2] + 0.1, rate), rate, 2 * samples)
    assert [word.text for word in got] == [f"w{number}" for number, _, _ in words]
    for word, (_, start, end) in zip(got, words, strict=True):
        assert word.start_s == pytest.approx(start, abs=0.001)
        assert word.end_s == pytest.approx(end, abs=0.001)


@settings(max_examples=20, deadline=None)
@given(utterances(), st.sampled_from([(48_000, 24_000), (24_000, 16_000), (16_000, 24_000)]), st.floats(0.2, 3.5))
def test_resampling_and_another_loudness_do_no_harm(words, rates, gain):
    before, after = rates
    resampler = Resampler(before, after)
    samples = [gain * sample for sample in mono(write_bursts(words, words[-1][2] + 0.1, before), S16)]
    got = heard(to_s16([*resampler.feed(samples), *resampler.end()]), after)
    assert [word.text for word in got] == [f"w{number}" for number, _, _ in words]
    for word, (_, start, end) in zip(got, words, strict=True):
        assert word.start_s == pytest.approx(start, abs=0.003)
        assert word.end_s == pytest.approx(end, abs=0.003)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, WORDS - 1), st.floats(MIN_WORD_S, 0.5), st.floats(0, 1), st.floats(0, 1))
def test_a_cut_word_is_uh_and_never_another(number, length, one, two):
    pcm = write_bursts([(number, 0.1, 0.1 + length)], 0.2 + length, RATE)
    first, last = sorted((one, two))
    start, end = (2 * round((0.1 + share * length) * RATE) for share in (first, last))
    lost = pcm[:start] + pcm[end:]
    whole = {f"w{number}"} if last - first < 0.15 else set()
    assert {word.text for word in heard(lost)} <= {CUT_WORD} | whole
    # What is left of a word by the start or the end of the audio.
    assert {word.text for word in heard(pcm[start:])} <= {CUT_WORD} | ({f"w{number}"} if first < 0.15 else set())
    assert {word.text for word in heard(pcm[:start])} <= {CUT_WORD} | ({f"w{number}"} if first > 0.85 else set())


def test_a_flush_in_a_word_makes_two_cut_words_of_it():
    pcm = write_bursts([(7, 0.1, 0.5), (8, 0.6, 0.9)], 1.0, RATE)
    reader = BurstReader(RATE)
    middle = 2 * round(0.3 * RATE)
    words = reader.read(pcm[:middle]) + reader.flush() + reader.read(pcm[middle:])
    assert [word.text for word in words] == [CUT_WORD, CUT_WORD, "w8"]
    assert words[0].end_s == pytest.approx(0.3, abs=0.002)
    assert words[1].start_s == pytest.approx(0.3, abs=0.002)


def test_words_may_have_texts():
    reader = BurstReader(RATE, ["Hello", "there."])
    words = reader.read(write_bursts([(0, 0.1, 0.3), (1, 0.4, 0.6), (2, 0.7, 0.9)], 1.0, RATE))
    assert [word.text for word in words] == ["Hello", "there.", "w2"]


def test_silence_is_counted_from_the_last_burst():
    reader = BurstReader(RATE)
    reader.read(write_bursts([(1, 0.2, 0.4)], 0.3 + 0.2, RATE)[: 2 * round(0.3 * RATE)])
    assert reader.silence_s == 0
    reader = BurstReader(RATE)
    reader.read(write_bursts([(1, 0.2, 0.4)], 1.0, RATE))
    assert reader.silence_s == pytest.approx(0.6, abs=0.001)


@pytest.mark.parametrize(
    "words",
    [
        [(-1, 0.1, 0.3)],
        [(WORDS, 0.1, 0.3)],
        [(1, 0.1, 0.15)],
        [(1, 0.1, 0.3), (2, 0.31, 0.5)],
        [(1, 0.5, 0.7), (2, 0.1, 0.3)],
        [(1, 0.8, 1.2)],
    ],
)
def test_words_that_could_not_be_read_back_are_not_written(words):
    with pytest.raises(ValueError, match=r"number|too short"):
        write_bursts(words, 1.0)
