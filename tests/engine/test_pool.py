"""Decoders in their own processes: lent, busy, crashed, stopped, orphaned."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
from pathlib import Path

import pytest

from captions.engine.server import run_engine
from tests.engine import sample
from tests.engine.client import client

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are looked up in /proc")


def decoders(parent: int) -> list[int]:
    """Return the decoder processes of an engine."""
    pids = [
        int(pid) for task in Path(f"/proc/{parent}/task").iterdir() for pid in (task / "children").read_text().split()
    ]
    return [pid for pid in pids if b"decoder_process" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


async def all_gone(pids: list[int]) -> None:
    async with asyncio.timeout(10):
        while not all(map(gone, pids)):  # noqa: ASYNC110 - of processes that may be no children there is no event
            await asyncio.sleep(0.05)


async def hears(url: str) -> bool:
    """Say whether a new session works to its end."""
    data, rate = sample.pcm(3.0)
    async with client(url) as speaker:
        await speaker.setup(f"pcm_{rate}")
        await speaker.audio(data, rate)
        await speaker.send("end_of_stream")
        return await speaker.closed() == 1000 and "morning" in speaker.texts


async def test_when_all_are_busy_the_error_says_so_until_one_is_free():
    async with run_engine("127.0.0.1", 0, decoders=1) as url:
        async with client(url) as speaker:
            await speaker.setup()
            async with client(url) as other:
                error = await other.setup()
                assert (error["type"], error["code"]) == ("error", 1011)
                assert "busy" in error["message"]
                assert await other.closed() == 1011
            await speaker.send("end_of_stream")
            assert await speaker.closed() == 1000
        assert await hears(url)


async def test_a_client_that_vanishes_frees_its_decoder():
    async with run_engine("127.0.0.1", 0, decoders=1) as url:
        async with client(url) as speaker:
            await speaker.setup()
            speaker.socket.transport.abort()
        async with client(url) as other:
            await other.send("setup", model_name="default", input_format="pcm", retry_for_s=30)
            assert (await other.receive())["type"] == "ready"


async def test_retry_for_s_waits_for_a_free_one():
    async with run_engine("127.0.0.1", 0, decoders=1) as url, client(url) as speaker, client(url) as other:
        await speaker.setup()
        await other.send("setup", model_name="default", input_format="pcm", retry_for_s=30)
        await (await other.socket.ping())  # the setup has arrived
        await speaker.send("end_of_stream")
        await speaker.closed()
        assert (await other.receive())["type"] == "ready"


async def test_a_crash_is_an_internal_error_and_the_next_session_is_well():
    async with run_engine("127.0.0.1", 0, decoders=1) as url:
        async with client(url) as speaker:
            await speaker.setup()
            (pid,) = decoders(os.getpid())
            os.kill(pid, signal.SIGKILL)
            await speaker.silence(0.2)
            assert await speaker.closed() == 1011
            assert speaker.messages[-1]["code"] == 1011
            assert "recogniser has stopped" in speaker.messages[-1]["message"]
        assert await hears(url)


async def test_a_crash_while_idle_is_not_noticed():
    async with run_engine("127.0.0.1", 0, decoders=1) as url:
        assert await hears(url)
        (pid,) = decoders(os.getpid())
        os.kill(pid, signal.SIGKILL)
        assert await hears(url)


async def test_sessions_run_at_once_and_do_not_hear_each_other():
    async with run_engine("127.0.0.1", 0, decoders=2) as url, client(url) as quiet:
        await quiet.setup()
        await quiet.silence(2.0)
        assert await hears(url)
        assert len(decoders(os.getpid())) == 2
        await quiet.send("end_of_stream")
        assert await quiet.closed() == 1000
        assert quiet.texts == []


async def test_a_client_that_sends_too_fast_has_to_wait_and_nothing_is_lost():
    second = base64.b64encode(bytes(2 * 16_000)).decode()
    async with run_engine("127.0.0.1", 0, decoders=1, session_s=10_000) as url, client(url) as speaker:
        await speaker.setup()
        (pid,) = decoders(os.getpid())
        os.kill(pid, signal.SIGSTOP)
        sent = 0

        async def flood() -> None:
            nonlocal sent
            while sent < 2000:  # 85 MB
                async with asyncio.timeout(2):
                    await speaker.send("audio", audio=second)
                sent += 1

        try:
            with pytest.raises(TimeoutError):
                await flood()
        finally:
            os.kill(pid, signal.SIGCONT)
        # The message that was given up on stands in the client's buffer, and goes out with the rest.
        await speaker.send("end_of_stream")
        await speaker.until("end_of_stream")
        assert len(speaker.steps) == int((sent + 1) / 0.08)


async def test_the_decoders_end_with_the_engine_whichever_way_it_ends():
    async with run_engine("127.0.0.1", 0, decoders=2) as url:
        assert await hears(url)
        pids = decoders(os.getpid())
    await all_gone(pids)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
async def test_the_command_leaves_nothing_behind(number, tmp_path):
    from tests.processes import engine

    with engine(tmp_path / "engine.log") as running:
        async with client(running.url) as speaker:
            await speaker.setup()
            pids = decoders(running.process.pid)
            assert pids
            running.process.signal(number)
            await speaker.closed()
        code = await asyncio.to_thread(running.process.wait)
        assert code == (-number if number == signal.SIGKILL else 0)
        await all_gone(pids)
