from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captions.gradium.setup import (
    BOOST_RANGE,
    DELAYS_IN_FRAMES,
    INPUT_FORMATS,
    LANGUAGES,
    MAX_KEYWORDS,
    PADDING_BONUS_RANGE,
    TEMPERATURE_RANGE,
    Setup,
    SetupError,
    Vocabulary,
)

words = st.text(st.characters(blacklist_categories=("Z", "Cc", "Cs")), min_size=1, max_size=12)
vocabularies = st.builds(Vocabulary, st.lists(words, max_size=6).map(tuple), st.floats(*BOOST_RANGE))
setups = st.builds(
    Setup,
    model_name=st.sampled_from(("default", "stt-translate", "modèle 2")),
    input_format=st.sampled_from(sorted(INPUT_FORMATS)),
    language=st.none() | st.sampled_from(sorted(LANGUAGES)),
    delay_in_frames=st.none() | st.sampled_from(DELAYS_IN_FRAMES),
    temperature=st.none() | st.floats(*TEMPERATURE_RANGE),
    padding_bonus=st.none() | st.floats(*PADDING_BONUS_RANGE),
    vocabulary=st.none() | vocabularies,
)


@given(setups)
def test_what_is_written_is_read_again(setup):
    config = json.loads(json.dumps(setup.json_config()))
    assert Setup.from_wire(setup.model_name, setup.input_format, config) == setup


@given(setups)
def test_what_is_left_out_is_not_sent(setup):
    """The engine's own defaults are its own business."""
    sent = setup.json_config()
    assert None not in sent.values()
    assert ("language" in sent) == (setup.language is not None)


def test_unknown_keys_are_ignored():
    assert Setup.from_wire("default", "pcm", {"colour": "red"}) == Setup(input_format="pcm")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model_name": " "}, "model_name"),
        ({"model_name": None}, "model_name"),
        ({"input_format": "mp3"}, "input_format"),
        ({"input_format": []}, "input_format"),
        ({"language": []}, "language"),
        ({"delay_in_frames": 10.0}, "delay_in_frames"),
        ({"language": "xx"}, "language"),
        ({"language": "EN"}, "language"),
        ({"delay_in_frames": 9}, "delay_in_frames"),
        ({"delay_in_frames": True}, "delay_in_frames"),
        ({"delay_in_frames": "10"}, "delay_in_frames"),
        ({"temperature": -0.1}, "temp"),
        ({"temperature": 1.6}, "temp"),
        ({"temperature": math.nan}, "temp"),
        ({"temperature": True}, "temp"),
        ({"temperature": "0.5"}, "temp"),
        ({"padding_bonus": 4.5}, "padding_bonus"),
        ({"padding_bonus": math.inf}, "padding_bonus"),
    ],
)
def test_a_value_the_engine_would_refuse_is_refused_in_words(change, said):
    with pytest.raises(SetupError, match=rf"{said} must be .*\.$"):
        Setup(**change)


@pytest.mark.parametrize(
    "vocabulary",
    [
        {"words": ("two words",)},
        {"words": ("",)},
        {"words": (3,)},
        {"words": ("ok",), "boost": 6.5},
        {"words": ("ok",), "boost": "3"},
        {"words": tuple(f"w{number}" for number in range(MAX_KEYWORDS + 1))},
    ],
)
def test_a_vocabulary_the_engine_would_refuse_is_refused_in_words(vocabulary):
    with pytest.raises(SetupError, match=r"vocabulary.*\.$"):
        Vocabulary(**vocabulary)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
keys = st.sampled_from(("language", "delay_in_frames", "temp", "padding_bonus", "keywords"))


@given(anything, anything, st.dictionaries(keys, anything, max_size=3))
def test_whatever_comes_is_a_setup_or_a_setup_error(model_name, input_format, config):
    try:
        setup = Setup.from_wire(model_name, input_format, config)
        refusal = "."
    except SetupError as error:
        setup, refusal = Setup(), str(error)
    assert refusal.endswith(".")
    assert Setup.from_wire(setup.model_name, setup.input_format, setup.json_config()) == setup


@pytest.mark.parametrize(
    ("input_format", "rate"),
    [("pcm", 24_000), ("pcm_8000", 8_000), ("pcm_44100", 44_100), ("ulaw_8000", 8_000), ("wav", None), ("opus", None)],
)
def test_the_rate_follows_from_the_format(input_format, rate):
    assert Setup(input_format=input_format).sample_rate == rate
