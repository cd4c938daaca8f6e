from __future__ import annotations

import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from captions.gradium.messages import (
    Audio,
    EndOfStream,
    EndText,
    ErrorMessage,
    Flush,
    Flushed,
    ProtocolError,
    Ready,
    Start,
    Step,
    Text,
    read_client_message,
    read_server_message,
    write_audio,
    write_message,
)
from tests.gradium.test_setup import anything, setups

texts = st.text(st.characters(blacklist_categories=("Cs",)), max_size=20)
spoken = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=20)
names = texts.filter(bool)
seconds = st.floats(0, 1e6)
flush_ids = st.integers() | texts
client_messages = st.one_of(
    st.builds(Start, setups, st.none() | names, st.booleans(), st.none() | seconds),
    st.builds(Audio, st.binary(max_size=50), st.none() | names),
    st.builds(Flush, flush_ids, st.none() | names),
    st.builds(EndOfStream, st.none() | names),
)
server_messages = st.one_of(
    st.builds(
        Ready,
        texts,
        texts,
        st.sampled_from((8_000, 24_000)),
        st.sampled_from((640, 1_920)),
        st.none() | st.integers(7, 48),
        st.lists(texts, max_size=2).map(tuple),
    ),
    st.builds(Text, spoken, seconds, st.none() | st.integers(0, 9)),
    st.builds(EndText, seconds, st.none() | st.integers(0, 9)),
    st.builds(Step, st.dictionaries(st.floats(0, 5), st.floats(0, 1), max_size=4), st.integers(0), seconds, seconds),
    st.builds(Flushed, flush_ids),
    st.builds(EndOfStream, st.none() | names),
    st.builds(ErrorMessage, texts, st.sampled_from((1008, 1011))),
)

CLIENT = {
    "setup": {"model_name": "default", "input_format": "pcm", "json_config": {"language": "en"}},
    "audio": {"audio": "AAAA"},
    "flush": {"flush_id": 1},
    "end_of_stream": {},
}
SERVER = {
    "ready": {"request_id": "r", "sample_rate": 24_000, "frame_size": 1_920, "delay_in_frames": 10},
    "text": {"text": "hello", "start_s": 1.5, "stream_id": None},
    "end_text": {"stop_s": 1.5, "stream_id": 0},
    "step": {"vad": [{"horizon_s": 2.0, "inactivity_prob": 0.1}], "step_idx": 1, "total_duration_s": 0.08},
    "flushed": {"flush_id": "a"},
    "error": {"message": "no", "code": 1008},
}
WRONG = {
    "json_config": ("{", 3, ["a"], {"language": 5}, {"delay_in_frames": 9}, {"keywords": {"words": "a b"}}),
    "model_name": ("", 7, []),
    "input_format": ("mp3", 7, None, []),
    "close_ws_on_eos": ("yes", 1),
    "retry_for_s": ("1", [], True),
    "client_req_id": (1, []),
    "audio": ("A", "!!!!", 5, None, []),
    "flush_id": (1.5, None, True, []),
    "request_id": (None, 7),
    "sample_rate": ("24000", 1.5, True),
    "delay_in_frames": ("10", 1.5),
    "text_stream_names": ("a", [1]),
    "text": (None, 5, ["a"]),
    "start_s": (None, "1", True, []),
    "stop_s": (None, "1", True),
    "stream_id": ("0", 0.5, True),
    "vad": (None, {}, [1], [{"horizon_s": 2.0}], [{"horizon_s": "2", "inactivity_prob": 0}]),
    "step_idx": (None, "1", 0.5),
    "total_duration_s": (None, "1"),
    "message": (None, 5),
    "code": ("1008", 0.5),
}
PLACES = {
    "setup": ("json_config", "model_name", "input_format", "close_ws_on_eos", "retry_for_s", "client_req_id"),
    "audio": ("audio", "client_req_id"),
    "flush": ("flush_id", "client_req_id"),
    "end_of_stream": ("client_req_id",),
    "ready": ("request_id", "sample_rate", "delay_in_frames", "text_stream_names"),
    "text": ("text", "start_s", "stream_id"),
    "end_text": ("stop_s", "stream_id"),
    "step": ("vad", "step_idx", "total_duration_s"),
    "flushed": ("flush_id",),
    "error": ("message", "code"),
}


@given(client_messages)
def test_a_client_message_is_read_as_it_was_written(message):
    assert read_client_message(write_message(message)) == message


@given(server_messages)
def test_a_server_message_is_read_as_it_was_written(message):
    assert read_server_message(write_message(message)) == message


@given(server_messages, names)
def test_a_server_marks_its_messages_with_the_request(message, client_req_id):
    assert json.loads(write_message(message, client_req_id))["client_req_id"] == client_req_id


def cases(kinds):
    return [
        pytest.param(kind, field, value, id=f"{kind}.{field}={value!r}")
        for kind in kinds
        for field in PLACES[kind]
        for value in WRONG[field]
    ]


