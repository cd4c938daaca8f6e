from hypothesis import given
from hypothesis import strategies as st

from captions.speaking.pacing import SLOWEST_RETRY_S, Bucket, retry_delay


@given(
    st.lists(st.tuples(st.floats(0, 3), st.integers(1, 4_000)), max_size=80),
    st.integers(1_000, 50_000),
    st.booleans(),
)
def test_never_more_than_the_rate_and_a_burst_whenever_one_starts_to_count(steps, rate, filled):
    bucket = Bucket(rate, 5_000, filled=filled)
    now, passed = 100.0, []
    for idle, samples in steps:
        now += idle
        now += bucket.wait(samples, now)
        assert bucket.wait(samples, now) == 0.0, "the wait was too short"
        bucket.take(samples, now)
        passed.append((now, samples))
    for start in range(len(passed)):
        since, total = passed[start][0], 0
        for at, samples in passed[start:]:
            total += samples
            assert total <= 5_000 + rate * (at - since) + 1


def test_real_time_is_kept_to_the_sample_over_an_hour_of_late_wakings():
    bucket = Bucket(24_000, 24_000)
    now = start = 0.0
    bucket.wait(1_920, now)
    for number in range(45_000):
        now += bucket.wait(1_920, now) + (0.05 if number % 7 == 0 else 0.001)
        bucket.take(1_920, now)
    assert abs((now - start) - 3_600) < 0.1


def test_a_piece_larger_than_the_burst_passes_too():
    bucket = Bucket(100, 50)
    assert bucket.wait(80, 0.0) == 0.5
    bucket.take(80, 0.5)
    assert bucket.wait(50, 0.5) == 0.8


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_retries_are_never_at_once_and_never_far_apart(failures, jitter):
    delay = retry_delay(failures, jitter)
    assert 0.1 < delay <= SLOWEST_RETRY_S
    assert retry_delay(failures + 1, jitter) >= delay
