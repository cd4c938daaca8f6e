"""Samples between bytes and numbers. Numbers are floats with full scale 1.0; bytes are little-endian."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from operator import add
from typing import Final

_SIGN_FLIP: Final = bytes(value ^ 0x80 for value in range(256))
_TYPECODES: Final = {(False, 1): "b", (False, 2): "h", (False, 3): "i", (False, 4): "i", (True, 4): "f", (True, 8): "d"}


@dataclass(frozen=True, slots=True)
class Encoding:
    """How one sample is written: signed integers of ``width`` bytes (1 byte: offset by 128, as in WAV), or floats."""

    is_float: bool
    width: int

    def __post_init__(self) -> None:
        if (self.is_float, self.width) not in _TYPECODES:
            raise ValueError(f"no samples of {self.width} bytes, float={self.is_float}")


S16: Final = Encoding(is_float=False, width=2)
_S24: Final = Encoding(is_float=False, width=3)


def mono(data: bytes, encoding: Encoding, channels: int = 1) -> list[float]:
    """Return the mean of the channels of interleaved ``data`` (whole samples of all channels)."""
    values = _numbers(data, encoding)
    full_scale = 1.0 if encoding.is_float else 2.0 ** (8 * values.itemsize - 1)
    summed: Sequence[float] = values[::channels]
    for channel in range(1, channels):
        summed = list(map(add, summed, values[channel::channels]))
    return list(map((1.0 / (full_scale * channels)).__mul__, map(float, summed)))


def to_s16(samples: Sequence[float]) -> bytes:
    """Return ``samples`` as 16-bit PCM, rounded; what is too loud is cut at full scale, what is no number is silent."""
    try:
        values = array("h", map(round, map((32768.0).__mul__, samples)))
    except (OverflowError, ValueError):  # a value out of range, an infinity or NaN: rare, so checked only then
        values = array("h", [round(32768.0 * max(-1.0, min(32767 / 32768, x))) if x == x else 0 for x in samples])  # noqa: PLR0124
    return _swapped(values).tobytes()


def _numbers(data: bytes, encoding: Encoding) -> array[int] | array[float]:
    if not encoding.is_float and encoding.width == 1:
        data = data.translate(_SIGN_FLIP)
    elif encoding == _S24:  # read as the upper three bytes of 32 bits
        wide = bytearray(len(data) // 3 * 4)
        wide[1::4], wide[2::4], wide[3::4] = data[0::3], data[1::3], data[2::3]
        data = bytes(wide)
    return _swapped(array(_TYPECODES[encoding.is_float, encoding.width], data))


def _swapped(values: array[int] | array[float]) -> array[int] | array[float]:
    if sys.byteorder == "big":
        values.byteswap()
    return values
