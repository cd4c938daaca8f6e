"""Every word of the speaker comes out, once, in order and at its time, whatever goes wrong on the way."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.gradium.conditions import World
from tests.gradium.outcome import Result
from tests.gradium.verdict import judge
from tests.gradium.world import Run
from tests.gradium.worlds import DENSE, ONE_AT_A_TIME, ROUGH, SILENCES, WORLDS

SEEDS = range(2)
TALK_S = 60.0
TIME_OFF_S = 0.08
LONGEST_TAPE_S = 60.0
LEAST_WORDS = 20
# 6 worlds of seams, each played by so many tests, until each has seen so many seams.
BLOCKS = 6
SEAMS_A_BLOCK = 560
ROUGH_SEEDS = 8
ROUGH_SHARE = 0.005  # of the words
STALL_S = 0.1
UNDISTURBED = ("short sessions", "short sessions, no pauses", "short sessions, common words, no pauses", "warm-up")


def check(world: World, seed: int) -> Result:
    result = Run(world, seed).play()
    verdict = judge(result, world.shift_s + world.jitter_s)
    story = f"seed {seed}: {verdict} of {len(result.spoken)} words in {result.legs} legs"
    assert result.done_at is not None, f"the stream stands still; {story}"
    assert verdict.is_clean, story
    assert not result.lost, story
    assert verdict.time_off_s <= TIME_OFF_S + world.shift_s + world.jitter_s, story
    assert result.longest_tape_s < LONGEST_TAPE_S, story
    return result


@pytest.fixture
def tell(record_property):
    """Count what a run went through; the end of the test run says the sums."""

    def count(results: list[Result]) -> None:
        record_property("seams", sum(result.seams for result in results))
        record_property("words", sum(len(result.spoken) for result in results))

    return count


@pytest.mark.parametrize("name", [name for name in WORLDS if name not in SILENCES])
def test_every_word_comes_out_once(name, tell):
    results = [check(dataclasses.replace(WORLDS[name], talk_s=TALK_S), seed) for seed in SEEDS]
    assert min(len(result.spoken) for result in results) >= LEAST_WORDS, "too little was said to show anything"
    tell(results)


@pytest.mark.parametrize("block", range(BLOCKS))
@pytest.mark.parametrize("name", DENSE)
def test_no_seam_loses_or_doubles_a_word(name, block, tell):
    results: list[Result] = []
    while sum(result.seams for result in results) < SEAMS_A_BLOCK:
        results.append(check(DENSE[name], 1_000 * block + len(results)))
    tell(results)


@pytest.mark.parametrize("name", SILENCES)
def test_a_long_silence_costs_little_and_loses_nothing(name, tell):
    world = SILENCES[name]
    result = check(world, 1)
    assert result.sent_s < 0.7 * world.talk_s
    tell([result])


@pytest.mark.parametrize("name", ROUGH)
def test_rough_sessions_are_seldom_told_apart_wrongly(name, tell):
    world = ROUGH[name]
    results = [Run(world, seed).play() for seed in range(ROUGH_SEEDS)]
    verdicts = [judge(result, world.shift_s + world.jitter_s) for result in results]
    wrong = sum(len(verdict.missing) + len(verdict.doubled) + len(verdict.foreign) for verdict in verdicts)
    assert all(result.done_at is not None and not result.lost for result in results)
    spoken = sum(len(result.spoken) for result in results)
    assert wrong <= ROUGH_SHARE * spoken, [str(verdict) for verdict in verdicts]
    tell(results)


def test_a_change_of_settings_comes_into_force():
    result = check(WORLDS["other languages"], 1)
    assert set(result.editions) == {change.edition for change in result.changes}


faults = st.builds(
    World,
    talk_s=st.just(50.0),
    pauses=st.booleans(),
    common=st.sampled_from((0.0, 0.3, 1.0)),
    round_trip_s=st.floats(0.0, 0.6),
    network_jitter_s=st.sampled_from((0.0, 0.05, 0.15)),
    delay_in_frames=st.sampled_from((7, 10, 16, 48)),
    cap_s=st.sampled_from((20.0, 31.0, 300.0)),
    cap_counts_time=st.booleans(),
    cap_varies_s=st.sampled_from((0.0, 5.0)),
    cap_ends_by=st.sampled_from(("error", "close", "end", "abort")),
    connect_s=st.sampled_from(((0.0, 0.0), (0.05, 0.15), (1.0, 4.0))),
    refusals=st.sampled_from((0.0, 0.3)),
    most_sessions=st.sampled_from((0, 1, 2)),
    linger_s=st.sampled_from((0.0, 0.5)),
    second_hangs=st.sampled_from((0.0, 0.5)),
    aborts_every_s=st.sampled_from((0.0, 9.0, 30.0)),
    aborts_lose=st.booleans(),
    hangs_every_s=st.sampled_from((0.0, 20.0)),
    hang_s=st.sampled_from((4.0, 60.0)),
    speed=st.sampled_from((3.0, 50.0)),
    bursts_s=st.sampled_from((0.0, 0.4)),
    vad_lags_s=st.sampled_from((0.0, 0.3)),
    stutters=st.sampled_from((0.0, 0.2)),
    warm_up_s=st.sampled_from((0.0, 0.4)),
    warm_up_deaf=st.sampled_from((0.0, 1.0)),
    changes_every_s=st.sampled_from((0.0, 0.0, 10.0)),
    changes_language=st.booleans(),
    text_at_start=st.booleans(),
    trail_s=st.sampled_from((0.0, 0.1)),
    drops_every_s=st.sampled_from((0.0, 10.0)),
    crashes_every_s=st.sampled_from((0.0, 25.0)),
)


# A failing world is small enough to read; to make it smaller takes minutes.
@settings(max_examples=80, deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate))
@given(faults, st.integers(0, 1_000))
def test_every_word_comes_out_once_in_any_world(world, seed):
    check(world, seed)


def test_a_session_is_left_before_its_cap():
    """The engine never has to throw the stream out: each session ends because the stream asked for it."""
    for pauses in (True, False):
        world = dataclasses.replace(ONE_AT_A_TIME["short sessions"], pauses=pauses)
        result = check(world, 5)
        assert "cap" not in result.ends_by
        assert result.legs > 4


@pytest.mark.parametrize("name", UNDISTURBED)
def test_a_new_session_holds_no_word_up(name, tell):
    """In virtual time: words come as soon behind the engine's delay as without any change of the session."""
    world = ONE_AT_A_TIME[name]
    one = check(dataclasses.replace(world, cap_s=300.0, warm_up_s=0.0), 7)
    many = check(world, 7)
    assert many.seams >= 5 > one.seams
    assert max(judge(many).late_s) < max(judge(one).late_s) + STALL_S
    tell([one, many])


def test_what_is_not_needed_any_more_is_forgotten():
    """Of an endless talk only the context, what is under way, and the delay are kept."""
    result = check(World(talk_s=200.0), 6)
    assert result.longest_tape_s < 5.0
