"""A network cable to a server on this machine, which can be cut, swallow everything or be narrow, and be mended."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator

from tests.processes import free_port

# Little is kept on the way, so that a sender notices soon when nothing moves.
CHUNK_BYTES = 4_096
RECEIVE_BYTES = 16_384
RESET = struct.pack("ii", 1, 0)  # a close under SO_LINGER of 0 s is a reset


class Cable:
    """Forwards TCP from a port of its own to ``server_port``, which may be changed for connections to come.

    ``cut()`` resets all connections and refuses new ones. ``swallow()`` keeps connections and takes new ones, and lets
    nothing through in either direction, not even a close: a network that fails without a word. ``mend()`` ends both;
    what was swallowed then arrives. ``narrow(bytes_per_s)`` limits what goes to the server; None: no limit.
    """

    def __init__(self, server_port: int) -> None:
        self.port = free_port()
        self.connections = 0
        self.server_port = server_port
        self._writers: set[asyncio.StreamWriter] = set()
        self._joined: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None
        self._whole = asyncio.Event()
        self._bytes_per_s: float | None = None
        self._free_at = 0.0  # when the narrow cable has taken all it was given

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def mend(self) -> None:
        self._whole.set()
        if self._listener is None:
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
            listener.bind(("127.0.0.1", self.port))
            self._listener = await asyncio.start_server(self._join, sock=listener, limit=CHUNK_BYTES)

    async def cut(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for task in self._joined:
            task.cancel()
        for writer in list(self._writers):
            self._reset(writer)

    async def swallow(self) -> None:
        self._whole.clear()

    def narrow(self, bytes_per_s: float | None) -> None:
        self._bytes_per_s = bytes_per_s

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._joined.add(task)
        self._writers.add(writer)
        self.connections += 1
        try:
            await self._whole.wait()
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.server_port, limit=CHUNK_BYTES)
            self._writers.add(there_writer)
            await asyncio.gather(self._pump(reader, there_writer, up=True), self._pump(there_reader, writer, up=False))
        except (OSError, asyncio.CancelledError):
            self._reset(writer)
        finally:
            self._joined.discard(task)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool) -> None:
        try:
            while True:
                data = await reader.read(CHUNK_BYTES)
                if up and self._bytes_per_s is not None:
                    now = asyncio.get_running_loop().time()
                    self._free_at = max(now, self._free_at) + len(data) / self._bytes_per_s
                    await asyncio.sleep(self._free_at - now)
                await self._whole.wait()
                if not data:
                    break
                writer.write(data)
                await writer.drain()
            writer.close()
        except OSError:
            self._reset(writer)
        self._writers.discard(writer)

    def _reset(self, writer: asyncio.StreamWriter) -> None:
        """Break a connection as a network does that went away under it."""
        self._writers.discard(writer)
        ours: socket.socket | None = writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            if ours is not None and not writer.transport.is_closing():
                ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        writer.transport.abort()


@contextlib.asynccontextmanager
async def cable_to(server_port: int) -> AsyncIterator[Cable]:
    """Lay a cable for the time of the block."""
    cable = Cable(server_port)
    await cable.mend()
    try:
        yield cable
    finally:
        await cable.cut()
