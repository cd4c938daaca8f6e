"""A client of the engine that sends what it is told to, right or wrong."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

FRAME_S = 0.08
LIMIT_S = 60


class Client:
    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.messages: list[dict[str, Any]] = []

    async def send(self, kind: str, **fields: object) -> None:
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def setup(
        self, input_format: str = "pcm_16000", request: str | None = None, **config: object
    ) -> dict[str, Any]:
        """Open a request; return the answer, be it ``ready`` or ``error``."""
        marked = {} if request is None else {"client_req_id": request}
        await self.send("setup", model_name="default", input_format=input_format, json_config=config, **marked)
        return await self.receive()

    async def audio(self, pcm: bytes, rate: int = 16_000, **fields: object) -> None:
        """Send 16-bit audio in messages of 80 ms."""
        size = 2 * round(rate * FRAME_S)
        for at in range(0, len(pcm), size):
            await self.send("audio", audio=base64.b64encode(pcm[at : at + size]).decode(), **fields)

    async def silence(self, seconds: float, rate: int = 16_000, **fields: object) -> None:
        await self.audio(bytes(2 * round(seconds * rate)), rate, **fields)

    async def receive(self) -> dict[str, Any]:
        async with asyncio.timeout(LIMIT_S):
            message: dict[str, Any] = json.loads(await self.socket.recv())
        self.messages.append(message)
        return message

    async def until(self, kind: str) -> list[dict[str, Any]]:
        """Receive up to the next message of a kind; return all that came."""
        before = len(self.messages)
        while (await self.receive())["type"] != kind:
            pass
        return self.messages[before:]

    async def closed(self) -> int | None:
        """Receive until the connection ends; return its close code, None for an end without one."""
        try:
            while True:
                await self.receive()
        except ConnectionClosed as closed:
            return None if closed.rcvd is None else closed.rcvd.code

    @property
    def texts(self) -> list[str]:
        return [message["text"] for message in self.messages if message["type"] == "text"]

    @property
    def steps(self) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == "step"]


@asynccontextmanager
async def client(url: str, **headers: str) -> AsyncIterator[Client]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with connect(url, additional_headers=named, compression=None, proxy=None, close_timeout=1) as socket:
        yield Client(socket)
