"""The speech engine is killed or frozen while people speak."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path

from tests.browser import Chromium
from tests.chaos.talkers import all_spoken, two_talkers
from tests.consumers.talk import BURSTS, make_talk
from tests.processes import Apps, Engine, port_open

Engines = Callable[..., Engine]
Figure = Callable[[str], None]
DOWN = [("reconnecting", "engine_down")]
SAID = ["Captions are down", "reconnecting engine down"]
UP = [("live", ""), ("live", "catching_up"), ("silent", "")]
LIVE = ["You are live", "You are live, and quiet", "Catching up", "live", "live catching up", "silent"]


async def start_again(engine: Engine) -> float:
    since = time.time()
    engine.process.launch()
    await asyncio.to_thread(engine.process.wait_until, lambda: port_open(engine.port), what="listening")
    return since


# Each returns the time of day when the engine is set going again.


async def killed(engine: Engine) -> float:
    """It is gone for 5 s."""
    engine.process.kill()
    await asyncio.sleep(5)
    return await start_again(engine)


async def frozen(engine: Engine) -> float:
    """It stands still for 8 s, and goes on where it was."""
    engine.process.signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(8)
        return time.time()
    finally:
        engine.process.signal(signal.SIGCONT)


async def frozen_for_good(engine: Engine) -> float:
    """It stands still for 10 s, and is then replaced by one that works."""
    engine.process.signal(signal.SIGSTOP)
    await asyncio.sleep(10)
    engine.process.kill()
    return await start_again(engine)


async def test_nothing_is_lost_without_an_engine(
    app: Apps, scripted_engine: Engines, chromium: Chromium, tmp_path: Path, figure: Figure
) -> None:
    engine = scripted_engine(BURSTS)
    server = app(env=engine.env)
    talk = make_talk(140)  # there is more to say after the last trouble
    times = []
    async with two_talkers([server], chromium, talk, tmp_path) as talkers:
        for at_s, trouble in ((6, killed), (19, frozen), (35, frozen_for_good)):
            await all_spoken(talkers, at_s)
            since = time.time()
            times.append((trouble.__name__, since, await trouble(engine)))
        for talker in talkers:
            figure(f"engine killed and frozen, {await talker.finish(server)}")
            for name, since, back in times:
                figure(f"  {name}: {await talker.truth(since, DOWN, SAID)}")
                figure(f"  set going again: {await talker.truth(back, UP, LIVE)}")
