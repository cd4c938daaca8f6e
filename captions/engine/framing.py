"""A request's audio messages to PCM frames of 80 ms, from raw PCM or a WAV file. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from captions.gradium.setup import FRAME_S

_SAMPLE_BYTES: Final = 2
_RIFF: Final = struct.Struct("<4sI4s")
_CHUNK: Final = struct.Struct("<4sI")
_FORMAT: Final = struct.Struct("<HHIIHH")
_PCM: Final = 1
_MAX_HEADER_BYTES: Final = 64 * 1024
"""What may stand before a WAV file's audio; more is no sensible file."""


class AudioError(ValueError):
    """Audio the engine cannot take. The message says why."""


class WavReader:
    """Reads a WAV file as it arrives: PCM (format 1) of 16, 24 or 32 bits, whose first channel is used.

    Sizes in the header are not trusted: a streamed file often holds 0 or the largest number. All that follows the
    header of the ``data`` chunk is audio.
    """

    def __init__(self) -> None:
        self.sample_rate: int | None = None
        """Samples per second; None until the header has been read."""
        self._header = b""
        self._rest = b""
        self._channels = 1
        self._bytes = _SAMPLE_BYTES

    def read(self, data: bytes) -> bytes:
        """Take the next bytes of the file; return 16-bit mono PCM. Raises AudioError."""
        if self.sample_rate is None:
            self._header += data
            start = self._read_header()
            if start is None:
                if len(self._header) > _MAX_HEADER_BYTES:
                    raise AudioError("The WAV file's audio does not begin within its first 64 KiB.")
                return b""
            data, self._header = self._header[start:], b""
        size = self._bytes * self._channels
        data = self._rest + data
        end = len(data) - len(data) % size
        self._rest = data[end:]
        # The two most significant bytes of each first channel's sample.
        pcm = bytearray(end // size * _SAMPLE_BYTES)
        pcm[0::2] = data[self._bytes - 2 : end : size]
        pcm[1::2] = data[self._bytes - 1 : end : size]
        return bytes(pcm)

    def _read_header(self) -> int | None:
        """Return where the audio begins; None while the header is not complete."""
        header = self._header
        if len(header) < _RIFF.size:
            return None
        riff, _, wave = _RIFF.unpack_from(header)
        if riff != b"RIFF" or wave != b"WAVE":
            raise AudioError("The audio was announced as wav, but does not begin like a WAV file.")
        offset, rate = _RIFF.size, None
        while len(header) >= offset + _CHUNK.size:
            name, size = _CHUNK.unpack_from(header, offset)
            offset += _CHUNK.size
            if name == b"data":
                if rate is None:
                    raise AudioError("The WAV file does not say its format before its audio.")
                self.sample_rate = rate
                return offset
            if name == b"fmt ":
                if size < _FORMAT.size:
                    raise AudioError("The WAV file's format is too short.")
                if len(header) < offset + size:
                    return None
                rate = self._read_format(offset)
            offset += size + size % 2
        return None

    def _read_format(self, offset: int) -> int:
        coding, channels, rate, _, _, bits = _FORMAT.unpack_from(self._header, offset)
        if coding != _PCM or bits not in (16, 24, 32) or not channels:
            raise AudioError(
                f"A WAV file must be PCM (format 1) of 16, 24 or 32 bits, not format {coding} of {bits} bits."
            )
        self._channels, self._bytes = channels, bits // 8
        return int(rate)


class Framer:
    """Cuts PCM into pieces that end where a frame of 80 ms ends."""

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self._frame = round(sample_rate * FRAME_S) * _SAMPLE_BYTES
        self._held = b""
        self._taken = 0

    @property
    def audio_s(self) -> float:
        """Seconds of audio handed on."""
        return self._taken / _SAMPLE_BYTES / self.sample_rate

    def cut(self, pcm: bytes) -> Iterator[bytes]:
        """Take audio; hand on the pieces that complete a frame, counting each as it goes; the rest waits."""
        held, offset = self._held + pcm, 0
        while len(held) - offset >= (size := self._frame - self._taken % self._frame):
            self._taken += size
            yield held[offset : offset + size]
            offset += size
        self._held = held[offset:]

    def rest(self) -> bytes:
        """Return the begun frame (whole samples), for a recogniser that must decide on all audio now."""
        end = len(self._held) - len(self._held) % _SAMPLE_BYTES
        rest, self._held = self._held[:end], self._held[end:]
        self._taken += end
        return rest
