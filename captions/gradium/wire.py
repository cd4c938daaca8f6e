"""The WebSocket of a session: websockets' connection with a short way for messages, which are small.

25 messages a second pass here for every live room. websockets keeps frames in a queue until an assembler joins them and
puts a context manager around each message sent, which costs more than all else that is done with one. The handshake,
pings, the closing and all checks of the protocol stay websockets' own.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from typing import Any, Final

from websockets.asyncio.client import ClientConnection
from websockets.frames import DATA_OPCODES, Frame, Opcode
from websockets.protocol import Event, State

try:
    from websockets.speedups import apply_mask
except ImportError:  # where its C extension is missing
    from websockets.utils import apply_mask

_SHORT: Final = 126  # sizes below stand in the second byte (RFC 6455, 5.2)
_LONG: Final = 1 << 16
_MASK_POOL: Final = 4096


class Wire(ClientConnection):
    """Messages are taken with ``receive`` and sent with ``send_text`` or ``send_now``, and in no other way."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - websockets' own
        super().__init__(*args, **kwargs)
        self._incoming: deque[str | bytes] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._reading_paused = False
        self._is_text = True
        self._parts: list[bytes] = []
        self._masks = b""
        self._mask_at = 0

    # Receiving -----------------------------------------------------------------------------------------------------

    async def receive(self) -> str | bytes:
        """Return the next message; one that is no UTF-8 comes as bytes, too. Raises ConnectionClosed."""
        while not self._incoming:
            if self.protocol.state is State.CLOSED:
                raise self.protocol.close_exc
            self._waiter = self.loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        message = self._incoming.popleft()
        if self._reading_paused and not self._incoming:
            self._reading_paused = False
            self.transport.resume_reading()
        return message

    def process_event(self, event: Event) -> None:
        """Keep whole messages for ``receive``; the rest is websockets' affair."""
        if not isinstance(event, Frame) or event.opcode not in DATA_OPCODES:
            super().process_event(event)
            return
        if event.opcode is not Opcode.CONT:
            self._is_text = event.opcode is Opcode.TEXT
        data = bytes(event.data)
        if self._parts or not event.fin:
            self._parts.append(data)
            if not event.fin:
                return
            data, self._parts = b"".join(self._parts), []
        try:
            self._incoming.append(str(data, "utf-8") if self._is_text else data)
        except UnicodeDecodeError:
            self._incoming.append(data)
        if self.max_queue_high is not None and len(self._incoming) > self.max_queue_high and not self._reading_paused:
            self._reading_paused = True
            self.transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let ``receive`` know."""
        super().connection_lost(exc)
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def close(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - websockets' own
        """Close; what was not received is dropped, so that the other side's answer comes through."""
        self.max_queue_high = None
        self._incoming.clear()
        if self._reading_paused:
            self._reading_paused = False
            self.transport.resume_reading()
        await super().close(*args, **kwargs)

    # Sending -------------------------------------------------------------------------------------------------------

    def send_now(self, payload: bytes) -> bool:
        """Send a text message, which is UTF-8; False, and nothing is sent, while the network is slow or once closed."""
        if self.paused or self.protocol.state is not State.OPEN:
            return False
        size = len(payload)
        if size < _SHORT:
            head = bytes((0x81, 0x80 | size))
        elif size < _LONG:
            head = b"\x81\xfe" + size.to_bytes(2, "big")
        else:
            head = b"\x81\xff" + size.to_bytes(8, "big")
        mask = self._mask()
        self.transport.write(head + mask + apply_mask(payload, mask))
        return True

    async def send_text(self, payload: bytes) -> None:
        """Send a text message, which is UTF-8; waits while the network is slow. Raises ConnectionClosed."""
        while not self.send_now(payload):
            if self.protocol.state is not State.OPEN:
                await self.send(payload, text=True)  # raises, once the connection is closed indeed
                return
            await self.drain()

    def _mask(self) -> bytes:
        """Return four random bytes, as the protocol wants them; the system is asked for many at a time."""
        if self._mask_at >= len(self._masks):
            self._masks, self._mask_at = os.urandom(_MASK_POOL), 0
        self._mask_at += 4
        return self._masks[self._mask_at - 4 : self._mask_at]
