import contextlib
import io
import struct
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captions.audio.recording import read_raw, read_wav
from captions.audio.wav import WavError, open_wav
from tests.audio.wavs import chunk, extensible, fmt, riff, wav

TONE = (0.0, 0.5, -0.5, 0.25, -1.0, 0.75)


def samples(data: bytes) -> list[float]:
    return [x for block in open_wav(io.BytesIO(data), "talk.wav").blocks() for x in block]


def encoded(bits: int, values=TONE) -> bytes:
    full = 1 << bits - 1
    if bits == 8:
        return bytes(round(x * full) + 128 for x in values)
    return b"".join(round(x * full).to_bytes(bits // 8, "little", signed=True) for x in values)


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
def test_whole_numbers_of_every_width_are_read_exactly(bits):
    data = chunk(b"data", encoded(bits))
    assert samples(riff(fmt(bits=bits), data)) == list(TONE)
    assert samples(riff(extensible(1, bits=bits), data)) == list(TONE)


@pytest.mark.parametrize(("bits", "code"), [(32, "f"), (64, "d")])
def test_floats_are_read_exactly(bits, code):
    data = chunk(b"data", struct.pack(f"<6{code}", *TONE))
    assert samples(riff(fmt(tag=3, bits=bits), data)) == list(TONE)
    assert samples(riff(extensible(3, bits=bits), data)) == list(TONE)


@pytest.mark.parametrize("channels", [2, 3, 6])
def test_channels_are_averaged(channels):
    left = [x * channels for x in (0.0, 0.125, -0.125, 0.0625)]
    interleaved = [y for x in left for y in (x, *[0.0] * (channels - 1))]
    data = riff(fmt(channels=channels), chunk(b"data", encoded(16, interleaved)))
    assert samples(data) == pytest.approx([0.0, 0.125, -0.125, 0.0625])


def test_other_chunks_before_the_sound_are_passed_over_and_those_after_it_are_not_played():
    data = riff(
        chunk(b"LIST", b"odd"), fmt(), chunk(b"fact", b"1234"), chunk(b"data", encoded(16)), chunk(b"id3 ", b"x" * 40)
    )
    assert samples(data) == list(TONE)


@pytest.mark.parametrize("length", [0, 0xFFFFFFFF])
def test_a_header_that_was_never_completed_means_until_the_end(length):
    assert samples(riff(fmt(), chunk(b"data", encoded(16), length))) == list(TONE)


def test_loud_floats_are_cut_and_broken_ones_are_silent():
    data = riff(fmt(tag=3, bits=32), chunk(b"data", struct.pack("<5f", 2.0, -3.0, float("nan"), float("inf"), 0.5)))
    assert array("h", b"".join(read_wav(io.BytesIO(data), "x").pcm)).tolist() == [32767, -32768, 0, 32767, 16384]


@given(pcm=st.binary(max_size=9_000), channels=st.just(1))
def test_24_khz_16_bit_mono_comes_out_as_it_is(pcm, channels):
    pcm = pcm[: len(pcm) // 2 * 2]
    if pcm:
        recording = read_wav(io.BytesIO(wav(pcm, channels=channels)), "x")
        pieces = list(recording.pcm)
        assert b"".join(pieces) == pcm
        assert all(len(piece) == 3840 for piece in pieces[:-1])
        assert recording.length_s == pytest.approx(len(pcm) / 48_000)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "talk.wav is empty."),
        (b"hello, this is a text file", "talk.wav is not a WAV file."),
        (b"ID3\x04" + b"\0" * 60, "talk.wav is an MP3 file, not a WAV file. Convert it: ffmpeg"),
        (b"OggS" + b"\0" * 60, "talk.wav is an Ogg file"),
        (b"\0\0\0 ftypM4A " + b"\0" * 60, "talk.wav is an MP4 file"),
        (b"RIFF\0\0\0\0AVI " + b"\0" * 60, "talk.wav is not a WAV file."),
        (riff(fmt(tag=7, bits=8), chunk(b"data", b"1234")), "talk.wav is compressed (mu-law)."),
        (riff(extensible(0x1234), chunk(b"data", b"1234")), "talk.wav is compressed (format 0x1234)."),
        (riff(fmt()), "talk.wav is cut off: it ends before its sound begins."),
        (riff(fmt())[:30], "talk.wav is damaged"),
        (riff(fmt(), chunk(b"data", bytes(48_000), 96_000)), "it should hold 2.0 s of sound, but ends after 1.0 s."),
        (riff(fmt(), chunk(b"data", b"")), "talk.wav holds no sound."),
        (riff(fmt(channels=0), chunk(b"data", b"1234")), "talk.wav has 0 channels."),
        (riff(fmt(rate=4000), chunk(b"data", b"1234")), "talk.wav is recorded at 4000 Hz."),
        (riff(fmt(bits=40), chunk(b"data", b"1234")), "talk.wav has samples of 40 bits."),
        (riff(fmt(tag=3, bits=16), chunk(b"data", b"1234")), "talk.wav has floating-point samples of 16 bits."),
        (riff(fmt(align=3), chunk(b"data", b"1234")), "talk.wav is damaged"),
    ],
)
def test_what_cannot_be_played_is_said_in_a_sentence(data, sentence):
    with pytest.raises(WavError) as caught:
        open_wav(io.BytesIO(data), "talk.wav")
    assert sentence in str(caught.value)
    assert str(caught.value).startswith("talk.wav ")


@given(st.binary(max_size=200), st.integers(0, 200), st.binary(max_size=8))
def test_damage_anywhere_is_played_or_refused_but_never_a_crash(tail, at, junk):
    data = bytearray(riff(fmt(channels=2), chunk(b"data", tail)))
    data[at : at + len(junk)] = junk
    with contextlib.suppress(WavError):
        list(read_wav(io.BytesIO(bytes(data)), "x").pcm)


class Pipe(io.RawIOBase):
    """Hands out what was written in the very pieces it was written in."""

    def __init__(self, pieces):
        self.pieces = [piece for piece in pieces if piece]

    def readable(self):
        return True

    def readinto(self, buffer):
        if not self.pieces:
            return 0
        piece = self.pieces.pop(0)
        buffer[: len(piece)] = piece
        return len(piece)


@given(st.lists(st.binary(max_size=5_000), max_size=6), st.sampled_from([24_000, 8_000]))
def test_raw_pcm_may_arrive_in_pieces_of_any_size(pieces, rate):
    pcm = b"".join(pieces)
    if pcm[:4] in (b"RIFF", b"RF64"):
        return
    got = b"".join(read_raw(io.BufferedReader(Pipe(pieces), 65_536), rate).pcm)
    assert len(got) == len(pcm) // 2 * 2 * (24_000 // rate)
    if rate == 24_000:
        assert got == pcm[: len(got)]


def test_a_wav_file_on_standard_input_is_said_in_a_sentence():
    recording = read_raw(io.BufferedReader(Pipe([wav(bytes(4_000))])))
    with pytest.raises(WavError, match="Standard input holds a WAV file"):
        next(recording.pcm)
