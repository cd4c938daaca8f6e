from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captions.audio.frames import Frame
from captions.speaking.ring import Mark, Ring


def numbered(start: int, count: int) -> bytes:
    """PCM whose every sample tells its number."""
    return b"".join((number % 65_536).to_bytes(2, "little") for number in range(start, start + count))


def rest(ring: Ring) -> Iterator[Frame | Mark]:
    while (item := ring.peek()) is not None:
        ring.take()
        yield item


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 50)),
        st.tuples(st.just("send"), st.integers(1, 5)),
        st.tuples(st.just("ack"), st.floats(0, 1)),
        st.tuples(st.just("rewind"), st.floats(0, 1)),
    ),
    max_size=60,
)


@given(STEPS)
def test_whatever_is_acked_and_lost_in_between_every_sample_arrives_once_and_in_order(steps):
    """A server that keeps what it got up to ``heard``, acks some of it, and after a crash knows only what it acked."""
    ring = Ring(capacity=10_000)
    heard = bytearray()
    acked = 0

    def send() -> None:
        item = ring.peek()
        if isinstance(item, Frame):
            ring.take()
            assert item.index == len(heard) // 2, "a jump or a repetition"
            heard.extend(item.pcm)

    for step, value in steps:
        if step == "add" and ring.room >= value:
            ring.add(numbered(ring.next_sample, int(value)))
        elif step == "send":
            for _ in range(int(value)):
                send()
        elif step == "ack":
            acked += int((len(heard) // 2 - acked) * value)
            ring.ack(acked)
        elif step == "rewind":
            known = acked + int((len(heard) // 2 - acked) * value)
            del heard[known * 2 :]
            ring.rewind(known)
    while ring.peek() is not None:
        send()
    assert bytes(heard) == numbered(0, ring.next_sample)
    ring.ack(ring.next_sample)
    assert (ring.kept, ring.unsent, ring.acked) == (0, 0, ring.next_sample)


def test_what_is_not_acked_is_never_given_up():
    ring = Ring(capacity=100)
    ring.add(bytes(160))
    assert ring.room == 20
    with pytest.raises(OverflowError):
        ring.add(bytes(60))
    ring.ack(80)
    ring.add(bytes(60))


def test_an_ack_beyond_what_was_captured_changes_nothing_that_comes_later():
    ring = Ring()
    ring.add(numbered(0, 10))
    ring.ack(10_000)
    ring.rewind(10_000)
    ring.add(numbered(10, 10))
    assert list(rest(ring)) == [Frame(10, numbered(10, 10))]


def test_after_a_lost_connection_a_pause_is_said_again_where_it_was():
    ring = Ring()
    ring.add(numbered(0, 10))
    ring.mark("pause")
    said = [Frame(0, numbered(0, 10)), Mark(10, "pause")]
    assert list(rest(ring)) == said
    ring.ack(10)
    ring.rewind(10)
    assert list(rest(ring)) == said[1:]

    ring.mark("resume", skip=500)
    ring.add(numbered(510, 10))
    later = [Mark(510, "resume"), Frame(510, numbered(510, 10))]
    assert list(rest(ring)) == later
    ring.rewind(10)
    assert list(rest(ring)) == said[1:] + later
    ring.rewind(515)
    assert list(rest(ring)) == [Frame(515, numbered(515, 5))]
    ring.ack(520)
    ring.mark("end")
    ring.rewind(520)
    assert list(rest(ring)) == [Mark(520, "end")]
    ring.rewind(520)
    assert list(rest(ring)) == [Mark(520, "end")]
