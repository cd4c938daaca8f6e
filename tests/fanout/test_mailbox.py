from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captions.fanout.mailbox import MAX_CHARS, MAX_FRAMES, Mailbox, MailboxClosedError, ReaderTooSlowError

# True: a final; False: an interim; None: the reader takes one.
steps = st.lists(st.sampled_from((True, False, False, None)), max_size=80)


def take(mailbox: Mailbox) -> str:
    """Take a frame that must be there already."""
    coroutine = mailbox.take()
    with pytest.raises(StopIteration) as taken:
        coroutine.send(None)
    return str(taken.value.value)


@given(steps)
def test_a_slow_reader_gets_every_final_in_order_and_the_newest_interim(steps):
    mailbox, put, got, waiting, seq = Mailbox(), [], [], 0, 1
    for number, step in enumerate(steps):
        if step is None:
            if mailbox._frames:
                got.append(take(mailbox))
            continue
        frame = f"{'final' if step else 'interim'} {seq} {number}"
        mailbox.put(frame, interim_of=0 if step else seq)
        put.append(frame)
        seq += step
        waiting = sum(1 for waits in mailbox._frames if waits[1])
        assert waiting <= seq, "of each segment one interim waits at most"
    got += mailbox.rest()
    finals = [frame for frame in put if frame.startswith("final")]
    assert [frame for frame in got if frame.startswith("final")] == finals
    assert got == [frame for frame in put if frame in got], "what comes, comes in order and once"
    assert got[-1:] == put[-1:], "what was said last is what is seen last"
    for place, frame in enumerate(put):
        is_newest = place + 1 == len(put) or not put[place + 1].startswith("interim")
        assert frame in got or not is_newest, "only an interim that a newer one replaces is left out"


def test_interims_of_one_segment_wait_once():
    mailbox = Mailbox()
    for text in ("a", "ab", "abc"):
        mailbox.put(text, interim_of=1)
    mailbox.put("ABC")
    mailbox.put("d", interim_of=2)
    assert mailbox.rest() == ["abc", "ABC", "d"]


def test_any_number_of_interims_needs_no_room():
    mailbox = Mailbox()
    for _ in range(3 * MAX_FRAMES):
        mailbox.put("x" * 1_000, interim_of=1)
    assert len(mailbox.rest()) == 1


@pytest.mark.parametrize(("size", "count"), [(1, MAX_FRAMES + 1), (MAX_CHARS // 4 + 1, 4)])
def test_a_reader_that_is_too_slow_has_to_come_back(size, count):
    mailbox = Mailbox()
    for _ in range(count):
        mailbox.put("x" * size)
    mailbox.put("later")
    with pytest.raises(ReaderTooSlowError):
        take_error(mailbox)
    assert mailbox.rest() == []


def take_error(mailbox: Mailbox) -> None:
    mailbox.take().send(None)


def test_the_snapshot_may_be_of_any_size():
    mailbox = Mailbox()
    mailbox.put_first("x" * (2 * MAX_CHARS))
    mailbox.put("next")
    assert len(take(mailbox)) == 2 * MAX_CHARS
    assert take(mailbox) == "next"


def test_a_reader_that_keeps_up_is_never_too_slow():
    mailbox = Mailbox()
    for number in range(3 * MAX_FRAMES):
        mailbox.put(f"{number} {'x' * 500}")
        assert take(mailbox).startswith(f"{number} ")


async def test_a_waiting_reader_is_woken():
    mailbox = Mailbox()
    waiting = asyncio.create_task(mailbox.take())
    await asyncio.sleep(0)
    mailbox.put("one")
    mailbox.put("two")
    assert await waiting == "one"
    assert await mailbox.take() == "two"


async def test_a_waiting_reader_may_be_cancelled_without_loss():
    mailbox = Mailbox()
    waiting = asyncio.create_task(mailbox.take())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    mailbox.put("one")
    assert await mailbox.take() == "one"


async def test_closing_ends_the_wait_and_the_rest():
    mailbox = Mailbox()
    waiting = asyncio.create_task(mailbox.take())
    await asyncio.sleep(0)
    mailbox.close()
    with pytest.raises(MailboxClosedError):
        await waiting
    with pytest.raises(MailboxClosedError):
        await mailbox.take()
