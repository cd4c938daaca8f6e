"""WAV files: which sound they hold, and that sound as mono samples. Plain PCM of 8, 16, 24 and 32 bits, and floats.

Sources: Microsoft's "Multiple channel audio data and WAVE files"; RFC 2361 for the numbers of compressed formats.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from captions.audio.samples import Encoding, mono

RATES: Final = range(8_000, 192_001)
MOST_CHANNELS: Final = 32
BLOCK_S: Final = 0.08

_RIFF: Final = struct.Struct("<4s4x4s")
_CHUNK: Final = struct.Struct("<4sI")
_FORMAT: Final = struct.Struct("<HHI4xHH")  # tag, channels, rate, bytes of one sample of all channels, bits of a sample
_SUB_FORMAT: Final = struct.Struct("<24xH")  # the sub-format's GUID starts with the plain tag

_PCM, _FLOAT, _EXTENSIBLE = 0x0001, 0x0003, 0xFFFE
_COMPRESSED: Final = {0x02: "ADPCM", 0x06: "A-law", 0x07: "mu-law", 0x11: "IMA ADPCM", 0x31: "GSM", 0x55: "MP3"}
_OTHER_FILES: Final = {
    (0, b"ID3"): "an MP3 file",
    (0, b"\xff\xfb"): "an MP3 file",
    (0, b"OggS"): "an Ogg file",
    (0, b"fLaC"): "a FLAC file",
    (4, b"ftyp"): "an MP4 file",
    (0, b"\x1a\x45\xdf\xa3"): "a WebM file",
    (0, b"RF64"): "an RF64 file",
}
# Programs that cannot go back to the header, or died before they did, leave one of these as the length of the sound.
_UNKNOWN_LENGTHS: Final = (0, 0xFFFFFFFF)


class WavError(ValueError):
    """The file cannot be played; the text is a sentence for the user, with what to do."""


@dataclass(frozen=True, slots=True)
class _Format:
    encoding: Encoding
    rate: int
    channels: int

    @property
    def align(self) -> int:
        """Bytes of one sample of all channels."""
        return self.channels * self.encoding.width


@dataclass(frozen=True, slots=True)
class Wav:
    """The sound of an opened WAV file: ``length`` bytes from ``start``."""

    file: BinaryIO
    format: _Format
    start: int
    length: int

    @property
    def rate(self) -> int:
        """Samples of a channel in a second."""
        return self.format.rate

    @property
    def length_s(self) -> float:
        """Seconds of sound."""
        return self.length / self.format.align / self.rate

    def blocks(self) -> Iterator[list[float]]:
        """Yield the sound from its first sample as mono samples (full scale 1.0), 80 ms at a time."""
        size = int(self.rate * BLOCK_S) * self.format.align
        self.file.seek(self.start)
        for at in range(0, self.length, size):
            data = self.file.read(min(size, self.length - at))
            if len(data) < min(size, self.length - at):
                raise WavError("The file was shortened while it was being played.")
            yield mono(data, self.format.encoding, self.format.channels)


def open_wav(file: BinaryIO, name: str) -> Wav:
    """Read the header of ``file`` (seekable), called ``name`` in messages; raises WavError."""
    head = file.read(_RIFF.size)
    if len(head) < _RIFF.size or _RIFF.unpack(head) != (b"RIFF", b"WAVE"):
        raise WavError(_no_wav(head, name))
    form: _Format | None = None
    for chunk, start, length, there in _chunks(file):
        if chunk == b"fmt ":
            file.seek(start)
            form = _format(file.read(min(length, there)), name)
        elif chunk == b"data" and form is not None:
            return _wav(file, form, start, there if length in _UNKNOWN_LENGTHS else length, there, name)
    raise WavError(f"{name} is cut off: it ends before its sound begins. Copy or export it again.")


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int, int]]:
    """Yield (name, start, length as written, bytes that are there) of each chunk."""
    size = file.seek(0, 2)
    at = _RIFF.size
    while at + _CHUNK.size <= size:
        file.seek(at)
        chunk, length = _CHUNK.unpack(file.read(_CHUNK.size))
        at += _CHUNK.size
        yield chunk, at, length, size - at
        at += length + length % 2  # chunks start at even bytes


def _format(data: bytes, name: str) -> _Format:
    if len(data) < _FORMAT.size:
        raise WavError(f"{name} is damaged: the description of its format is cut off.")
    tag, channels, rate, align, bits = _FORMAT.unpack_from(data)
    if tag == _EXTENSIBLE and len(data) >= _SUB_FORMAT.size:
        (tag,) = _SUB_FORMAT.unpack_from(data)
    if tag not in (_PCM, _FLOAT):
        kind = _COMPRESSED.get(tag, f"format 0x{tag:04x}")
        raise WavError(f"{name} is compressed ({kind}). Make it plain PCM first: {_convert(name)}")
    if rate not in RATES:
        raise WavError(f"{name} is recorded at {rate} Hz. Rates from {RATES[0]} to {RATES[-1]} Hz can be used.")
    if not 1 <= channels <= MOST_CHANNELS:
        raise WavError(f"{name} has {channels} channels. 1 to {MOST_CHANNELS} can be used.")
    try:
        form = _Format(Encoding(is_float=tag == _FLOAT, width=(bits + 7) // 8), rate, channels)
    except ValueError:
        what = "floating-point " if tag == _FLOAT else ""
        raise WavError(f"{name} has {what}samples of {bits} bits. Convert it: {_convert(name)}") from None
    if align != form.align:
        raise WavError(f"{name} is damaged: the description of its format contradicts itself.")
    return form


def _wav(file: BinaryIO, form: _Format, start: int, length: int, there: int, name: str) -> Wav:  # noqa: PLR0917
    if length > there:
        should, does = (count / form.align / form.rate for count in (length, there))
        raise WavError(
            f"{name} is cut off: it should hold {should:.1f} s of sound, but ends after {does:.1f} s. "
            "Copy or export it again."
        )
    if length < form.align:
        raise WavError(f"{name} holds no sound.")
    return Wav(file, form, start, length - length % form.align)


def _no_wav(head: bytes, name: str) -> str:
    if not head:
        return f"{name} is empty."
    kind = next((kind for (at, magic), kind in _OTHER_FILES.items() if head[at:].startswith(magic)), None)
    if kind is None:
        return f"{name} is not a WAV file. If it holds sound of another kind, convert it: {_convert(name)}"
    return f"{name} is {kind}, not a WAV file. Convert it: {_convert(name)}"


def _convert(name: str) -> str:
    return f'ffmpeg -i "{name}" -ac 1 -ar 24000 -c:a pcm_s16le speech.wav'
