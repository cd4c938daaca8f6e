from dataclasses import replace

import pytest

from captions.bench import talk
from captions.bench.figures import Run, as_json, mb_per_room, ratio, rows, write_table

RUN = Run(
    subject="stream",
    rooms=10,
    window_s=20.0,
    cpu_s=0.4,
    engine_s=0.1,
    load_s=0.0,
    foreign=0.0,
    rss_bytes=40_000_000,
    expected=300,
    got=300,
    wrong_rooms=0,
    finals=20,
    p50_ms=0.4,
    p99_ms=2.0,
)


def test_cost_is_per_second_of_one_rooms_audio():
    assert RUN.ms_per_s == pytest.approx(2.0)
    assert RUN.core == pytest.approx(0.02)


def test_several_runs_give_their_median_and_spread():
    (row,) = rows([replace(RUN, cpu_s=cpu) for cpu in (0.6, 0.4, 0.5)])
    assert row.ms_per_s == pytest.approx(2.5)
    assert row.spread == pytest.approx((2.0, 3.0))


def test_the_ratio_is_to_pipecat_with_as_many_rooms():
    table = rows([RUN, replace(RUN, subject="pipecat", cpu_s=1.0), replace(RUN, rooms=20)])
    assert ratio(table, table[0]) == pytest.approx(0.4)
    assert ratio(table, table[2]) is None
    assert "0.40" in write_table(table)
    assert as_json(table)["rows"][0]["ratio_to_pipecat"] == 0.4


def test_memory_per_room_is_what_more_rooms_take():
    table = rows([replace(RUN, rooms=1, rss_bytes=30_000_000), replace(RUN, rooms=101, rss_bytes=80_000_000)])
    assert mb_per_room(table, "stream") == pytest.approx(0.5)
    assert mb_per_room(table[:1], "stream") is None


def said(*numbers: int) -> talk.Tally:
    tally = talk.Tally()
    tally.final(" ".join(talk.write_word(number, 1.0) for number in numbers))
    return tally


def test_a_missing_word_a_double_one_and_a_wrong_order_are_seen():
    count = talk.WORDS
    assert said(*range(count)).has_all(1)
    assert not said(*range(1, count)).has_all(1)
    assert not said(0, *range(count)).has_all(1)
    assert not said(1, 0, *range(2, count)).has_all(1)


def test_a_word_tells_when_it_was_sent():
    tally = talk.Tally()
    tally.shown(talk.write_word(7, 1000.0), 1000.25)
    tally.shown(talk.write_word(7, 1000.0), 1000.5)  # known
    assert tally.delays_ms == pytest.approx([250.0])
