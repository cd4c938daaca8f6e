"""The protocol over real sockets, with known words at known times."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from captions.engine.hearing import Word
from captions.engine.script import Script
from captions.engine.server import run_engine
from tests.engine.client import client

WORDS = (Word("Good", 0.5, 0.8), Word("morning.", 0.9, 1.4), Word("Welcome.", 3.0, 3.6))
SCRIPT = Script(listen="words", words=WORDS)


def engine(**options):
    return run_engine("127.0.0.1", 0, **({"script": SCRIPT} | options))


async def test_ready_names_the_recogniser_and_the_delay():
    async with engine() as url, client(url) as one, client(url) as other:
        ready = await one.setup(language="en", delay_in_frames=16)
        assert ready["type"] == "ready"
        assert ready["request_id"]
        assert "demo" in ready["model_name"]
        assert (ready["sample_rate"], ready["frame_size"], ready["delay_in_frames"]) == (24_000, 1920, 16)
        assert ready["text_stream_names"] == []
        assert (await other.setup())["delay_in_frames"] == 10


async def test_words_come_on_the_decoders_clock_and_not_before_it():
    async with engine() as url, client(url) as speaker:
        await speaker.setup(delay_in_frames=12)
        await speaker.silence(4.8)
        await speaker.send("end_of_stream")
        assert await speaker.closed() == 1000
        clock_s, said = 0.0, []
        for message in speaker.messages:
            match message:
                case {"type": "step", "total_duration_s": clock_s}:
                    pass
                case {"type": "text", "text": text, "start_s": start_s}:
                    assert start_s <= clock_s + 1e-6
                    said.append([text, start_s - 0.96])
                case {"type": "end_text", "stop_s": stop_s}:
                    assert stop_s <= clock_s + 1e-6
                    said[-1].append(stop_s - 0.96)
        assert [word[0] for word in said] == [word.text for word in WORDS]
        for (_, start_s, end_s), word in zip(said, WORDS, strict=True):
            assert (start_s, end_s) == pytest.approx((word.start_s, word.end_s), abs=0.001)
        assert speaker.messages[-1] == {"type": "end_of_stream"}


async def test_a_step_comes_for_every_80_ms_with_four_horizons():
    async with engine() as url, client(url) as speaker:
        await speaker.setup()
        await speaker.silence(3.0)
        await speaker.send("flush", flush_id=1)
        await speaker.until("flushed")
        assert [step["step_idx"] for step in speaker.steps] == list(range(37))
        assert speaker.steps[-1]["total_duration_s"] == pytest.approx(37 * 0.08)
        assert {step["step_duration_s"] for step in speaker.steps} == {0.08}
        inactivity = [
            [(entry["horizon_s"], entry["inactivity_prob"]) for entry in step["vad"]] for step in speaker.steps
        ]
        assert [horizon for horizon, _ in inactivity[0]] == [0.5, 1.0, 2.0, 3.0]
        assert inactivity[0][2][1] < 0.1, "low before anything was heard"
        assert inactivity[15][2][1] == 0, "in a word"
        assert inactivity[-1][0][1] == 1, "1.6 s after one"


@pytest.mark.parametrize("flush_id", [7, "seven"])
async def test_a_flush_brings_out_the_text_so_far_and_gives_its_id_back(flush_id):
    async with engine() as url, client(url) as speaker:
        await speaker.setup(delay_in_frames=48)
        await speaker.silence(1.5)
        await speaker.send("flush", flush_id=flush_id)
        assert (await speaker.until("flushed"))[-1]["flush_id"] == flush_id
        assert speaker.texts == ["Good", "morning."]
        await speaker.silence(2.5)
        await speaker.send("end_of_stream")
        await speaker.until("end_of_stream")
        assert speaker.texts == ["Good", "morning.", "Welcome."]


async def test_what_is_begun_at_a_flush_is_heard_too():
    async with engine() as url, client(url) as speaker:
        await speaker.setup()
        await speaker.silence(1.42)  # not a whole number of frames
        await speaker.send("flush", flush_id=1)
        await speaker.until("flushed")
        assert speaker.texts == ["Good", "morning."]
        await speaker.silence(1.46)
        await speaker.send("flush", flush_id=2)
        await speaker.until("flushed")
        assert len(speaker.steps) == 36


@pytest.mark.parametrize("config", [{"language": "en"}, json.dumps({"language": "en"}), "", None])
async def test_json_config_may_be_an_object_a_string_or_nothing(config):
    async with engine() as url, client(url) as speaker:
        await speaker.send("setup", model_name="default", input_format="pcm", json_config=config)
        assert (await speaker.receive())["type"] == "ready"


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        ('{"type":"audio","audio":""}', "first message must be setup"),
        ('{"type":"flush","flush_id":1}', "first message must be setup"),
        ('{"type":"end_of_stream"}', "first message must be setup"),
        (b"\0\0\0\0", "binary"),
        ("nonsense", "could not be read"),
        ("[]", '"type"'),
        ('{"type":"hello"}', "A client sends"),
        ('{"type":"setup","input_format":"mp3"}', "input_format must be one of"),
        ('{"type":"setup","input_format":"opus"}', "does not take opus"),
        ('{"type":"setup","input_format":"ulaw_8000"}', "does not take ulaw_8000"),
        ('{"type":"setup","model_name":"stt-translate"}', "no model 'stt-translate'"),
        ('{"type":"setup","json_config":{"delay_in_frames":11}}', "delay_in_frames must be one of"),
        ('{"type":"setup","json_config":{"language":"xx"}}', "language must be one of"),
        ('{"type":"setup","json_config":{"temp":2}}', "temp must be from"),
        ('{"type":"setup","json_config":{"padding_bonus":-5}}', "padding_bonus must be from"),
        ('{"type":"setup","json_config":{"keywords":{"words":["two words"]}}}', "one word"),
        ('{"type":"setup","json_config":"{"}', "not JSON"),
    ],
)
async def test_a_wrong_beginning_is_a_policy_error(frame, says):
    async with engine() as url, client(url) as speaker:
        await speaker.socket.send(frame)
        assert await speaker.closed() == 1008
        (error,) = speaker.messages
        assert (error["type"], error["code"]) == ("error", 1008)
        assert says in error["message"]


@pytest.mark.parametrize(
    "frame",
    [b"\0\0", '{"type":"audio","audio":"not base64"}', '{"type":"audio"}', '{"type":"flush"}', '{"type":"setup"}'],
)
async def test_a_wrong_message_later_is_one_too(frame):
    async with engine() as url, client(url) as speaker:
        await speaker.setup()
        await speaker.socket.send(frame)
        assert await speaker.closed() == 1008
        assert speaker.messages[-1]["type"] == "error"


async def test_a_key_is_asked_for_only_if_there_is_one():
    async with engine() as url, client(url) as speaker:
        assert (await speaker.setup())["type"] == "ready"
    async with engine(api_key="right") as url:
        async with client(url, x_api_key="right") as speaker:
            assert (await speaker.setup())["type"] == "ready"
        for headers in ({}, {"x_api_key": "wrong"}):
            async with client(url, **headers) as speaker:
                assert await speaker.closed() == 1008
                assert speaker.messages[0]["code"] == 1008
                assert "API key" in speaker.messages[0]["message"]


async def test_another_path_is_not_found():
    async with engine() as url:
        with pytest.raises(InvalidStatus) as refused:
            await connect(url.replace("/asr", "/tts"), proxy=None)
        assert refused.value.response.status_code == 404


async def test_a_socket_may_carry_requests_one_after_another():
    async with engine() as url, client(url) as speaker:
        for _ in range(2):
            await speaker.send("setup", model_name="default", input_format="pcm_16000", close_ws_on_eos=False)
            assert (await speaker.receive())["type"] == "ready"
            await speaker.silence(1.5)
            await speaker.send("end_of_stream")
            await speaker.until("end_of_stream")
        assert speaker.texts == ["Good", "morning."] * 2
        assert len({message["request_id"] for message in speaker.messages if message["type"] == "ready"}) == 2
        await speaker.send("audio", audio="")
        assert await speaker.closed() == 1008


async def test_requests_with_an_id_may_run_at_once_and_their_messages_carry_it():
    async with engine() as url, client(url) as speaker:
        for request in ("a", "b"):
            assert (await speaker.setup(request=request))["client_req_id"] == request
        await speaker.silence(1.0, client_req_id="a")
        await speaker.silence(4.0, client_req_id="b")
        await speaker.send("end_of_stream", client_req_id="a")
        await speaker.until("end_of_stream")
        await speaker.send("end_of_stream")  # the only one left
        assert await speaker.closed() == 1000
        said = [(m["client_req_id"], m["text"]) for m in speaker.messages if m["type"] == "text"]
        assert [text for request, text in said if request == "a"] == ["Good", "uh"]
        assert [text for request, text in said if request == "b"] == ["Good", "morning.", "Welcome."]
        assert all("client_req_id" in message for message in speaker.messages)


async def test_without_an_id_a_request_gets_none():
    async with engine() as url, client(url) as speaker:
        await speaker.setup()
        await speaker.silence(1.0)
        await speaker.send("end_of_stream")
        await speaker.closed()
        assert not any("client_req_id" in message for message in speaker.messages)


async def test_the_audio_sent_is_limited():
    async with engine(session_s=2.0) as url, client(url) as speaker:
        await speaker.setup()
        with contextlib.suppress(ConnectionClosed):
            await speaker.silence(10.0)
        assert await speaker.closed() == 1011
        assert speaker.texts == ["Good", "morning."]
        assert len(speaker.steps) == 25
        assert speaker.messages[-1]["type"] == "error"
        assert "limit of 2 seconds" in speaker.messages[-1]["message"]


async def test_the_time_is_limited_too_with_and_without_a_setup():
    async with engine(session_s=0.3) as url, client(url) as silent, client(url) as speaker:
        await speaker.setup()
        assert await speaker.closed() == 1011
        assert await silent.closed() == 1011


async def test_a_later_request_has_the_whole_limit_again():
    async with engine(session_s=2.0) as url, client(url) as speaker:
        for _ in range(3):
            await speaker.send("setup", model_name="default", input_format="pcm_16000", close_ws_on_eos=False)
            await speaker.silence(1.5)
            await speaker.send("end_of_stream")
            await speaker.until("end_of_stream")


async def test_a_message_that_is_too_big_ends_the_connection():
    async with engine() as url, client(url) as speaker:
        await speaker.setup()
        await speaker.send("audio", audio=base64.b64encode(bytes(1024 * 1024)).decode())
        assert await speaker.closed() == 1009


async def test_wav_is_heard_at_its_own_rate():
    import io
    import wave

    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(48_000)
        wav.writeframes(bytes(2 * 48_000 * 4))
    async with engine() as url, client(url) as speaker:
        await speaker.setup("wav")
        await speaker.audio(file.getvalue())
        await speaker.send("end_of_stream")
        assert await speaker.closed() == 1000
        assert speaker.texts == [word.text for word in WORDS]
        assert len(speaker.steps) == 50


async def test_what_is_announced_as_wav_and_is_none_is_an_error():
    async with engine() as url, client(url) as speaker:
        await speaker.setup("wav")
        await speaker.silence(0.08)
        assert await speaker.closed() == 1008
        assert "WAV" in speaker.messages[-1]["message"]


async def test_stopping_the_engine_closes_its_connections():
    async with contextlib.AsyncExitStack() as stack:
        running = engine()
        url = await running.__aenter__()
        speaker = await stack.enter_async_context(client(url))
        await speaker.setup()
        stopping = asyncio.create_task(running.__aexit__(None, None, None))
        assert await speaker.closed() == 1001
        await stopping
