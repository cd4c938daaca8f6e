from __future__ import annotations

from captions.captioning.lag import Lag


def play(lag: Lag, *, wall_s: float, end_s: float, seconds: float, speed: float) -> tuple[float, float, float]:
    """Let audio come at a speed for a while; returns the clocks at the end, and what was told last."""
    told = 0.0
    for _ in range(int(seconds * 4)):
        wall_s, end_s = wall_s + 0.25, end_s + 0.25 * speed
        told = lag.behind_s(wall_s, end_s)
    return wall_s, end_s, told


def test_audio_that_comes_as_it_is_spoken_is_not_late():
    assert play(Lag(), wall_s=0.3, end_s=0.0, seconds=60, speed=1.0)[2] == 0


def test_after_a_lost_line_it_is_late_until_it_has_caught_up():
    lag = Lag()
    wall_s, end_s, _ = play(lag, wall_s=0.2, end_s=0.0, seconds=20, speed=1.0)
    wall_s, end_s, _ = play(lag, wall_s=wall_s, end_s=end_s, seconds=30, speed=0.0)
    wall_s, end_s, told = play(lag, wall_s=wall_s, end_s=end_s, seconds=10, speed=2.0)
    assert 18 < told < 22
    assert play(lag, wall_s=wall_s, end_s=end_s, seconds=20, speed=2.0)[2] < 0.5


def test_another_process_that_goes_on_knows_it_too():
    assert 8 < play(Lag(), wall_s=40.0, end_s=20.0, seconds=11, speed=2.0)[2] < 10


def test_a_source_that_stood_still_and_goes_on_is_not_late_for_ever():
    lag = Lag()
    wall_s, end_s, _ = play(lag, wall_s=0.2, end_s=0.0, seconds=20, speed=1.0)
    wall_s, end_s, _ = play(lag, wall_s=wall_s, end_s=end_s, seconds=30, speed=0.0)
    assert play(lag, wall_s=wall_s, end_s=end_s, seconds=8, speed=1.0)[2] < 0.5
