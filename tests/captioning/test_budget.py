"""What a room may still spend."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from captions.captioning import budget_words
from captions.captioning.budget import LEAST_MS, Amounts, Line, Reason, Verdict, judge, limits, starts_again

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOTHING_USED = Amounts(0, 0)
HOUR = 3_600_000
MINUTE = 60_000

amounts_ms = st.integers(0, 50 * HOUR)
limits_ms = st.none() | st.integers(1, 50 * HOUR)
moments = st.datetimes(
    datetime(2020, 1, 1),  # noqa: DTZ001 - the zone is drawn, too
    datetime(2040, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=13))]),
)


@given(limit=st.builds(Amounts, limits_ms, limits_ms), used=st.builds(Amounts, amounts_ms, amounts_ms), now=moments)
def test_a_room_is_stopped_by_exactly_the_limits_it_has_reached(limit: Amounts, used: Amounts, now: datetime) -> None:
    verdict = judge(limit, used, now)
    month_is_over = limit.month_ms is not None and used.month_ms > limit.month_ms - LEAST_MS
    day_is_over = limit.room_day_ms is not None and used.room_day_ms > limit.room_day_ms - LEAST_MS
    assert verdict.allowed is not (month_is_over or day_is_over)
    assert verdict.reason is (Reason.MONTH if month_is_over else Reason.ROOM_DAY if day_is_over else None)
    if verdict.reason:
        assert verdict.again_at is not None
        assert verdict.again_at > now
        for words in (budget_words.FOR_VIEWERS, budget_words.FOR_SPEAKERS, budget_words.FOR_STAFF):
            assert budget_words.sentence(words, verdict).endswith(".")
            assert "{" not in budget_words.sentence(words, verdict)
    elif limit == Amounts(None, None):
        assert verdict == Verdict()


@given(
    limit=st.builds(Amounts, limits_ms, limits_ms),
    used=st.builds(Amounts, amounts_ms, amounts_ms),
    steps=st.lists(st.integers(0, HOUR)),
)
def test_spending_between_looks_is_followed_to_the_end_and_never_beyond(
    limit: Amounts, used: Amounts, steps: list[int]
) -> None:
    verdict = judge(limit, used, NOON)
    spent, warnings = 0, [verdict.warning_ms]
    for step in steps:
        spent += step
        now = verdict.after(spent)
        warnings.append(now.warning_ms)
        ends = verdict.left_ms is not None and spent >= verdict.left_ms
        assert now.allowed is (verdict.allowed and not ends)
        if ends:
            assert now.reason is verdict.nearest
    told = [warning or 10**9 for warning in warnings if warning is not None]
    assert told == sorted(told, reverse=True), "warnings come in order"


def test_the_last_minutes_are_told_at_ten_and_at_two() -> None:
    limit = limits(room_hours=1, server_hours=0, minutes_per_month=0)
    at = {left: judge(limit, Amounts(HOUR - left * MINUTE, 0), NOON).warning_ms for left in (11, 10, 3, 2, 1, 0)}
    assert at == {11: None, 10: 600_000, 3: 600_000, 2: 120_000, 1: 120_000, 0: None}


def test_a_room_without_hours_of_its_own_has_those_of_the_server() -> None:
    assert limits(room_hours=None, server_hours=4, minutes_per_month=90) == Amounts(4 * HOUR, 90 * MINUTE)
    assert limits(room_hours=0.5, server_hours=4, minutes_per_month=0) == Amounts(HOUR // 2, None)
    assert limits(room_hours=0, server_hours=4, minutes_per_month=0) == Amounts(None, None)
    assert limits(room_hours=None, server_hours=0, minutes_per_month=0) == Amounts(None, None)


@given(moments)
def test_days_and_months_are_those_of_utc(now: datetime) -> None:
    day, month = starts_again(Reason.ROOM_DAY, now), starts_again(Reason.MONTH, now)
    assert day is not None
    assert month is not None
    assert timedelta(0) < day - now <= timedelta(days=1)
    assert timedelta(0) < month - now <= timedelta(days=31)
    assert (month.day, month.hour, month.minute, month.tzinfo) == (1, 0, 0, UTC)
    before = month - timedelta(microseconds=1)
    assert (before.year, before.month) == (now.astimezone(UTC).year, now.astimezone(UTC).month)
    assert (day.hour, day.minute, day.second) == (0, 0, 0)


def test_a_line_that_is_waited_for_is_no_lack_of_time() -> None:
    free = judge(Amounts(HOUR, None), NOTHING_USED, NOON)
    waiting = free.with_line(Line.AWAITED)
    assert not waiting.allowed
    assert not waiting.out_of_time
    assert waiting.detail == "engine_busy"
    resting = free.with_line(Line.RESTS)
    assert not resting.allowed
    assert resting.detail == ""
    over = judge(Amounts(HOUR, None), Amounts(HOUR, 0), NOON).with_line(Line.AWAITED)
    assert over.detail == "budget"


def test_the_words_name_the_limit_and_when_it_begins_anew() -> None:
    month = judge(Amounts(None, HOUR), Amounts(0, HOUR), NOON)
    assert budget_words.sentence(budget_words.FOR_SPEAKERS, month) == (
        "This month’s time for captions is used up. Captions start again on 1 December (UTC), "
        "or as soon as the host adds more."
    )
    day = judge(Amounts(HOUR, None), Amounts(HOUR, 0), NOON)
    assert budget_words.sentence(budget_words.FOR_VIEWERS, day) == (
        "This room has used its time for today. The host can add more."
    )
    soon = judge(Amounts(HOUR, None), Amounts(HOUR - 600_000, 0), NOON)
    assert budget_words.left(soon) == "About 10 minutes of captions are left for this room today."
    soon = judge(Amounts(None, HOUR), Amounts(0, 0), NOON)
    assert budget_words.left(soon) == "About 60 minutes of captions are left for all rooms this month."


def test_lengths_and_costs_read_well() -> None:
    assert [budget_words.about(ms) for ms in (400, 60_000, 89_000, 90_000, 600_000, 5_400_000, 7_200_000)] == [
        "about 1 second",
        "about 60 seconds",
        "about 89 seconds",
        "about 2 minutes",
        "about 10 minutes",
        "about 1.5 hours",
        "about 2 hours",
    ]
    assert budget_words.length(768_000) == "12:48"
    assert budget_words.length(11_230_000) == "3:07:10"
    assert budget_words.credits_of(768_000) == "2,304 credits"
    assert budget_words.of_limit(2_520_000, 14_400_000) == "42:00 of 4:00:00 (17\u00a0%)"
    assert budget_words.of_limit(2_520_000, None) == "42:00, no limit"
