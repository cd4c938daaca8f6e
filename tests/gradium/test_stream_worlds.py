"""Every word of the speaker comes out, once, in order and at its time, whatever goes wrong on the way."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.gradium.vendor import World
from tests.gradium.world import Result, Run
from tests.gradium.worlds import WORLDS, judge

SEEDS = range(2)
TALK_S = 60.0
TIME_OFF_S = 0.08
LONGEST_TAPE_S = 60.0
LEAST_WORDS = 20


def check(world: World, seed: int) -> Result:
    result = Run(world, seed).play()
    verdict = judge(result)
    story = f"seed {seed}: {verdict} of {len(result.spoken)} words in {result.legs} legs"
    assert result.done_at is not None, f"the stream stands still; {story}"
    assert verdict.is_clean, story
    assert not result.lost, story
    assert verdict.time_off_s <= TIME_OFF_S + world.shift_s + world.jitter_s, story
    assert result.longest_tape_s < LONGEST_TAPE_S, story
    return result


@pytest.mark.parametrize("name", WORLDS)
def test_every_word_comes_out_once(name):
    for seed in SEEDS:
        result = check(dataclasses.replace(WORLDS[name], talk_s=TALK_S), seed)
        assert len(result.spoken) >= LEAST_WORDS, "too little was said to show anything"


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
    cap_ends_by=st.sampled_from(("error", "close", "end")),
    connect_s=st.sampled_from(((0.0, 0.0), (0.05, 0.15), (1.0, 4.0))),
    refusals=st.sampled_from((0.0, 0.3)),
    aborts_every_s=st.sampled_from((0.0, 9.0, 30.0)),
    hangs_every_s=st.sampled_from((0.0, 20.0)),
    hang_s=st.sampled_from((4.0, 60.0)),
    speed=st.sampled_from((3.0, 50.0)),
    text_at_start=st.booleans(),
    trail_s=st.sampled_from((0.0, 0.1)),
    drops_every_s=st.sampled_from((0.0, 10.0)),
    crashes_every_s=st.sampled_from((0.0, 25.0)),
)


# A failing world is small enough to read; to make it smaller takes minutes.
@settings(max_examples=30, deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate))
@given(faults, st.integers(0, 1_000))
def test_every_word_comes_out_once_in_any_world(world, seed):
    check(world, seed)


def test_a_session_is_left_before_its_cap():
    """The engine never has to throw the stream out: each session ends because the stream asked for it."""
    for pauses in (True, False):
        world = dataclasses.replace(WORLDS["short sessions"], pauses=pauses)
        result = check(world, 5)
        assert "cap" not in result.ends_by
        assert result.legs > 4


def test_what_is_not_needed_any_more_is_forgotten():
    """Of an endless talk only the context, what is under way, and the delay are kept."""
    result = check(World(talk_s=200.0), 6)
    assert result.longest_tape_s < 5.0