@given(st.binary(max_size=50))
def test_audio_is_written_the_short_way_too(pcm):
    assert write_audio(pcm).decode() == write_message(Audio(pcm))


@pytest.mark.parametrize(("kind", "field", "value"), cases(CLIENT))
def test_a_wrong_field_of_a_client_is_refused_in_words(kind, field, value):
    with pytest.raises(ProtocolError, match=rf"^{kind}: .*\.$"):
        read_client_message(json.dumps({"type": kind, **CLIENT[kind], field: value}))


@pytest.mark.parametrize(("kind", "field", "value"), cases(SERVER))
def test_a_wrong_field_of_a_server_is_refused_in_words(kind, field, value):
    with pytest.raises(ProtocolError, match=rf"^(step|{kind}): .*\.$"):
        read_server_message(json.dumps({"type": kind, **SERVER[kind], field: value}))


@pytest.mark.parametrize(
    ("kind", "field"),
    [("audio", "audio"), ("flush", "flush_id")],
)
def test_a_missing_field_of_a_client_is_named(kind, field):
    with pytest.raises(ProtocolError, match=f"^{kind}: {field} is missing"):
        read_client_message(json.dumps({"type": kind}))


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("ready", "request_id"),
        ("text", "text"),
        ("text", "start_s"),
        ("end_text", "stop_s"),
        ("step", "vad"),
        ("step", "step_idx"),
        ("step", "total_duration_s"),
        ("flushed", "flush_id"),
        ("error", "message"),
    ],
)
def test_a_missing_field_of_a_server_is_named(kind, field):
    fields = {name: value for name, value in SERVER[kind].items() if name != field}
    with pytest.raises(ProtocolError, match=f"^{kind}: {field} is missing"):
        read_server_message(json.dumps({"type": kind, **fields}))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_times_are_numbers(value):
    with pytest.raises(ProtocolError):
        read_server_message(json.dumps({"type": "end_text", "stop_s": value}))


@pytest.mark.parametrize("read", [read_client_message, read_server_message])
@pytest.mark.parametrize(
    "frame", [b"\0\1", b"{}", "", "{", "null", "[]", "3", '"a"', "{}", '{"type":3}', "[" * 100_000, '{"type":' * 50_000]
)
def test_what_is_no_message_is_refused_in_words(read, frame):
    with pytest.raises(ProtocolError, match=r"^Messages are JSON.*\.$"):
        read(frame)


def test_a_message_of_a_later_version_is_passed_over():
    assert read_server_message('{"type":"weather","sun":true}') is None
    assert read_server_message('{"type":"flushed","flush_id":1,"sun":true}') == Flushed(1)


def test_a_client_may_say_no_unknown_thing():
    with pytest.raises(ProtocolError, match="A client sends"):
        read_client_message('{"type":"weather"}')


def assert_read_or_refused(read, frame):
    try:
        read(frame)
        refusal = "."
    except ProtocolError as error:
        refusal = str(error)
    assert refusal.endswith(".")


fields_of_all = sorted({*WRONG, "step_duration_s", "frame_size"})


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(sorted({*CLIENT, *SERVER})), st.dictionaries(st.sampled_from(fields_of_all), anything, max_size=6)
)
def test_whatever_comes_is_a_message_or_a_protocol_error(kind, fields):
    frame = json.dumps({**fields, "type": kind})
    for read in (read_client_message, read_server_message):
        assert_read_or_refused(read, frame)


@given(st.text(max_size=60) | st.binary(max_size=60))
def test_whatever_frame_comes_is_a_message_or_a_protocol_error(frame):
    for read in (read_client_message, read_server_message):
        assert_read_or_refused(read, frame)


def test_json_config_may_be_a_string():
    """The service takes both."""
    written = json.dumps({"type": "setup", **CLIENT["setup"], "json_config": '{"language":"fr"}'})
    message = read_client_message(written)
    assert isinstance(message, Start)
    assert message.setup.language == "fr"


def test_audio_never_shows_in_an_error():
    with pytest.raises(ProtocolError) as caught:
        read_client_message('{"type":"audio","audio":"c2VjcmV0!"}')
    assert "c2VjcmV0" not in str(caught.value)


@pytest.mark.parametrize(("delay", "lead_s"), [(10, 0.8), (7, 0.56), (0, 0.0), (None, None)])
def test_the_lead_follows_from_the_delay(delay, lead_s):
    lead = Ready("r", "default", 24_000, 1_920, delay).lead_s
    assert lead == (None if lead_s is None else pytest.approx(lead_s))


def test_what_no_database_can_hold_is_left_out_of_a_text():
    frame = '{"type":"text","text":"a\\u0000b\\ud800c \\u001bd","start_s":0}'
    assert read_server_message(frame) == Text("abc d", 0.0)
