"""WebSocket frames by hand (RFC 6455), as lean as a load needs: whole messages, neither fragments nor extensions. Pure.

The libraries check and copy what we do not look at. The load must cost well under what is measured.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Final

TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_END_OF_HEAD: Final = b"\r\n\r\n"


def upgrade_request(host: str, path: str) -> bytes:
    """Return a client's first bytes."""
    key = base64.b64encode(bytes(16)).decode()
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def upgrade_answer(head: bytes) -> bytes:
    """Return the answer to a client's request; raises StopIteration if it is none for a WebSocket."""
    lines = (line.partition(b":") for line in head.split(b"\r\n"))
    key = next(value.strip() for name, _, value in lines if name.lower() == b"sec-websocket-key")
    accept = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    return head + b"Sec-WebSocket-Accept: " + accept + _END_OF_HEAD


def frame(opcode: int, payload: bytes, *, masked: bool = False) -> bytes:
    """Return a frame of at most 64 KiB. A client's is ``masked``: with zeros, which leave the payload as it is."""
    size = len(payload)
    mask_bit, mask = (0x80, bytes(4)) if masked else (0, b"")
    if size < 126:  # noqa: PLR2004 - of the RFC
        return bytes((0x80 | opcode, mask_bit | size)) + mask + payload
    return bytes((0x80 | opcode, mask_bit | 126)) + size.to_bytes(2, "big") + mask + payload


def unmask(mask: bytes, part: bytes, at: int = 0) -> bytes:
    """Return bytes of a payload in clear; ``at`` is where they stand in it."""
    return bytes(byte ^ mask[(at + place) & 3] for place, byte in enumerate(part))


class Reader:
    """Cuts what a socket brings into frames."""

    def __init__(self) -> None:
        self._buffer = b""

    def head(self, data: bytes) -> bytes | None:
        """Take the first bytes of a connection; return its HTTP head once it is whole."""
        head, end, rest = (self._buffer + data).partition(_END_OF_HEAD)
        self._buffer = rest if end else head
        return head if end else None

    def frames(self, data: bytes = b"") -> Iterator[tuple[int, bytes, bytes]]:
        """Take more bytes; yield whole frames as (opcode, mask or nothing, payload as it came)."""
        buffer = self._buffer + data if self._buffer else data
        at = 0
        while len(buffer) >= at + 2:
            size, body = buffer[at + 1] & 0x7F, at + 2
            if size == 126:  # noqa: PLR2004 - of the RFC
                size, body = int.from_bytes(buffer[body : body + 2], "big"), body + 2
            elif size == 127:  # noqa: PLR2004 - of the RFC
                size, body = int.from_bytes(buffer[body : body + 8], "big"), body + 8
            mask = b""
            if buffer[at + 1] & 0x80:
                mask, body = buffer[body : body + 4], body + 4
            if len(buffer) < body + size:
                break
            yield buffer[at] & 0x0F, mask, buffer[body : body + size]
            at = body + size
        self._buffer = buffer[at:]
