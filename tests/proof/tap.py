"""A tap on the wire between server and engine: what every engine session said, and when."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

from tests.processes import Engine
from tests.sockets import Frame

_TEXT = 0x1
_LONG, _VERY_LONG = 126, 127


@dataclass(frozen=True)
class Heard:
    """A word as a session told it: ``start_s`` on the session's own clock, ``at`` on the event loop's."""

    text: str
    start_s: float
    at: float


@dataclass
class Leg:
    """One engine session as it went over the wire. Times are the event loop's, in seconds."""

    number: int
    opened_at: float
    closed_at: float = 0.0
    ended_by: str = ""
    received: list[tuple[float, bytes]] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    audio_s: float = 0.0
    error: str = ""

    def read(self) -> None:
        """Read what was recorded: ``heard``, ``audio_s`` and ``error`` are known from here on."""
        for at, message in self._messages():
            match message["type"]:
                case "text":
                    self.heard.append(Heard(message["text"], message["start_s"], at))
                case "step":
                    self.audio_s = message["total_duration_s"]
                case "error":
                    self.error = f"{message['code']} {message['message']}"
                case "end_of_stream":
                    self.ended_by = "end_of_stream"
        self.received.clear()

    @property
    def ending(self) -> str:
        """How it ended, in words."""
        return f"error {self.error}" if self.error else self.ended_by or "still open"

    def _messages(self) -> Iterator[tuple[float, Frame]]:
        rest, greeted = b"", False
        for at, data in self.received:
            rest += data
            if not greeted:
                _, greeting, rest = rest.partition(b"\r\n\r\n")
                greeted = bool(greeting)
                if not greeted:
                    continue
            while (frame := _cut_frame(rest)) is not None:
                kind, body, rest = frame
                if kind == _TEXT:
                    with contextlib.suppress(json.JSONDecodeError):
                        yield at, json.loads(body)


def _cut_frame(data: bytes) -> tuple[int, bytes, bytes] | None:
    """Return (opcode, payload, the bytes after it) of a server's first frame; None while it is not whole."""
    if len(data) < 2:
        return None
    size, head = data[1] & 0x7F, 2
    if size in (_LONG, _VERY_LONG):
        head = 4 if size == _LONG else 10
        size = int.from_bytes(data[2:head], "big")
    if len(data) < head + size:
        return None
    return data[0] & 0xF, data[head : head + size], data[head + size :]


class Tap:
    """Forwards TCP to an engine and keeps what the engine says."""

    def __init__(self, engine: Engine, port: int) -> None:
        self.port = port
        self.legs: list[Leg] = []
        self._engine = engine
        self._connections: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._clock = asyncio.get_running_loop().time

    @property
    def env(self) -> dict[str, str]:
        """What an app needs to use the engine through the tap."""
        return self._engine.env | {"GRADIUM_URL": f"ws://127.0.0.1:{self.port}/api/speech/asr"}

    def join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        task = asyncio.create_task(self._forward(reader, writer), name="tap")
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def close(self) -> None:
        """End what is still connected."""
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._connections)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        leg = Leg(len(self.legs) + 1, self._clock())
        self.legs.append(leg)
        with contextlib.suppress(OSError):
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._engine.port)
            both = {writer, there_writer}
            self._writers |= both
            await asyncio.gather(
                self._pump(reader, there_writer, leg, "server"),
                self._pump(there_reader, writer, leg, "engine", keep=leg.received),
            )
            self._writers -= both

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        leg: Leg,
        side: str,
        *,
        keep: list[tuple[float, bytes]] | None = None,
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                if keep is not None:
                    keep.append((self._clock(), data))
                writer.write(data)
                await writer.drain()
        if not leg.ended_by:
            leg.closed_at, leg.ended_by = self._clock(), f"closed by the {side}"
        writer.close()


@contextlib.asynccontextmanager
async def tap_on(engine: Engine) -> AsyncIterator[Tap]:
    """Lay a tap for the time of the block."""
    tap = Tap(engine, 0)
    listener = await asyncio.start_server(tap.join, "127.0.0.1", 0)
    tap.port = listener.sockets[0].getsockname()[1]
    try:
        yield tap
    finally:
        listener.close()
        await tap.close()
