"""Servers that are killed or frozen while people speak."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser import Chromium
from tests.chaos.talkers import Talker, all_spoken, two_talkers
from tests.consumers.talk import BURSTS, make_talk
from tests.processes import App, Apps, Engine
from tests.services import RedisServer

Engines = Callable[..., Engine]
Figure = Callable[[str], None]
LOST = [("reconnecting", ""), ("reconnecting", "speaker_lost")]
AWAY = ["Reconnecting", "reconnecting"]
FROZEN_S = 15.0


async def freeze(app: App, seconds: float) -> float:
    """Stop a server in its tracks, as a virtual machine is that moves; returns since when."""
    since = time.time()
    app.process.signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        app.process.signal(signal.SIGCONT)
    return since


async def report(figure: Figure, what: str, since: float, talkers: list[Talker]) -> None:
    for talker in talkers:
        figure(f"{talker.speaking.name}, {what}: {await talker.truth(since, LOST, AWAY)}")


async def test_the_only_server_is_killed_and_later_frozen(
    app: Apps, scripted_engine: Engines, chromium: Chromium, tmp_path: Path, figure: Figure
) -> None:
    server = app(env=scripted_engine(BURSTS).env)
    talk = make_talk(110)
    async with two_talkers([server], chromium, talk, tmp_path) as talkers:
        await all_spoken(talkers, 8)
        killed = time.time()
        server.kill()
        await asyncio.to_thread(server.start)
        await all_spoken(talkers, 20)
        frozen = await freeze(server, FROZEN_S)
        for talker in talkers:
            figure(await talker.finish(server))
        await report(figure, "only server killed", killed, talkers)
        await report(figure, f"only server frozen for {FROZEN_S:g} s", frozen, talkers)


@pytest.fixture
def two_servers(app: Apps, scripted_engine: Engines, redis_server: RedisServer, postgres_url: str) -> tuple[App, App]:
    env = scripted_engine(BURSTS).env | redis_server.env | {"DATABASE_URL": postgres_url}
    return app(env=env), app(env=env)


async def test_another_server_takes_over_from_a_frozen_one_and_from_a_killed_one(
    two_servers: tuple[App, App], chromium: Chromium, tmp_path: Path, figure: Figure
) -> None:
    first, second = two_servers
    talk = make_talk(120)
    async with two_talkers([first, second], chromium, talk, tmp_path) as talkers:
        await all_spoken(talkers, 6)
        for talker in talkers:
            talker.cable.server_port = second.port
        frozen = await freeze(first, FROZEN_S)
        await all_spoken(talkers, 36)
        # It woke up and found that it may not write any more.
        assert first.log.count("another captioner has taken over") == len(talkers)
        for talker in talkers:
            talker.cable.server_port = first.port
        killed = time.time()
        second.kill()
        await all_spoken(talkers, 44)
        await asyncio.to_thread(second.start)  # its readers come back to it
        for talker in talkers:
            figure(await talker.finish(first))
        await report(figure, f"server frozen for {FROZEN_S:g} s, another one goes on", frozen, talkers)
        for talker in talkers:  # he is back before readers have to be told
            told = await talker.speaking.told_s(killed, *AWAY)
            figure(
                f"{talker.speaking.name}, server killed, another one goes on: told to the speaker after {told:.1f} s"
            )
