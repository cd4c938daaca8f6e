"""Speaker on one server, readers on another, Redis between them."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable

import pytest

from tests.consumers.talk import BURSTS, make_talk
from tests.processes import App, Apps, Engine
from tests.services import RedisServer
from tests.sockets import Frame, end_talk, send_audio, speak, watch


@pytest.fixture
def servers(app: Apps, scripted_engine: Callable[..., Engine], redis_server: RedisServer) -> tuple[App, App, Frame]:
    env = scripted_engine(BURSTS).env | redis_server.env
    first = app(env=env)
    second = app(env=env, data_dir=first.data_dir)
    return first, second, first.create_room("hall")


async def test_readers_of_another_server_miss_nothing_when_redis_restarts(
    servers: tuple[App, App, Frame], redis_server: RedisServer
) -> None:
    first, second, room = servers
    talk = make_talk(30, pause_every=4)
    async with watch(first, "hall") as near, watch(second, "hall") as far, speak(first, room) as speaker:
        await speaker.until_type("ready")
        sending = asyncio.create_task(send_audio(speaker, talk.pcm))
        await far.until_type("interim")
        await far.until_type("final", seq=1)
        await asyncio.to_thread(redis_server.restart)
        await sending
        await end_talk(speaker)
        for viewer in (near, far):
            await viewer.until_type("state", state="ended")
            assert viewer.words() == talk.texts
        assert far.finals() == near.finals()


async def test_readers_learn_that_a_server_is_gone_and_go_on_when_the_speaker_does(
    servers: tuple[App, App, Frame],
) -> None:
    first, second, room = servers
    talk = make_talk(30, pause_every=5)
    stream = uuid.uuid4()
    cut = len(talk.pcm) // 2 // 3840 * 3840
    async with watch(second, "hall") as viewer:
        with contextlib.suppress(Exception):
            async with speak(first, room, stream=stream) as speaker:
                await speaker.until_type("ready")
                await send_audio(speaker, talk.pcm[:cut])
                first.kill()
        await viewer.until_type("state", state="reconnecting")
        async with speak(second, room, stream=stream) as speaker:
            ready = await speaker.until_type("ready")
            at = ready["next_sample"]
            await send_audio(speaker, talk.pcm[2 * at :], first=at, speed=2)
            await end_talk(speaker)
        await viewer.until_type("state", state="ended")
        assert viewer.words() == talk.texts


async def test_taking_over_at_another_server_moves_the_room(servers: tuple[App, App, Frame]) -> None:
    first, second, room = servers
    one, two = make_talk(5, first=1), make_talk(5, first=20)
    async with watch(first, "hall") as near, watch(second, "hall") as far, speak(first, room) as before:
        await before.until_type("ready")
        await send_audio(before, one.pcm)
        async with speak(second, room) as refused:
            assert (await refused.until_type("error"))["code"] == "room_busy"
        async with speak(second, room, take_over=True) as after:
            await after.until_type("ready")
            assert await before.until_type("moved")
            await send_audio(after, two.pcm)
            await end_talk(after)
        for viewer in (near, far):
            await viewer.until_type("state", state="ended")
            assert viewer.words() == one.texts + two.texts
