import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captions.audio.frames import Frame, cut


@given(st.lists(st.binary(max_size=50), max_size=20), st.integers(1, 30))
def test_cutting_keeps_every_whole_sample(blocks, samples):
    pieces = list(cut(blocks, samples))
    whole = b"".join(blocks)
    assert b"".join(pieces) == whole[: len(whole) // 2 * 2]
    assert all(len(piece) == 2 * samples for piece in pieces[:-1])


@given(st.integers(0, 2**63), st.binary(max_size=100).map(lambda pcm: pcm[: len(pcm) // 2 * 2]), st.integers(0, 60))
def test_a_frame_survives_the_wire_and_can_lose_its_head(index, pcm, skip):
    frame = Frame(index, pcm)
    assert frame.encode() == struct.pack("<Q", index) + pcm
    assert Frame.decode(frame.encode()) == frame
    rest = frame.since(index + skip)
    assert rest.pcm == pcm[2 * skip :]
    assert rest.index == index + skip
    assert frame.since(max(0, index - skip)) == frame


@pytest.mark.parametrize("data", [b"", b"1234567", b"12345678x"])
def test_broken_frames_are_refused(data):
    with pytest.raises(ValueError, match=r"shorter|odd"):
        Frame.decode(data)
