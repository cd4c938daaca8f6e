"""What a speaker plays: a WAV file, or raw PCM from a pipe, as 80 ms pieces of 24 kHz 16-bit mono."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Final

from captions.audio.frames import SAMPLE_BYTES, SAMPLE_RATE, cut
from captions.audio.resample import resampled
from captions.audio.samples import S16, mono, to_s16
from captions.audio.wav import WavError, open_wav

SAMPLE: Final = Path(__file__).parent / "sample" / "minute.wav"
"""A minute of clear English speech that ships with the project; its origin and licence stand beside it."""

_READ_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True)
class Recording:
    """``pcm`` yields 80 ms pieces; reading may block. ``length_s`` is None for a pipe, which ends when it ends."""

    pcm: Iterator[bytes]
    length_s: float | None


def read_wav(file: BinaryIO, name: str) -> Recording:
    """Return the sound of a WAV file, called ``name`` in messages; raises WavError."""
    wav = open_wav(file, name)
    blocks = resampled(wav.blocks(), wav.rate, SAMPLE_RATE)
    return Recording(cut(map(to_s16, blocks)), wav.length_s)


def read_raw(file: BufferedReader, rate: int = SAMPLE_RATE) -> Recording:
    """Return raw 16-bit mono PCM at ``rate`` Hz as it arrives; raises WavError (when read) for a WAV file."""
    if rate == SAMPLE_RATE:
        return Recording(cut(_arriving(file)), None)
    blocks = resampled((mono(block, S16) for block in _whole_samples(file)), rate, SAMPLE_RATE)
    return Recording(cut(map(to_s16, blocks)), None)


def _arriving(file: BufferedReader) -> Iterator[bytes]:
    """Yield bytes as soon as there are some."""
    for number, block in enumerate(iter(partial(file.read1, _READ_BYTES), b"")):
        if number == 0 and block.startswith((b"RIFF", b"RF64")):
            raise WavError("Standard input holds a WAV file, where raw PCM belongs. Give the file's name instead of -.")
        yield block


def _whole_samples(file: BufferedReader) -> Iterator[bytes]:
    half = b""
    for block in _arriving(file):
        data = half + block
        whole = len(data) // SAMPLE_BYTES * SAMPLE_BYTES
        half = data[whole:]
        yield data[:whole]
