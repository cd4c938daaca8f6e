"""Faults on command, as a client sees them."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from captions.engine.bursts import write_bursts
from captions.engine.script import read_script
from captions.engine.server import run_engine
from tests.engine.client import client

WORDS = [["one", 0.2, 0.5], ["two", 0.6, 0.9], ["three", 1.0, 1.4]]


def engine(session_s: float = 300.0, **script):
    text = json.dumps({"listen": "words", "words": WORDS} | script)
    return run_engine("127.0.0.1", 0, session_s=session_s, script=read_script(text))


async def test_connections_go_by_their_plans_in_order():
    async with engine(sessions=[{"refuse_status": 503}, {}, {"refuse_status": 429}]) as url:
        for status in (503, None, 429, None):
            if status is None:
                async with client(url) as speaker:
                    assert (await speaker.setup())["type"] == "ready"
            else:
                with pytest.raises(InvalidStatus) as refused:
                    await connect(url, proxy=None)
                assert refused.value.response.status_code == status


@pytest.mark.parametrize("code", [1008, 1011])
async def test_an_error_in_place_of_ready(code):
    async with (
        engine(others={"incidents": [{"do": "error", "code": code, "message": "No."}]}) as url,
        client(url) as speaker,
    ):
        assert await speaker.setup() == {"type": "error", "message": "No.", "code": code}
        assert await speaker.closed() == code


@pytest.mark.parametrize(
    ("incident", "close_code", "last"),
    [
        ({"do": "error", "code": 1008}, 1008, "error"),
        ({"do": "error"}, 1011, "error"),
        ({"do": "close", "code": 1012}, 1012, "step"),
        ({"do": "abort"}, None, "step"),
    ],
)
async def test_the_end_comes_at_a_time_of_the_audio(incident, close_code, last):
    async with engine(others={"incidents": [incident | {"at_s": 0.8}]}) as url, client(url) as speaker:
        await speaker.setup()
        with contextlib.suppress(ConnectionClosed):
            await speaker.silence(3.0)
        # An abort may throw away what was sent just before it.
        assert await speaker.closed() == close_code
        if close_code is not None:
            assert speaker.messages[-1]["type"] == last
            assert len(speaker.steps) == 10


async def test_ready_may_be_slow():
    loop = asyncio.get_running_loop()
    async with engine(others={"ready_after_s": 0.3}) as url, client(url) as speaker:
        before = loop.time()
        assert (await speaker.setup())["type"] == "ready"
        assert loop.time() - before >= 0.3


async def test_a_hung_session_takes_audio_and_pings_and_says_nothing():
    async with engine(others={"incidents": [{"do": "hang", "at_s": 0.8}]}) as url, client(url) as speaker:
        await speaker.setup()
        await speaker.silence(4.0)
        await speaker.send("flush", flush_id=1)
        await speaker.send("end_of_stream")
        await (await speaker.socket.ping())
        received = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.3):
                while True:
                    received.append(json.loads(await speaker.socket.recv()))
        assert {message["type"] for message in received} == {"step"}
        assert len(received) == 10


async def test_a_half_open_session_answers_nothing_at_all():
    async with engine(others={"incidents": [{"do": "half_open", "at_s": 0.8}]}) as url, client(url) as speaker:
        await speaker.setup()
        await speaker.silence(0.8)
        while len(speaker.steps) < 10:
            await speaker.receive()
        pong = await speaker.socket.ping()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await pong


async def test_garbage_comes_between_the_messages():
    async with engine(others={"incidents": [{"do": "garbage", "at_s": 0.8}]}) as url, client(url) as speaker:
        await speaker.setup()
        await speaker.silence(2.4)
        frames = [await speaker.socket.recv() for _ in range(10)]
        assert all(json.loads(frame) for frame in frames)
        frames = [await speaker.socket.recv() for _ in range(8)]
        bad = []
        for frame in frames:
            try:
                json.loads(frame)
            except ValueError:
                bad.append(frame)
        assert len(bad) == 1
        await speaker.until("step")


async def test_the_text_of_a_flush_may_trail_it():
    async with engine(others={"trailing_s": 0.1}) as url, client(url) as speaker:
        await speaker.setup(delay_in_frames=48)
        await speaker.silence(1.6)
        await speaker.send("flush", flush_id=1)
        await speaker.until("flushed")
        assert speaker.texts == []
        while len(speaker.texts) < 3:
            await speaker.receive()
        assert speaker.texts == ["one", "two", "three"]


async def test_text_may_be_late():
    async with engine(others={"late_s": 1.0}) as url, client(url) as speaker:
        await speaker.setup(delay_in_frames=10)
        await speaker.silence(4.0)
        (*_, text) = await speaker.until("text")
        assert text["start_s"] == pytest.approx(0.2 + 0.8)
        assert speaker.steps[-1]["total_duration_s"] == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("end", "close_code", "last"), [("error", 1011, "error"), ("close", 1011, "step"), ("abort", None, None)]
)
async def test_the_limit_may_end_a_session_in_three_ways(end, close_code, last):
    async with engine(others={"cap_s": 0.8, "cap_ends_by": end}) as url, client(url) as speaker:
        await speaker.setup()
        with contextlib.suppress(ConnectionClosed):
            await speaker.silence(3.0)
        assert await speaker.closed() == close_code
        if last is not None:
            assert speaker.messages[-1]["type"] == last


async def test_a_session_may_begin_anywhere_in_the_script():
    async with engine(sessions=[{"offset_s": 0.7}]) as url, client(url) as speaker:
        await speaker.setup(delay_in_frames=10)
        await speaker.silence(1.0)
        await speaker.send("end_of_stream")
        await speaker.closed()
        said = [(m["text"], round(m["start_s"] - 0.8, 3)) for m in speaker.messages if m["type"] == "text"]
        assert said == [("uh", 0.0), ("three", 0.3)]


@pytest.mark.parametrize("rate", [8_000, 16_000, 24_000])
async def test_audio_may_carry_its_words(rate):
    words = [(10, 0.2, 0.5), (11, 0.6, 0.9), (70, 1.0, 1.4)]
    pcm = write_bursts(words, 1.6, rate)
    async with engine(listen="bursts", words=[], vocabulary=["w"] * 11 + ["eleven"]) as url, client(url) as speaker:
        await speaker.setup(f"pcm_{rate}", delay_in_frames=7)
        await speaker.audio(pcm[: 2 * round(1.2 * rate)], rate)
        await speaker.send("end_of_stream")
        await speaker.closed()
        assert speaker.texts == ["w", "eleven", "uh"]
        starts = [m["start_s"] - 0.56 for m in speaker.messages if m["type"] == "text"]
        assert starts == pytest.approx([0.2, 0.6, 1.0], abs=0.002)
