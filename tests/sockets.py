"""Speaker and viewer of tests: plain sockets, so that a test says exactly what goes over the wire."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.processes import App

WAIT_S = 30.0
Frame = dict[str, Any]


def post(url: str, body: bytes, content_type: str = "application/json") -> tuple[int, Frame]:
    """POST and return (status, JSON of the answer)."""
    request = urllib.request.Request(url, body, {"Content-Type": content_type})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


async def get_ticket(app: App, room: Frame) -> str:
    url = f"{app.url}/r/{room['slug']}/speak/ticket/"
    body = json.dumps({"token": room["speaker_token"]}).encode()
    status, answer = await asyncio.to_thread(post, url, body)
    assert status == 200, answer
    return str(answer["ticket"])


class Client:
    """A socket whose frames are kept."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.frames: list[Frame] = []
        self.arrived: list[float] = []
        """When each of them came, in seconds since the epoch."""
        self.close_code: int | None = None
        self._news = asyncio.Condition()
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for text in self.connection:
                async with self._news:
                    self.frames.append(json.loads(text))
                    self.arrived.append(time.time())
                    self._news.notify_all()
        async with self._news:
            self.close_code = self.connection.close_code
            self._news.notify_all()

    async def until(self, seen: Callable[[Frame], bool], *, after: int = 0, seconds: float = WAIT_S) -> Frame:
        """Return the first frame (from position ``after``) that is what is waited for."""

        def find() -> Frame | None:
            return next((frame for frame in self.frames[after:] if seen(frame)), None)

        async with asyncio.timeout(seconds), self._news:
            while (found := find()) is None:
                assert self.close_code is None, f"closed with {self.close_code}; got {self.frames[-5:]}"
                await self._news.wait()
        return found

    async def until_type(self, kind: str, *, seconds: float = WAIT_S, **fields: object) -> Frame:
        return await self.until(
            lambda frame: frame["type"] == kind and all(frame.get(name) == value for name, value in fields.items()),
            seconds=seconds,
        )

    async def until_closed(self) -> int:
        async with asyncio.timeout(WAIT_S):
            return await self.wait_closed()

    async def wait_closed(self) -> int:
        """The same, however long it takes."""
        async with self._news:
            while self.close_code is None:
                await self._news.wait()
        return self.close_code

    def of_type(self, *kinds: str) -> list[Frame]:
        return [frame for frame in self.frames if frame["type"] in kinds]

    def finals(self) -> list[Frame]:
        """The finals of the snapshot and those that came live, in the order they were shown."""
        shown: list[Frame] = []
        for frame in self.frames:
            shown += frame["finals"] if frame["type"] == "snapshot" else [frame] if frame["type"] == "final" else []
        return shown

    def words(self) -> list[str]:
        return " ".join(frame["text"] for frame in self.finals()).split()

    async def close(self) -> None:
        await self.connection.close()
        await self._reader


@contextlib.asynccontextmanager
async def open_client(url: str) -> AsyncIterator[Client]:
    async with connect(url, proxy=None, open_timeout=WAIT_S) as connection:
        client = Client(connection)
        try:
            yield client
        finally:
            await client.close()


def watch(app: App, slug: str, query: str = "") -> contextlib.AbstractAsyncContextManager[Client]:
    """Open a viewer."""
    return open_client(f"{app.ws_url}/ws/rooms/{slug}/captions/{query}")


@contextlib.asynccontextmanager
async def speak(
    app: App, room: Frame, *, stream: uuid.UUID | None = None, rate: int = 24_000, take_over: bool = False
) -> AsyncIterator[Client]:
    """Open a speaker and say hello; ``ready`` is in its frames unless it was refused."""
    ticket = await get_ticket(app, room)
    async with open_client(f"{app.ws_url}/ws/rooms/{room['slug']}/speak/") as client:
        hello = {
            "type": "hello",
            "ticket": ticket,
            "stream": str(stream or uuid.uuid4()),
            "sample_rate": rate,
            "take_over": take_over,
        }
        await client.connection.send(json.dumps(hello))
        yield client


def audio_frame(index: int, pcm: bytes) -> bytes:
    return index.to_bytes(8, "little") + pcm


async def send_audio(client: Client, pcm: bytes, *, rate: int = 24_000, first: int = 0, speed: float = 1.0) -> int:
    """Send samples from index ``first`` on as a microphone would; returns the index after the last one."""
    loop = asyncio.get_running_loop()
    step = rate * 8 // 100
    began, index = loop.time(), first
    for at in range(0, len(pcm), 2 * step):
        chunk = pcm[at : at + 2 * step]
        await client.connection.send(audio_frame(index, chunk))
        index += len(chunk) // 2
        due = began + (index - first) / rate / speed
        await asyncio.sleep(max(0.0, due - loop.time()))  # also when late: others have things to do here
    return index


async def end_talk(client: Client) -> None:
    await client.connection.send('{"type":"end"}')
    await client.until_type("state", state="ended")
