"""A reader who comes back: connects again when the server goes, and resumes where it was."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from websockets.exceptions import InvalidHandshake

from tests.processes import App
from tests.sockets import WAIT_S, Client, Frame, open_client

AGAIN_S = 0.25


class Reader:
    """All frames of all its connections, with their times of day; ``words`` and ``numbers`` as they were shown."""

    def __init__(self, app: App, slug: str) -> None:
        self._url = f"{app.ws_url}/ws/rooms/{slug}/captions/"
        self._clients: list[Client] = []
        self._task = asyncio.create_task(self._stay())

    @property
    def frames(self) -> list[Frame]:
        return [frame for client in self._clients for frame in client.frames]

    @property
    def arrived(self) -> list[float]:
        return [at for client in self._clients for at in client.arrived]

    def of_type(self, *kinds: str) -> list[Frame]:
        return [frame for frame in self.frames if frame["type"] in kinds]

    @property
    def entries(self) -> list[Frame]:
        """Finals and gaps, as they were shown."""
        shown: list[Frame] = []
        for frame in self.frames:
            shown += (
                frame["finals"] if frame["type"] == "snapshot" else [frame] if frame["type"] in ("final", "gap") else []
            )
        return shown

    @property
    def words(self) -> list[str]:
        return " ".join(entry["text"] for entry in self.entries if entry["type"] == "final").split()

    async def until(self, seen: Callable[[Frame], bool], *, seconds: float = WAIT_S) -> None:
        """Wait for a frame, over as many connections as it takes."""
        async with asyncio.timeout(seconds):
            while not any(map(seen, self.frames)):  # noqa: ASYNC110 - connections come and go
                await asyncio.sleep(AGAIN_S)

    async def _stay(self) -> None:
        while True:
            newest = self.entries[-1:]
            query = f"?after={newest[0]['session']}.{newest[0]['seq']}" if newest else ""
            with contextlib.suppress(OSError, InvalidHandshake, TimeoutError):
                async with open_client(self._url + query) as client:
                    self._clients.append(client)
                    await client.wait_closed()
            await asyncio.sleep(AGAIN_S)

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@contextlib.asynccontextmanager
async def reading(app: App, slug: str) -> AsyncIterator[Reader]:
    reader = Reader(app, slug)
    try:
        yield reader
    finally:
        await reader.close()
