"""The worlds a stream has to live in, and how to read what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from tests.gradium.vendor import CUT_WORD, Uttered, World
from tests.gradium.world import Result

WORLDS: Final[dict[str, World]] = {
    "nothing wrong": World(),
    "no pauses": World(pauses=False),
    "short sessions": World(cap_s=24.0),
    "short sessions, no pauses": World(cap_s=24.0, pauses=False),
    "short sessions, common words": World(cap_s=24.0, common=1.0),
    "short sessions, common words, no pauses": World(cap_s=24.0, common=1.0, pauses=False),
    "cap comes early, error": World(cap_s=300.0, real_cap_s=17.0, common=0.5),
    "cap comes early, close": World(cap_s=300.0, real_cap_s=17.0, cap_ends_by="close", pauses=False),
    "cap comes early, unasked end": World(cap_s=300.0, real_cap_s=17.0, cap_ends_by="end", common=0.5),
    "cap by wall time": World(cap_s=24.0, cap_counts_time=True, drops_every_s=20, drop_s=(0.3, 6)),
    "warm-up": World(cap_s=24.0, warm_up_s=0.4, common=0.5),
    "warm-up, no pauses": World(cap_s=24.0, warm_up_s=0.4, common=0.5, pauses=False),
    "inexact times": World(cap_s=24.0, warm_up_s=0.4, shift_s=0.1, jitter_s=0.05, common=0.3),
    "respelt": World(cap_s=24.0, respelt=0.1, jitter_s=0.03),
    "network jitter": World(cap_s=24.0, round_trip_s=0.1, network_jitter_s=0.1, trail_s=0.1),
    "far away": World(cap_s=24.0, round_trip_s=0.6, network_jitter_s=0.05, connect_s=(0.3, 0.8)),
    "text late": World(cap_s=24.0, late_s=0.3, trail_s=0.1, network_jitter_s=0.05),
    "text at a word's start": World(cap_s=24.0, text_at_start=True, common=0.3, aborts_every_s=15),
    "flushes count": World(cap_s=24.0, flush_pads=True, network_jitter_s=0.02, common=0.3),
    "flushes count, far away": World(cap_s=24.0, flush_pads=True, round_trip_s=0.4, trail_s=0.1, delay_in_frames=24),
    "delay 7": World(cap_s=24.0, delay_in_frames=7, aborts_every_s=20, text_at_start=True),
    "delay 48": World(cap_s=30.0, delay_in_frames=48, aborts_every_s=30, common=0.3),
    "aborts": World(aborts_every_s=8.0, common=0.3),
    "aborts, no pauses": World(aborts_every_s=8.0, common=0.5, pauses=False, warm_up_s=0.4),
    "hangs": World(hangs_every_s=25.0, common=0.3),
    "short hangs": World(hangs_every_s=10.0, hang_s=4.0, common=0.3),
    "refusals": World(cap_s=24.0, refusals=0.5, aborts_every_s=20.0),
    "slow ready": World(cap_s=24.0, connect_s=(1.0, 6.0), aborts_every_s=30.0),
    "slow vendor": World(cap_s=24.0, speed=2.0, aborts_every_s=30.0),
    "drops": World(drops_every_s=12.0, common=0.3),
    "drops, no pauses": World(drops_every_s=12.0, common=0.3, pauses=False),
    "drops, far away, late": World(
        drops_every_s=12.0, pauses=False, round_trip_s=0.4, late_s=0.2, network_jitter_s=0.1, trail_s=0.1
    ),
    "drops around the limit": World(drops_every_s=8.0, drop_s=(2.8, 3.8), pauses=False, round_trip_s=0.2),
    "pauses of the speaker": World(cap_s=24.0, rests_every_s=10.0, common=0.3),
    "pauses, far away": World(cap_s=24.0, rests_every_s=6.0, round_trip_s=0.6, connect_s=(0.3, 1.0)),
    "crashes": World(crashes_every_s=20.0, common=0.3),
    "crashes, no pauses": World(crashes_every_s=20.0, common=0.5, pauses=False, warm_up_s=0.4, jitter_s=0.03),
    "everything": World(
        cap_s=24.0, warm_up_s=0.4, jitter_s=0.03, common=0.3, late_s=0.2, trail_s=0.1, network_jitter_s=0.05,
        aborts_every_s=30, hangs_every_s=50, refusals=0.2, drops_every_s=30, crashes_every_s=60,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong with the words that came out."""

    missing: list[Uttered]
    doubled: list[str]
    foreign: list[str]
    disorder: int
    time_off_s: float  # the largest, of starts and ends

    @property
    def is_clean(self) -> bool:
        return not (self.missing or self.doubled or self.foreign or self.disorder)


def plain(text: str) -> str:
    """Return a word as it was said, not as it was spelt."""
    return text if text == CUT_WORD else text.lower().rstrip("x")


def judge(result: Result) -> Verdict:
    """Compare what came out with what was said."""
    found: dict[int, int] = {}
    doubled: list[str] = []
    foreign: list[str] = []
    places: list[int] = []
    time_off_s = 0.0
    for word in result.words:
        at = f"{word.text} at {word.start_s:.2f}"
        same = [
            (abs(said.start_s - word.start_s) + 10 * (place in found), place)
            for place, said in enumerate(result.spoken)
            if said.text == plain(word.text) and abs(said.start_s - word.start_s) < 1.0
        ]
        if not same:
            foreign.append(at)
            continue
        place = min(same)[1]
        if place in found:
            doubled.append(at)
            continue
        found[place] = 1
        places.append(place)
        said = result.spoken[place]
        time_off_s = max(time_off_s, abs(said.start_s - word.start_s), abs(said.end_s - word.end_s))
    missing = [said for place, said in enumerate(result.spoken) if place not in found]
    disorder = sum(one > other for one, other in pairwise(places))
    return Verdict(missing, doubled, foreign, disorder, time_off_s)
