"""WAV files made for tests."""

from __future__ import annotations

import struct


def chunk(name: bytes, data: bytes, length: int | None = None) -> bytes:
    return name + struct.pack("<I", len(data) if length is None else length) + data + b"\0" * (len(data) % 2)


def fmt(tag: int = 1, channels: int = 1, rate: int = 24_000, bits: int = 16, align: int | None = None) -> bytes:
    align = channels * (bits // 8) if align is None else align
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, rate, rate * align, align, bits))


def extensible(tag: int, channels: int = 1, rate: int = 24_000, bits: int = 16) -> bytes:
    align = channels * bits // 8
    guid = struct.pack("<H", tag) + bytes.fromhex("0000000010008000 00aa00389b71")
    return chunk(
        b"fmt ", struct.pack("<HHIIHHHHI", 0xFFFE, channels, rate, rate * align, align, bits, 22, bits, 0) + guid
    )


def riff(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def wav(pcm: bytes, *, rate: int = 24_000, channels: int = 1) -> bytes:
    """A plain 16-bit WAV file."""
    return riff(fmt(rate=rate, channels=channels), chunk(b"data", pcm))
