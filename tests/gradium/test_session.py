"""One session against a real server."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from captions.engine.bursts import write_bursts
from captions.gradium.messages import Start, Text
from captions.gradium.session import GradiumError, GradiumInternalError, GradiumPolicyError, Target, open_session
from captions.gradium.setup import Setup
from tests.processes import Engine, free_port

KEY = "a-very-secret-key"
START = Start(Setup(language="en", delay_in_frames=10))
BURSTS = {"listen": "bursts"}
Engines = Callable[..., Engine]


async def words(target: Target, start: Start = START) -> list[str]:
    async with open_session(target, start) as session:
        pcm = write_bursts([(1, 0.2, 0.5), (2, 0.6, 0.9)], 1.2)
        for at in range(0, len(pcm), 3840):
            await session.send_audio(pcm[at : at + 3840])
        await session.flush(7)
        await session.end_of_stream()
        return [message.text async for message in session.messages() if isinstance(message, Text)]


async def test_words_come_and_hooks_are_called(scripted_engine: Engines) -> None:
    engine = scripted_engine(BURSTS, f"--api-key={KEY}")
    target = Target(engine.url, KEY)
    assert await words(target) == ["w1", "w2"]
    told: list[str] = []

    async def connected() -> None:
        told.append("connected")

    async def disconnected() -> None:
        told.append("disconnected")

    async with open_session(target, START, on_connected=connected, on_disconnected=disconnected) as session:
        assert (session.ready.delay_in_frames, told) == (10, ["connected"])
    assert told == ["connected", "disconnected"]


async def test_the_key_shows_nowhere(scripted_engine: Engines, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    engine = scripted_engine(BURSTS, f"--api-key={KEY}")
    assert await words(Target(engine.url, KEY)) == ["w1", "w2"]
    assert KEY not in caplog.text
    assert KEY not in repr(Target(engine.url, KEY))
    with pytest.raises(GradiumPolicyError) as refused:
        await words(Target(engine.url, KEY + "x"))
    assert KEY not in str(refused.value)


@pytest.mark.parametrize(("code", "error"), [(1008, GradiumPolicyError), (1011, GradiumInternalError)])
async def test_errors_have_classes_of_their_own(scripted_engine: Engines, code: int, error: type[GradiumError]) -> None:
    at_once = [{"do": "error", "code": code, "message": "Told why."}]
    in_the_middle = [{"do": "error", "code": code, "message": "Told why.", "at_s": 0.5}]
    engine = scripted_engine(BURSTS | {"sessions": [{"incidents": at_once}, {"incidents": in_the_middle}]})
    for _ in range(2):
        with pytest.raises(error, match="Told why"):
            await words(Target(engine.url, KEY))


@pytest.mark.parametrize("end", ["close", "abort", "garbage"])
async def test_any_other_end_is_an_error_too(scripted_engine: Engines, end: str) -> None:
    engine = scripted_engine(BURSTS | {"sessions": [{"incidents": [{"do": end, "at_s": 0.5}]}]})
    with pytest.raises(GradiumError):
        await words(Target(engine.url, KEY))


async def test_a_server_that_is_not_there_is_told_in_words() -> None:
    with pytest.raises(GradiumError, match="cannot be reached"):
        await words(Target(f"ws://127.0.0.1:{free_port()}/", KEY))
