"""What one stream does in a given moment; tests/gradium/world.py plays whole talks."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from captions.gradium.actions import (
    Close,
    Covered,
    Done,
    EngineState,
    Lost,
    NotUsed,
    Open,
    Send,
    SendEnd,
    SendFlush,
    UtteranceEnd,
    Word,
    WordEnd,
)
from captions.gradium.messages import EndOfStream, EndText, Flushed, Ready, Step, Text
from captions.gradium.stream import Settings, Stream
from tests.gradium.conditions import World
from tests.gradium.speaker import RATE
from tests.gradium.verdict import judge
from tests.gradium.world import Run

FRAME_24K = 1_920
SILENCE = bytes(2 * FRAME_24K)
LEAD_IN_S = 13 * 0.08  # of silence before the first sample
READY = Ready("r", "default", 24_000, FRAME_24K, 10)


def frames(count: int, first: int = 0) -> list[bytes]:
    return [bytes([(first + place) % 251]) * (2 * FRAME_24K) for place in range(count)]


def kinds(stream: Stream) -> list[type]:
    return [type(item) for item in stream.take()]


def step(count: int, inactivity: float = 0.0) -> Step:
    return Step(dict.fromkeys((0.5, 1.0, 2.0, 3.0), inactivity), count, LEAD_IN_S + count * 0.08)


def opened(count: int = 1) -> Stream:
    """Return a stream whose first leg is open; ``count`` frames were sent."""
    stream = Stream(Settings(), now=0.0)
    for frame in frames(count):
        stream.audio(frame, 0.0)
    stream.ready(1, READY, 0.1)
    stream.take()
    return stream


def heard_all(count: int) -> Stream:
    """Return a stream whose engine has processed ``count`` frames and said nothing yet."""
    stream = opened(count)
    for done in range(1, count + 1):
        stream.message(1, step(done), 0.2)
    stream.take()
    return stream


def test_nothing_is_opened_before_there_is_audio():
    stream = Stream(Settings(), now=0.0)
    for now in range(100):
        stream.tick(float(now))
    assert stream.take() == []
    assert stream.behind_s == 0


def test_audio_goes_out_unchanged_and_in_order():
    stream = Stream(Settings(), now=0.0)
    said = b"".join(frames(30))
    cuts = [0, 2, 5_000, 5_002, 20_000, len(said)]
    for first, last in itertools.pairwise(cuts):
        stream.audio(said[first:last], 0.0)
    stream.ready(1, READY, 0.1)
    sent = [item for item in stream.take() if isinstance(item, Send)]
    heard = b"".join(item.pcm for item in sent)[13 * 2 * FRAME_24K :]
    assert heard == said[: len(heard)]
    assert len(heard) > 2 * 24_000 - 2 * FRAME_24K, "a second and more is under way at once"
    assert {len(item.pcm) for item in sent} == {2 * FRAME_24K}


def test_no_more_than_three_seconds_are_under_way():
    stream = opened(200)
    stream.tick(0.1)
    assert [type(item) for item in stream.take() if isinstance(item, Send)] == []
    for done in range(1, 100):
        stream.message(1, step(done), 0.2)
    sent = sum(isinstance(item, Send) for item in stream.take())
    assert 95 <= sent <= 113


def test_the_end_of_the_audio_is_padded_to_a_frame():
    stream = opened(2)
    stream.audio(b"\1\1" * 100, 0.2)
    assert kinds(stream) == []
    stream.end(0.3)
    sent, end = stream.take()
    assert isinstance(sent, Send)
    assert isinstance(end, SendEnd)
    assert sent.pcm == b"\1\1" * 100 + bytes(2 * (FRAME_24K - 100))


def test_done_comes_when_the_engine_has_said_all():
    stream = opened(5)
    stream.end(0.3)
    stream.take()
    stream.message(1, Text("last", LEAD_IN_S + 0.9), 0.4)
    stream.message(1, EndText(LEAD_IN_S + 1.1), 0.4)
    stream.message(1, EndOfStream(), 0.4)
    out = stream.take()
    assert out[0] == Word("last", 100)
    assert out[-1] == Done()


def test_a_talk_without_audio_is_done_at_once():
    stream = Stream(Settings(), now=0.0)
    stream.end(1.0)
    assert stream.take() == [Done()]


def test_words_are_on_the_clock_of_the_audio():
    stream = Stream(Settings(delay_s=0.56), now=0.0, start=48_000)
    stream.audio(SILENCE, 0.0)
    stream.ready(1, dataclasses.replace(READY, delay_in_frames=None), 0.1)
    stream.take()
    stream.message(1, Text("one", LEAD_IN_S + 1.56), 0.2)
    assert stream.take() == [Word("one", 3_000)]


def test_an_utterance_is_flushed_only_when_all_that_was_sent_is_silent():
    stream = opened(20)
    stream.message(1, Text("one", LEAD_IN_S + 0.9), 0.5)
    for done in range(1, 19):
        stream.message(1, step(done, inactivity=1.0 if done > 9 else 0.0), 0.5)
    stream.take()
    stream.audio(SILENCE, 0.6)
    assert Send not in kinds(stream), "feeding stops until the engine has caught up"
    stream.message(1, step(19, inactivity=1.0), 0.6)
    assert SendFlush not in kinds(stream)
    stream.message(1, step(20, inactivity=1.0), 0.6)
    assert [kind for kind in kinds(stream) if kind is not Covered] == [SendFlush, Send]


def test_speech_that_comes_back_is_not_flushed():
    stream = opened(20)
    stream.message(1, Text("one", LEAD_IN_S + 0.9), 0.5)
    for done in range(1, 20):
        stream.message(1, step(done, inactivity=1.0 if done > 9 else 0.0), 0.5)
    stream.audio(SILENCE, 0.6)
    stream.take()
    stream.message(1, step(20, inactivity=0.0), 0.6)
    assert [kind for kind in kinds(stream) if kind is not Covered] == [Send]


def test_a_refusal_is_final_until_somebody_does_something():
    stream = Stream(Settings(), now=0.0)
    stream.audio(SILENCE, 0.0)
    why = "API key is revoked or expired"
    stream.closed(1, 0.1, refused=why)
    stream.tick(0.2)
    assert stream.take() == [Open(1, 0), Close(1), EngineState(up=False, why=why, final=True)]
    for tenth in range(2, 600):
        stream.audio(SILENCE, tenth / 10)
        stream.tick(tenth / 10)
    assert kinds(stream) == []
    stream.try_again(60.0)
    assert stream.take() == [Open(2, 0)]


def test_a_refusal_of_what_has_worked_is_not_believed_at_once():
    """A second session too many may be refused as if the key were wrong."""
    stream = opened(5)
    stream.message(1, step(1), 0.2)
    stream.closed(1, 0.3, refused="too many sessions")
    assert Open(2, 0) in stream.take()


def test_sessions_that_die_at_once_open_the_breaker():
    """The vendor greets, and fails: it is not hammered, and staff are told."""
    stream = Stream(Settings(), now=0.0)
    opened_at, told = [], []
    for tenth in range(600):
        now = tenth / 10
        stream.audio(SILENCE, now)
        stream.tick(now)
        for item in stream.take():
            if isinstance(item, EngineState):
                told.append(item)
            if isinstance(item, Open):
                opened_at.append(now)
                stream.ready(item.leg, READY, now)
                stream.closed(item.leg, now, why="Internal error.")
    assert 5 <= len(opened_at) <= 8
    assert all(later - earlier > 11 for earlier, later in itertools.pairwise(opened_at[3:]))
    assert told[-1] == EngineState(up=False, why="Internal error.", broken=True)


def test_an_engine_that_greets_and_fails_is_left_in_peace_for_longer_and_longer():
    stream = Stream(Settings(), now=0.0)
    opened_at = []
    now, leg = 0.0, 0
    while now < 60:
        stream.audio(SILENCE, now)
        stream.tick(now)
        for item in stream.take():
            if isinstance(item, Open):
                opened_at.append(now)
                leg = item.leg
                stream.ready(leg, READY, now)
                stream.closed(leg, now)
        now += 0.08
    assert len(opened_at) < 20
    assert opened_at[1] < 0.2
    assert opened_at[-1] - opened_at[-2] > 3.5


def test_the_engine_is_told_down_and_up():
    stream = Stream(Settings(), now=0.0)
    told = []
    for tenth in range(30):
        stream.audio(SILENCE, tenth / 10)
        stream.tick(tenth / 10)
        told += [item for item in stream.take() if isinstance(item, EngineState)]
    assert told == [EngineState(up=False)]
    stream.ready(1, READY, 3.0)
    stream.tick(3.1)
    assert EngineState(up=True) in stream.take()


def test_messages_of_a_leg_that_was_left_do_not_count():
    stream = opened(5)
    stream.closed(1, 0.5)
    stream.tick(1.0)
    stream.take()
    stream.message(1, Text("ghost", LEAD_IN_S + 0.9), 1.1)
    stream.ready(1, READY, 1.1)
    stream.closed(1, 1.2)
    assert stream.take() == []


def test_an_engine_that_never_comes_back_loses_audio_once_and_says_so():
    """Two minutes are kept, the rest is told as one gap; the talk ends all the same."""
    result = Run(World(talk_s=250.0, refusals=1.0), 1).play(limit_s=300)
    assert result.done_at is not None
    assert [(lost.start, lost.end) for lost in result.lost] == [(0, 250 * RATE)]
    assert result.longest_tape_s < 140


def test_an_outage_is_one_gap_and_the_words_around_it_come():
    run = Run(World(talk_s=250.0), 2)
    network = run.network
    opening = network._open

    def open_unless_down(leg: int, edition: int) -> None:
        network.world = dataclasses.replace(run.world, refusals=1.0 if 20 < run.now < 190 else 0.0)
        opening(leg, edition)

    network._open = open_unless_down
    run.clock.at(20.5, network.abort)
    result = run.play()
    [lost] = result.lost
    assert lost.start / RATE == pytest.approx(19, abs=2)
    assert (lost.end - lost.start) / RATE < 170 - 120 + 15
    verdict = judge(result)
    assert not verdict.doubled
    assert all(
        lost.start / RATE - 0.1 < word.start_s and word.end_s < lost.end / RATE + 1 for word in verdict.missing
    ), "only words of the gap are missing"
    assert all(text.startswith("uh") for text in verdict.foreign)


def test_words_come_out_soon_after_the_speaker_has_gone():
    """The line goes dead: what was said is out within the delay and three seconds, though nothing more comes."""
    world = World(talk_s=60.0, pauses=False, drops=((20.0, 30.0),))
    run = Run(world, 4)
    result = run.play()
    told = {word.text: at for word, at in zip(result.words, result.told_at, strict=True)}
    before = [word for word in result.spoken if word.end_s < 19.7]
    assert max(told[word.text] for word in before) < 20 + 3 + 0.8
    assert judge(result).is_clean


def test_an_absent_speaker_costs_nothing():
    result = Run(World(talk_s=120.0, drops=((20.0, 90.0),)), 4).play()
    assert result.legs == 2
    assert result.sent_s < 120 + 5


def test_a_word_cut_by_a_dead_line_is_heard_whole_when_the_speaker_is_back():
    """Even if he comes back, and ends, while the engine still says what it heard."""
    stream = heard_all(20)
    stream.tick(4.0)
    assert kinds(stream) == [SendEnd]
    stream.audio(SILENCE, 4.1)
    stream.end(4.1)
    stream.message(1, Text("whole", LEAD_IN_S + 1.0), 4.2)
    stream.message(1, EndText(LEAD_IN_S + 1.4), 4.2)
    stream.message(1, Text("uh", LEAD_IN_S + 2.2), 4.2)
    stream.message(1, EndText(LEAD_IN_S + 2.4), 4.2)
    stream.message(1, EndOfStream(), 4.2)
    out = stream.take()
    assert [item.text for item in out if isinstance(item, Word)] == ["whole"]
    assert out[-1] == Open(2, 0)


def test_a_word_cut_by_a_dead_line_is_said_if_he_does_not_come_back():
    stream = heard_all(20)
    stream.tick(4.0)
    stream.message(1, Text("last", LEAD_IN_S + 2.2), 4.2)
    stream.message(1, EndText(LEAD_IN_S + 2.4), 4.2)
    stream.message(1, EndOfStream(), 4.2)
    assert Word not in kinds(stream)
    stream.end(5.0)
    assert kinds(stream) == [Word, WordEnd, UtteranceEnd, Done]


def test_an_utterance_is_not_over_between_a_word_and_its_end():
    """Text may trail `flushed`, and the end of a word may trail the word."""
    stream = opened(30)
    for count in range(1, 31):
        stream.message(1, step(count, 1.0 if count > 10 else 0.0), 0.2)
        if count == 5:
            stream.message(1, Text("one", LEAD_IN_S + 1.0), 0.2)
            stream.message(1, EndText(LEAD_IN_S + 1.2), 0.2)
    (flush,) = [item for item in stream.take() if isinstance(item, SendFlush)]
    stream.message(1, Flushed(flush.flush_id), 0.3)
    stream.message(1, Text("two", LEAD_IN_S + 1.3), 0.4)
    stream.tick(0.46)
    assert UtteranceEnd not in kinds(stream)
    stream.message(1, EndText(LEAD_IN_S + 1.5), 0.5)
    stream.tick(0.6)
    assert kinds(stream) == [WordEnd]
    stream.tick(0.7)
    assert kinds(stream) == [UtteranceEnd]


def speaking(stream: Stream, leg: int, first: int, last: int, now: float) -> None:
    """Let a leg process frames."""
    for count in range(first, last):
        stream.message(leg, step(count), now)


def test_settings_that_give_no_session_leave_the_old_ones_at_work():
    """Also where nothing is refused by policy, and where there is no second session to be had."""
    stream = opened(5)
    speaking(stream, 1, 1, 6, 0.2)
    stream.change(dataclasses.replace(Settings(), edition=1, language="fr"), 0.3)
    told: list[NotUsed] = []
    open_leg, done, sent = 1, 5, 5
    for tick in range(4, 300):
        now = tick / 10
        stream.audio(SILENCE, now)
        stream.tick(now)
        for item in stream.take():
            match item:
                case Open(leg, 1):
                    stream.closed(leg, now, why="The speech engine cannot be reached.")
                case Open(leg, 0):
                    open_leg, done, sent = leg, 0, 0
                    stream.ready(leg, READY, now)
                case Send(leg, _) if leg == open_leg:
                    sent += 1
                case NotUsed():
                    told.append(item)
        while done < sent:
            done += 1
            stream.message(open_leg, step(done - 13 if open_leg > 1 else done), now)
    assert [item.edition for item in told] == [1]
    assert "cannot be reached" in told[0].why
    assert stream.settings.edition == 0
    assert stream.behind_s < 2


def test_no_session_waits_alone_while_a_room_waits_for_its_line():
    stream = opened(5)
    speaking(stream, 1, 1, 6, 0.2)
    stream.change(dataclasses.replace(Settings(), edition=1), 0.3)
    stream.audio(SILENCE, 0.4)
    assert Open(2, 1) in stream.take()
    stream.hold(0.5, reason="engine_busy", keep=True)
    stream.message(1, EndOfStream(), 0.6)
    assert Close(2) in stream.take()
    stream.audio(SILENCE, 0.7)
    assert not [item for item in stream.take() if isinstance(item, Open | Send)]
    stream.go_on(0.8)
    assert [item.edition for item in stream.take() if isinstance(item, Open)] == [1]


@pytest.mark.parametrize("keep_s", [0.4, 6.0])
def test_audio_passed_over_is_told_from_where_it_begins(keep_s):
    """However long the engine takes to say what it had heard before."""
    stream = heard_all(20)
    end = stream.tape.end
    stream.hold(1.0, reason="budget", keep=False)
    for tick in range(int(keep_s * 12.5)):
        stream.audio(SILENCE, 1.0 + tick * 0.08)
    passed_over = stream.tape.end
    stream.message(1, EndOfStream(), 1.0 + keep_s)
    stream.go_on(1.0 + keep_s)
    assert [item for item in stream.take() if isinstance(item, Lost)] == [Lost(end, passed_over, "budget")]


def test_no_session_is_held_open_while_nobody_speaks_and_sound_opens_the_next_one():
    stream = Stream(dataclasses.replace(Settings(), silence_s=5.0), now=0.0)
    loud = b"\x00\x10\x00\xf0" * 960
    legs: dict[int, int] = {}
    ended_at = opened_again_at = None
    for frame in range(400):
        now = frame * 0.08
        stream.audio(loud if frame >= 300 else SILENCE, now)
        stream.tick(now)
        pending = stream.take()
        while pending:
            item = pending.pop(0)
            match item:
                case Open(leg, _):
                    legs[leg] = 0
                    if leg > 1:
                        opened_again_at = frame
                    stream.ready(leg, READY, now)
                case Send(leg, _):
                    legs[leg] += 1
                    silent = 0.0 if frame >= 300 else 1.0
                    stream.message(leg, step(legs[leg] - 13, silent), now)
                case SendEnd(leg):
                    ended_at = frame
                    stream.message(leg, EndOfStream(), now)
            pending += stream.take()
    assert ended_at is not None
    assert 60 < ended_at < 120
    assert opened_again_at is not None
    assert 300 <= opened_again_at <= 302
    assert legs[2] * 0.08 > 5 + 7, "the last five seconds are heard as well"
    assert stream.paid_s < 400 * 0.08


def test_an_end_that_is_never_answered_is_not_waited_for_for_ever():
    stream = heard_all(5)
    stream.end(1.0)
    legs: dict[int, int] = {1: 5}
    for tick in range(10, 150):
        now = tick / 10
        stream.tick(now)
        pending = stream.take()
        while pending:
            item = pending.pop(0)
            match item:
                case Open(leg, _):
                    legs[leg] = 0
                    stream.ready(leg, READY, now)
                case Send(leg, _):
                    legs[leg] += 1
                    stream.message(leg, step(legs[leg] - 13), now)
                case Done():
                    assert len(legs) == 2
                    return
            pending += stream.take()
    pytest.fail("the talk never ends")
