from __future__ import annotations

import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captions.consumers.speaker_frames import (
    MAX_FRAME_BYTES,
    Audio,
    Command,
    Frame,
    FrameError,
    Hello,
    read_frame,
    read_hello,
)

STREAM = "6f1e64a5-3b0e-4b1c-9a5e-0d3d8f0c9d11"
HELLO = {"type": "hello", "ticket": "t", "stream": STREAM, "sample_rate": 16_000, "take_over": True}
DOCUMENTED = {("bad_hello", 4400), ("bad_frame", 4400), ("too_big", 1009)}

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(st.sampled_from(("type", "ticket", "stream", "sample_rate", "take_over", "x")), anything)
mixed = st.one_of(
    st.text(max_size=60),
    anything.map(json.dumps),
    objects.map(lambda fields: json.dumps({**HELLO, **fields})),
    objects.map(lambda fields: json.dumps({**fields, "type": "pause"})),
)


def refused(error: FrameError) -> bool:
    return (error.code, error.close) in DOCUMENTED and str(error).endswith(".")


def frame_of(text: str | None, data: bytes | None, next_sample: int = 0) -> Frame | None:
    """Return the frame; None if it was refused as documented."""
    try:
        return read_frame(text, data, next_sample=next_sample, sample_rate=24_000)
    except FrameError as error:
        if not refused(error):
            raise
        return None


def hello_of(text: str | None) -> Hello | None:
    try:
        return read_hello(text)
    except FrameError as error:
        if not refused(error):
            raise
        return None


@given(st.binary(max_size=40) | st.binary(max_size=8).map(lambda head: head + bytes(2_000)), st.integers(0, 2**40))
def test_any_bytes_are_a_frame_or_a_refusal(data, next_sample):
    frame = frame_of(None, data, next_sample)
    if frame is not None:
        assert isinstance(frame, Audio)
        assert frame.index.to_bytes(8, "little") + frame.pcm == data
        assert len(frame.pcm) % 2 == 0


@given(mixed)
def test_any_text_is_a_frame_or_a_refusal(text):
    frame = frame_of(text, None)
    assert frame is None or isinstance(frame, Command)


@given(mixed)
def test_any_text_is_a_hello_or_a_refusal(text):
    hello = hello_of(text)
    if hello is not None:
        assert hello.sample_rate in (8_000, 16_000, 24_000)
        assert type(hello.sample_rate) is int


@given(st.integers(0, 2**50), st.binary(max_size=100))
def test_what_a_speaker_sends_is_read(index, samples):
    data = index.to_bytes(8, "little") + samples + samples
    assert frame_of(None, data, next_sample=index) == Audio(index, samples + samples)


def test_a_hello_is_read():
    assert read_hello(json.dumps(HELLO)) == Hello("t", uuid.UUID(STREAM), 16_000, take_over=True)
    least = {name: HELLO[name] for name in ("type", "ticket", "stream")}
    assert read_hello(json.dumps(least)) == Hello("t", uuid.UUID(STREAM), 24_000, take_over=False)


@pytest.mark.parametrize("name", ["pause", "resume", "end"])
def test_a_command_is_read(name):
    assert frame_of(json.dumps({"type": name}), None) == Command(name)


@pytest.mark.parametrize(
    "change",
    [
        {"type": "helo"},
        {"ticket": None},
        {"ticket": 5},
        {"stream": "no"},
        {"stream": None},
        {"sample_rate": 44_100},
        {"sample_rate": "24000"},
        {"sample_rate": True},
        {"sample_rate": []},
        {"sample_rate": {}},
        {"sample_rate": 24_000.5},
        {"take_over": 1},
        {"take_over": "true"},
    ],
)
def test_a_wrong_hello_is_refused(change):
    with pytest.raises(FrameError) as caught:
        read_hello(json.dumps({**HELLO, **change}))
    assert (caught.value.code, caught.value.close) == ("bad_hello", 4400)


@pytest.mark.parametrize("text", [None, "", "x", "[]", "null", "[" * 60_000])
def test_what_is_no_object_is_no_hello(text):
    with pytest.raises(FrameError) as caught:
        read_hello(text)
    assert (caught.value.code, caught.value.close) == ("bad_hello", 4400)


@pytest.mark.parametrize(
    ("text", "data", "code", "close"),
    [
        (None, b"", "bad_frame", 4400),
        (None, bytes(7), "bad_frame", 4400),
        (None, bytes(9), "bad_frame", 4400),
        (None, b"\xff" * 10, "bad_frame", 4400),
        (None, bytes(MAX_FRAME_BYTES + 2), "too_big", 1009),
        ("x" * (MAX_FRAME_BYTES + 1), None, "too_big", 1009),
        ("", None, "bad_frame", 4400),
        ('{"type":"hello"}', None, "bad_frame", 4400),
        ('{"type":["pause"]}', None, "bad_frame", 4400),
    ],
)
def test_a_wrong_frame_is_refused(text, data, code, close):
    with pytest.raises(FrameError) as caught:
        read_frame(text, data, next_sample=0, sample_rate=24_000)
    assert (caught.value.code, caught.value.close) == (code, close)


def test_a_day_is_the_longest_hole():
    day = 24 * 3_600 * 24_000
    assert frame_of(None, day.to_bytes(8, "little"), next_sample=0) == Audio(day, b"")
    assert frame_of(None, (day + 1).to_bytes(8, "little"), next_sample=0) is None
