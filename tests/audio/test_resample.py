import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from captions.audio.resample import Resampler

RATES = (8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000)


def tone(frequency: float, rate: int, seconds: float = 0.08) -> list[float]:
    return [math.sin(2 * math.pi * frequency * k / rate) for k in range(int(seconds * rate))]


def decibels(values: list[float], reference: float = math.sqrt(0.5)) -> float:
    return 20 * math.log10(max(1e-12, math.sqrt(math.fsum(x * x for x in values) / len(values)) / reference))


def middle(rate: int, frequency: float) -> tuple[list[float], list[float]]:
    """What comes out for a tone and what should, without the first and last 10 ms, where the tone begins and ends."""
    resampler = Resampler(rate, 24_000)
    out = resampler.feed(tone(frequency, rate)) + resampler.end()
    return out[240:-240], tone(frequency, 24_000)[240 : len(out) - 240]


@pytest.mark.parametrize("rate", RATES)
def test_speech_passes_unchanged_and_undelayed(rate):
    highest = 0.41 * min(rate, 24_000)
    for share in (0.02, 0.3, 0.7, 0.9, 1.0):
        out, wanted = middle(rate, share * highest)
        assert decibels([a - b for a, b in zip(out, wanted, strict=True)]) < -60


@pytest.mark.parametrize("rate", [rate for rate in RATES if rate > 24_000])
def test_what_24_khz_cannot_hold_does_not_fold_back(rate):
    for frequency in (12_000, 12_500, 13_500, 15_000, 15_900):
        out, _ = middle(rate, frequency)
        assert decibels(out) < -60


@pytest.mark.parametrize("rate", [8_000, 16_000])
def test_a_lower_rate_leaves_no_images(rate):
    out, wanted = middle(rate, 0.4 * rate)
    assert decibels([a - b for a, b in zip(out, wanted, strict=True)]) < -60


@settings(deadline=None, max_examples=50)
@given(rate=st.sampled_from((*RATES, 24_001, 47_999)), cuts=st.lists(st.integers(0, 400), max_size=6))
def test_the_output_does_not_depend_on_the_blocks_and_has_the_exact_length(rate, cuts):
    sound = tone(440, rate, 1)[: sum(cuts)]
    whole = Resampler(rate, 24_000)
    wanted = whole.feed(sound) + whole.end()
    resampler = Resampler(rate, 24_000)
    out, at = [], 0
    for size in cuts:
        out += resampler.feed(sound[at : at + size])
        at += size
    out += resampler.end()
    assert out == wanted
    assert len(out) == math.ceil(len(sound) * 24_000 / rate)
