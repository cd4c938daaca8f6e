from __future__ import annotations

import io
import struct
import wave

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from captions.engine.framing import AudioError, Framer, WavReader


def pieces_of(data: bytes, sizes: list[int]) -> list[bytes]:
    """Cut ``data`` at these sizes, over and over."""
    pieces, at, turn = [], 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        pieces.append(data[at : at + size])
        at, turn = at + size, turn + 1
    return pieces


def wav_file(pcm: bytes, *, rate: int = 16_000, channels: int = 1, width: int = 2) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(channels)
        wav.setsampwidth(width)
        wav.setframerate(rate)
        wav.writeframes(pcm)
    return file.getvalue()


sizes = st.lists(st.integers(1, 5000), min_size=1, max_size=8)


@settings(deadline=None)
@given(st.binary(max_size=20_000), sizes, st.sampled_from([8_000, 16_000, 22_050, 24_000]))
def test_frames_hold_every_byte_once_and_are_80_ms_long(pcm, sizes, rate):
    framer = Framer(rate)
    frames = [frame for piece in pieces_of(pcm, sizes) for frame in framer.cut(piece)]
    assert {len(frame) for frame in frames} <= {2 * round(rate * 0.08)}
    rest = framer.rest()
    assert b"".join([*frames, rest]) == pcm[: len(pcm) - len(pcm) % 2]
    assert framer.audio_s == pytest.approx(len(pcm) // 2 / rate)


def test_after_a_flush_frames_end_where_they_would_have_ended_without():
    framer = Framer(24_000)
    assert [len(frame) for frame in framer.cut(bytes(5000))] == [3840]
    assert len(framer.rest()) == 1160
    assert [len(frame) for frame in framer.cut(bytes(3840 + 2680))] == [2680, 3840]


@settings(deadline=None)
@given(st.lists(st.integers(-32768, 32767), max_size=2000), sizes, st.sampled_from([2, 3, 4]), st.integers(1, 3))
def test_a_wav_file_in_any_pieces_gives_its_first_channel(samples, sizes, width, channels):
    pcm = struct.pack(f"<{len(samples)}h", *samples)
    # The first channel holds the samples in its two upper bytes, what is below and beside it is noise.
    frame = b"".join(
        bytes([7] * (width - 2)) + pcm[2 * i : 2 * i + 2] + bytes([9] * width * (channels - 1))
        for i in range(len(samples))
    )
    reader = WavReader()
    data = b"".join(reader.read(piece) for piece in pieces_of(wav_file(frame, channels=channels, width=width), sizes))
    assert data == pcm
    assert reader.sample_rate == 16_000


def test_chunks_before_the_audio_are_skipped_and_sizes_not_trusted():
    head = struct.pack("<4sI4s", b"RIFF", 0xFFFFFFFF, b"WAVE") + struct.pack("<4sI", b"LIST", 3) + b"abc\0"
    head += struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 24_000, 48_000, 2, 16) + struct.pack("<4sI", b"data", 0)
    assert WavReader().read(head + b"\1\2\3\4") == b"\1\2\3\4"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"OggS" + bytes(40), "does not begin like a WAV file"),
        (wav_file(b"\x80" * 100, width=1), "16, 24 or 32 bits"),
        (wav_file(bytes(100)).replace(b"\x01\x00\x01\x00", b"\x03\x00\x01\x00", 1), "not format 3"),
        (struct.pack("<4sI4s4sI", b"RIFF", 0, b"WAVE", b"data", 0), "does not say its format"),
        (struct.pack("<4sI4s4sI", b"RIFF", 0, b"WAVE", b"junk", 1 << 20) + bytes(70_000), "first 64 KiB"),
    ],
)
def test_a_file_that_cannot_be_heard_is_refused_in_words(data, says):
    with pytest.raises(AudioError, match=says):
        WavReader().read(data)
