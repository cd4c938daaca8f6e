"""The speaker against a server that goes by the book, in simulated time, with connections that break anywhere."""

import json
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from captions.speaking.ring import Ring
from captions.speaking.speaker import DOUBT_S, PATIENCE_S, QUIET_S, Phase, Speaker

PIECE = bytes(3_840)
READY = {"type": "ready", "room": "hall", "language": "en", "delay_in_frames": 10}


def ready(next_sample: int = 0) -> str:
    return json.dumps(READY | {"next_sample": next_sample})


def state(name: str) -> str:
    return json.dumps({"type": "state", "state": name, "detail": "", "at": "2026-01-01T00:00:00Z"})


def error(code: str) -> str:
    return json.dumps({"type": "error", "code": code, "message": f"Sentence about {code}.", "fatal": True})


def welcome(now: float = 0.0, **options) -> Speaker:
    speaker = Speaker(jitter=lambda: 0.5, **options)
    speaker.hello("ticket", now)
    speaker.receive(ready(), now)
    return speaker


def number(at: int) -> bytes:
    return struct.pack("<h", at % 30_000)


class Server:
    """Hears samples, remembers up to where, writes down a part of it; a crash forgets what was not written down."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.safe = 0
        self.arrivals: list[tuple[float, int]] = []
        self.ended = False

    @property
    def next_sample(self) -> int:
        return len(self.heard) // 2

    def take(self, frame: str | bytes, now: float) -> None:
        if isinstance(frame, str):
            assert json.loads(frame) == {"type": "end"}
            self.ended = True
            return
        (index,) = struct.unpack_from("<Q", frame)
        assert index == self.next_sample, "a hole or a repetition"
        self.heard += frame[8:]
        self.arrivals.append((now, (len(frame) - 8) // 2))


BREAKS = st.lists(
    st.tuples(st.floats(0.1, 20), st.floats(0, 30), st.booleans(), st.floats(0, 1)), max_size=5
)  # seconds on air, seconds away, whether the server forgets, how much it had acked


@settings(deadline=None, max_examples=50)
@given(breaks=BREAKS, pieces=st.integers(1, 400))
def test_every_sample_arrives_once_over_any_number_of_lost_connections(breaks, pieces):
    ring, server, speaker = Ring(), Server(), Speaker(jitter=lambda: 0.5)
    speaker.ring = ring
    now, captured, sound = 0.0, 0, [b"".join(number(p * 1_920 + k) for k in range(1_920)) for p in range(pieces)]
    plan = [*breaks, (1e9, 0.0, False, 0.0)]

    for on_air, away, forgets, acked in plan:
        hello = json.loads(speaker.hello("ticket", now))
        assert hello["stream"] == str(speaker.stream)
        speaker.receive(ready(server.next_sample), now)
        server.ended = False
        until = now + on_air
        while now < until and not server.ended:
            while captured < pieces and captured * 0.08 <= now:
                speaker.capture(sound[captured])
                captured += 1
            if captured == pieces:
                speaker.end()
            due = speaker.due(now)
            if due == 0.0:
                server.take(speaker.send(now), now)
            else:
                now += min(0.08 if due is None else due, 0.08)
        server.safe += int((server.next_sample - server.safe) * acked)
        speaker.receive(json.dumps({"type": "ack", "next_sample": server.safe}), now)
        if on_air > 1e6:
            break
        if forgets:
            del server.heard[server.safe * 2 :]
            server.arrivals.clear()
        retry = speaker.lost(1006, "", now)
        assert retry is not None
        assert 0.1 < retry <= 5
        now += retry + away

    assert bytes(server.heard) == b"".join(sound)
    speaker.receive(state("ended"), now)
    assert speaker.phase is Phase.OVER
    assert speaker.failure is None
    for start, (since, _) in enumerate(server.arrivals):
        total = 0
        for at, samples in server.arrivals[start:]:
            total += samples
            assert total <= 24_000 + 48_000 * (at - since) + 2, "faster than twice real time"


def test_nothing_is_sent_before_the_welcome():
    speaker = Speaker()
    speaker.capture(PIECE)
    assert speaker.due(0.0) is None
    speaker.hello("ticket", 0.0)
    assert speaker.due(0.0) is None
    speaker.receive(ready(), 0.1)
    assert speaker.due(0.1) == 0.0


def test_a_room_is_taken_over_once_and_not_back_again():
    speaker = Speaker(take_over=True)
    assert json.loads(speaker.hello("t", 0.0))["take_over"] is True
    speaker.lost(1006, "", 1.0)
    assert json.loads(speaker.hello("t", 2.0))["take_over"] is True
    speaker.receive(ready(), 2.0)
    speaker.lost(1006, "", 3.0)
    assert json.loads(speaker.hello("t", 4.0))["take_over"] is False


@pytest.mark.parametrize("code", [1001, 1005, 1006, 1011, 1012, 1013])
def test_trouble_that_may_pass_is_tried_again(code):
    speaker = welcome()
    assert speaker.lost(code, "", 1.0) is not None
    assert speaker.phase is Phase.AWAY


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (1009, "too_big"),
        (4400, "bad_frame"),
        (4401, "ticket_refused"),
        (4404, "no_such_room"),
        (4408, "hello_late"),
        (4409, "room_busy"),
        (4429, "too_fast"),
        (1000, "closed"),
        (4999, "closed"),
    ],
)
def test_a_refusal_is_final_with_or_without_its_error_frame(code, name):
    speaker = welcome()
    assert speaker.lost(code, "", 1.0) is None
    assert speaker.failure is not None
    assert speaker.failure.code == name
    explained = welcome()
    explained.receive(error("some_code"), 1.0)
    assert explained.lost(code, "", 1.0) is None
    assert explained.failure is not None
    assert (explained.failure.code, explained.failure.message) == ("some_code", "Sentence about some_code.")


def test_who_is_moved_stays_away():
    speaker = welcome()
    speaker.receive('{"type":"moved"}', 1.0)
    assert speaker.lost(4410, "", 1.0) is None
    assert speaker.failure is not None
    assert speaker.failure.code == "moved"


def test_a_room_that_says_ended_from_before_is_not_our_end():
    speaker = welcome()
    speaker.receive(state("ended"), 0.0)
    assert speaker.phase is Phase.ON_AIR
    speaker.end()
    speaker.send(1.0)
    speaker.receive(state("ended"), 2.0)
    assert speaker.phase is Phase.OVER
    assert speaker.failure is None


def test_the_end_is_also_understood_from_the_close_alone():
    speaker = welcome()
    speaker.end()
    speaker.send(1.0)
    assert speaker.lost(1000, "", 2.0) is None
    assert speaker.phase is Phase.OVER
    assert speaker.failure is None


def test_a_server_that_was_never_there_is_said_at_once_and_one_that_went_is_waited_for():
    stranger = Speaker()
    assert stranger.unreachable("no server answers", 0.0) is None
    assert stranger.failure is not None
    assert stranger.failure.code == "unreachable"

    speaker = welcome()
    now = 100.0
    gone_at = now
    delays = []
    while (delay := speaker.unreachable("no server answers", now)) is not None:
        delays.append(delay)
        now += delay
    assert now - gone_at > PATIENCE_S
    assert delays == sorted(delays)
    assert speaker.failure is not None
    assert speaker.failure.code == "gone"


def test_a_long_good_connection_makes_the_next_failure_a_first_one_and_a_short_one_does_not():
    speaker = welcome(0.0)
    first = speaker.lost(1006, "", 20.0)
    speaker.receive(ready(), 21.0)
    second = speaker.lost(1006, "", 21.5)
    speaker.receive(ready(), 23.0)
    third = speaker.lost(1006, "", 60.0)
    assert first is not None
    assert second == 2 * first
    assert third == first


def test_silence_is_counted_from_the_last_word_of_the_server():
    speaker = welcome(10.0)
    assert not speaker.in_doubt(10.0 + DOUBT_S)
    assert speaker.in_doubt(10.1 + DOUBT_S)
    assert speaker.quiet_at == 10.0 + QUIET_S
    speaker.receive('{"type":"ping","at":"2026-01-01T00:00:00Z"}', 20.0)
    assert speaker.quiet_at == 20.0 + QUIET_S
    assert not speaker.in_doubt(20.0 + DOUBT_S)


FIELDS = st.sampled_from(["type", "next_sample", "state", "code", "fatal", "message"])
VALUES = (
    st.sampled_from(["ready", "ack", "state", "error", "moved", "final", "ended"])
    | st.none()
    | st.integers()
    | st.text()
)


@given(st.text(max_size=60) | st.dictionaries(FIELDS, VALUES | st.lists(VALUES), max_size=5).map(json.dumps))
def test_nothing_a_server_says_is_a_crash(text):
    welcome().receive(text, 1.0)
