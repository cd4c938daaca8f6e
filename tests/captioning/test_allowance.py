"""May an engine session be open now: what a captioner knows between two looks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from captions.captioning.allowance import AGAIN_FROM_MS, LINE_KEPT_S, LOOK_S, LOOK_WAITING_S, Allowance
from captions.captioning.budget import Line, Reason, Verdict

MINUTE = 60_000


def left(ms: int) -> Verdict:
    return Verdict(left_ms=ms, nearest=Reason.ROOM_DAY)


STOPPED = Verdict(Reason.ROOM_DAY, 0, Reason.ROOM_DAY)


def codes(allowance: Allowance) -> list[str]:
    return [notice.code for notice in allowance.notices()]


@given(st.integers(1, 100_000), st.lists(st.integers(0, 20_000), max_size=50))
def test_its_own_spending_stops_a_room_without_another_look(left_ms: int, steps: list[int]) -> None:
    allowance = Allowance(left(left_ms), now=0.0)
    spent = 0
    for step in steps:
        spent += step
        allowance.spend(spent)
        assert allowance.verdict.allowed is (spent < left_ms)


def test_the_speaker_is_told_of_each_step_once() -> None:
    allowance = Allowance(left(11 * MINUTE), now=0.0)
    assert codes(allowance) == []
    told = []
    for spent in range(0, 12 * MINUTE, 5_000):
        allowance.spend(spent)
        told += codes(allowance)
    assert told == ["budget_soon", "budget_soon", "budget"]
    assert [notice.code for notice in allowance.reminders()] == ["budget"]


def test_more_time_is_told_where_little_was_left() -> None:
    allowance = Allowance(left(2 * MINUTE), now=0.0)
    [notice] = allowance.notices()
    assert notice.message == "About 2 minutes of captions are left for this room today. The host can add more."
    assert [notice.code for notice in allowance.reminders()] == ["budget_soon"]
    allowance.seen(left(30 * MINUTE), spent_ms=0)
    [notice] = allowance.notices()
    assert notice.message == "There is more time now. About 30 minutes of captions are left for this room today."
    assert allowance.reminders() == []


def test_a_room_that_was_stopped_starts_again_only_for_something_worth_it() -> None:
    allowance = Allowance(left(5_000), now=0.0)
    allowance.spend(5_000)  # three of them were still to be sent, and then were not
    assert not allowance.verdict.allowed
    allowance.seen(left(AGAIN_FROM_MS - 1), spent_ms=2_000)
    assert not allowance.verdict.allowed
    allowance.spend(2_000)
    assert not allowance.verdict.allowed
    allowance.seen(left(AGAIN_FROM_MS), spent_ms=2_000)
    assert allowance.verdict.allowed
    allowance.notices()
    allowance.spend(2_000 + AGAIN_FROM_MS)
    assert codes(allowance) == ["budget"], "and is told again"


def test_it_looks_every_few_seconds_and_more_often_for_a_line() -> None:
    allowance = Allowance(left(MINUTE), now=100.0)
    assert not allowance.look_is_due(100.0 + LOOK_S - 0.1)
    assert allowance.look_is_due(100.0 + LOOK_S)
    allowance.looking(105.0)
    assert not allowance.look_is_due(105.1)
    allowance.seen(left(MINUTE).with_line(Line.AWAITED), spent_ms=0)
    assert codes(allowance)[-1] == "engine_busy"
    allowance.looking(110.0)
    assert allowance.look_is_due(110.0 + LOOK_WAITING_S)


def test_a_line_is_kept_for_a_while_and_asked_for_at_once() -> None:
    allowance = Allowance(Verdict(), now=0.0)
    assert allowance.needs_line(10.0, in_use=True)
    assert allowance.needs_line(10.0 + LINE_KEPT_S - 0.1, in_use=False)
    assert not allowance.needs_line(10.0 + LINE_KEPT_S, in_use=False)
    allowance.looking(50.0)
    allowance.seen(Verdict(line=Line.RESTS), spent_ms=0)
    assert not allowance.verdict.allowed
    assert codes(allowance) == [], "nobody needs to hear of it"
    assert not allowance.look_is_due(51.0)
    assert allowance.needs_line(51.0, in_use=True)
    assert allowance.look_is_due(51.0)
