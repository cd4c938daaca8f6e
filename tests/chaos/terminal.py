"""``manage.py speak`` in a test's hands: what it says, and when."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from tests.processes import MANAGE, ROOT, clean_env
from tests.sockets import Frame

WAIT_S = 60.0


class Terminal:
    """A running ``speak --json``. ``events`` are what it has said, each with the time of day as ``heard_at``."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.events: list[Frame] = []
        self._news = asyncio.Condition()
        self._over = False
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            async with self._news:
                self.events.append(json.loads(line) | {"heard_at": time.time()})
                self._news.notify_all()
        async with self._news:
            self._over = True
            self._news.notify_all()

    async def until(self, seen: Callable[[Frame], bool], *, after: float = 0.0, seconds: float = WAIT_S) -> Frame:
        """Return the first event since the time of day ``after`` that is what is waited for."""

        def find() -> Frame | None:
            return next((event for event in self.events if event["heard_at"] >= after and seen(event)), None)

        async with asyncio.timeout(seconds), self._news:
            while (found := find()) is None:
                assert not self._over, f"it ended: {await self.complaint()}"
                await self._news.wait()
        return found

    async def until_position(self, position_s: float, *, seconds: float = WAIT_S) -> None:
        await self.until(lambda event: event.get("position_s", -1.0) >= position_s, seconds=seconds)

    async def until_end(self, seconds: float) -> None:
        """Wait until it has ended well."""
        code = await asyncio.wait_for(self.process.wait(), seconds)
        await self._reader
        assert code == 0, await self.complaint()

    async def complaint(self) -> str:
        assert self.process.stderr is not None
        return (await self.process.stderr.read()).decode()


@contextlib.asynccontextmanager
async def terminal(speaker_url: str, sound: Path, *options: str) -> AsyncIterator[Terminal]:
    """Run ``speak`` on a machine of its own, which knows nothing but the speaker link."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *MANAGE,
        "speak",
        speaker_url,
        str(sound),
        "--json",
        *options,
        env=clean_env(CAPTIONS_DATA_DIR="/nonexistent", SECRET_KEY="x" * 50),
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=pipe,
        stderr=pipe,
        limit=2**20,
    )
    try:
        yield Terminal(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
