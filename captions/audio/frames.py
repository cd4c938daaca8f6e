"""The binary frames of the speaker socket: 80 ms of 16-bit mono PCM behind the index of the first sample."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Self

SAMPLE_RATE: Final = 24_000
FRAME_SAMPLES: Final = SAMPLE_RATE * 80 // 1000
SAMPLE_BYTES: Final = 2

_HEADER: Final = struct.Struct("<Q")


@dataclass(frozen=True, slots=True)
class Frame:
    """``pcm`` (16-bit little-endian mono) whose first sample is number ``index`` of its stream."""

    index: int
    pcm: bytes

    @property
    def end(self) -> int:
        """Return the index of the sample after the last one."""
        return self.index + len(self.pcm) // SAMPLE_BYTES

    def since(self, index: int) -> Self:
        """Return the frame without its samples before ``index``."""
        skip = max(0, index - self.index)
        return type(self)(self.index + skip, self.pcm[skip * SAMPLE_BYTES :]) if skip else self

    def encode(self) -> bytes:
        """Return the frame as the socket carries it."""
        return _HEADER.pack(self.index) + self.pcm

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a frame; raises ValueError when it is shorter than the header or ends within a sample."""
        if len(data) < _HEADER.size:
            raise ValueError("shorter than the sample index")
        if (len(data) - _HEADER.size) % SAMPLE_BYTES:
            raise ValueError("an odd number of audio bytes")
        return cls(_HEADER.unpack_from(data)[0], data[_HEADER.size :])


def cut(blocks: Iterable[bytes], samples: int = FRAME_SAMPLES) -> Iterator[bytes]:
    """Yield PCM in blocks of any size as pieces of ``samples`` samples; the last may be shorter."""
    size = samples * SAMPLE_BYTES
    kept = bytearray()
    for block in blocks:
        kept += block
        while len(kept) >= size:
            yield bytes(kept[:size])
            del kept[:size]
    if whole := len(kept) // SAMPLE_BYTES * SAMPLE_BYTES:
        yield bytes(kept[:whole])
