"""The worlds a stream has to live in."""

from __future__ import annotations

import dataclasses
from typing import Final

from tests.gradium.conditions import World

ONE_AT_A_TIME: Final[dict[str, World]] = {
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
    "drops, aborts while the last words come": World(
        drops_every_s=8.0, drop_s=(3.2, 8.0), aborts_every_s=5.0, pauses=False, speed=2.5
    ),
    "drops, aborts while the last words come, far away": World(
        drops_every_s=8.0, drop_s=(3.2, 8.0), aborts_every_s=6.0, pauses=False, speed=3.0, round_trip_s=0.6
    ),
    "pauses of the speaker": World(cap_s=24.0, rests_every_s=10.0, common=0.3),
    "pauses, far away": World(cap_s=24.0, rests_every_s=6.0, round_trip_s=0.6, connect_s=(0.3, 1.0)),
    "crashes": World(crashes_every_s=20.0, common=0.3),
    "crashes, no pauses": World(crashes_every_s=20.0, common=0.5, pauses=False, warm_up_s=0.4, jitter_s=0.03),
    "everything": World(
        cap_s=24.0, warm_up_s=0.4, jitter_s=0.03, common=0.3, late_s=0.2, trail_s=0.1, network_jitter_s=0.05,
        aborts_every_s=30, hangs_every_s=50, refusals=0.2, drops_every_s=30, crashes_every_s=60,
    ),
}  # fmt: skip

# Whom the vendor lets in, and sessions that come to nothing.
DOOR: Final[dict[str, World]] = {
    "one session only": World(cap_s=24.0, most_sessions=1, common=0.3),
    "one session only, no pauses": World(cap_s=24.0, most_sessions=1, pauses=False, warm_up_s=0.4),
    "one session only, it lingers": World(cap_s=24.0, most_sessions=1, linger_s=1.0, common=0.3, aborts_every_s=25),
    "one session only, by policy": World(cap_s=24.0, most_sessions=1, refuses_with_policy=True, common=0.3),
    "one session only, by policy, it lingers": World(
        cap_s=24.0, most_sessions=1, linger_s=0.5, refuses_with_policy=True, pauses=False
    ),
    "two sessions only, they linger": World(cap_s=20.0, most_sessions=2, linger_s=3.0, aborts_every_s=12),
    "three sessions only, aborts": World(cap_s=12.0, most_sessions=3, linger_s=2.0, aborts_every_s=6, common=0.3),
    "connections not answered": World(cap_s=24.0, silent_connects=0.3, aborts_every_s=30),
    "second session hangs": World(cap_s=24.0, second_hangs=0.5, common=0.3),
    "second session hangs, no pauses": World(cap_s=16.0, second_hangs=0.5, pauses=False, aborts_every_s=25),
    "second session hangs, only two": World(cap_s=24.0, second_hangs=0.7, most_sessions=2, linger_s=1.0),
    "hangs in short sessions": World(cap_s=16.0, hangs_every_s=15.0, hang_s=8.0, common=0.3),
}

# Caps of a few seconds, met and not met.
CAPS: Final[dict[str, World]] = {
    "cap of 6 s": World(cap_s=6.0, common=0.3),
    "cap of 8 s, no pauses": World(cap_s=8.0, pauses=False, common=0.5, warm_up_s=0.4),
    "cap of 12 s, wall time": World(
        cap_s=12.0, cap_counts_time=True, connect_s=(0.2, 0.6), drops_every_s=15, drop_s=(0.3, 3)
    ),
    "cap of 12 s, comes early": World(cap_s=12.0, cap_varies_s=4.0, cap_ends_by="close", common=0.3),
    "cap of 12 s, comes early, unasked end": World(cap_s=12.0, cap_varies_s=4.0, cap_ends_by="end", pauses=False),
    "cap of 12 s, comes early, abort": World(cap_s=12.0, cap_varies_s=4.0, cap_ends_by="abort", round_trip_s=0.2),
    "cap of 4 s not told": World(real_cap_s=4.5, cap_ends_by="abort", common=0.3),
    "cap of 6 s not told, vendor at twice the speed": World(real_cap_s=6.5, speed=2.0, connect_s=(0.05, 0.1)),
    "twice the speed": World(cap_s=16.0, speed=2.0, aborts_every_s=20, common=0.3),
    "one and a half times the speed": World(cap_s=24.0, speed=1.5, aborts_every_s=30, pauses=False),
    "far away, cap of 12 s": World(cap_s=12.0, round_trip_s=0.5, connect_s=(0.3, 0.8), network_jitter_s=0.05),
    "aborts that lose": World(
        cap_s=24.0, aborts_every_s=6.0, aborts_lose=True, round_trip_s=0.3, late_s=0.2, common=0.3
    ),
}

# What a session makes of the words, and of the silence.
HEARING: Final[dict[str, World]] = {
    "deaf at first": World(cap_s=16.0, warm_up_s=0.6, warm_up_deaf=1.0, common=0.3),
    "deaf or wrong at first, no pauses": World(cap_s=16.0, warm_up_s=0.6, warm_up_deaf=0.5, pauses=False),
    "words said twice": World(cap_s=12.0, stutters=0.3, common=0.3, aborts_every_s=10, jitter_s=0.03),
    "texts trail a flush": World(cap_s=16.0, trail_s=0.3, late_s=0.2, network_jitter_s=0.05),
    "steps in bursts": World(cap_s=16.0, bursts_s=0.5, common=0.3, aborts_every_s=15),
    "steps in long bursts": World(cap_s=24.0, bursts_s=1.5, common=0.3),
    "onsets noticed late, far away": World(cap_s=16.0, vad_lags_s=0.3, round_trip_s=0.4, network_jitter_s=0.05),
    "onsets noticed late": World(cap_s=16.0, vad_lags_s=0.3, common=0.3),
    "splits and joins, aborts": World(cap_s=24.0, compounds=0.2, aborts_every_s=8, jitter_s=0.03),
    "splits and joins": World(cap_s=12.0, compounds=0.2),
    "pauses never told": World(cap_s=12.0, vad=False, common=0.3),
}

# The end of a word comes later than the word.
ENDS: Final[dict[str, World]] = {
    name: dataclasses.replace(world, text_at_start=True, ends_later=True)
    for name, world in {
        "ends later": World(cap_s=16.0, common=0.3),
        "ends later, no pauses": World(cap_s=12.0, pauses=False),
        "ends later, aborts": World(aborts_every_s=6.0, common=0.3),
        "ends later, drops": World(drops_every_s=8.0, drop_s=(0.3, 8)),
        "ends later, drops, no pauses": World(drops_every_s=8.0, drop_s=(2.5, 6), pauses=False),
        "ends later, rests": World(rests_every_s=8.0, cap_s=16.0),
        "ends later, other delays": World(changes_every_s=10.0, aborts_every_s=20.0),
    }.items()
}

# More than can always be told apart: not exact, measured.
ROUGH: Final[dict[str, World]] = {
    "other languages, inexact times": World(
        changes_every_s=15.0, changes_language=True, shift_s=0.1, jitter_s=0.03, common=0.3
    ),
    "rough": World(cap_s=24.0, shift_s=0.2, jitter_s=0.08, respelt=0.1, common=0.5, late_s=0.3, warm_up_s=0.4),
    "rough, no pauses": World(
        cap_s=24.0, shift_s=0.2, jitter_s=0.08, respelt=0.1, common=0.5, late_s=0.3, warm_up_s=0.4, pauses=False
    ),
    "rough, splits and joins": World(
        cap_s=16.0, shift_s=0.1, jitter_s=0.05, respelt=0.1, common=0.3, compounds=0.2, aborts_every_s=10
    ),
}

# The operator changes settings while the speaker speaks.
CHANGES: Final[dict[str, World]] = {
    "other delays": World(changes_every_s=15.0, common=0.3),
    "other delays, no pauses": World(changes_every_s=10.0, common=0.5, pauses=False, warm_up_s=0.4),
    "other delays, inexact times": World(changes_every_s=15.0, shift_s=0.1, jitter_s=0.05, common=0.3),
    "other delays, short sessions": World(changes_every_s=15.0, cap_s=16.0, common=0.3, aborts_every_s=20),
    "other languages": World(changes_every_s=15.0, changes_language=True, common=0.3),
    "other languages, no pauses": World(changes_every_s=10.0, changes_language=True, pauses=False),
    "other languages, in quick succession": World(changes_every_s=3.0, changes_language=True, talk_s=60.0),
    "other languages, aborts": World(changes_every_s=12.0, changes_language=True, cap_s=24.0, aborts_every_s=7),
    "other languages, far away": World(
        changes_every_s=12.0, changes_language=True, round_trip_s=0.5, connect_s=(0.3, 0.8), late_s=0.2
    ),
    "other languages, one session only": World(
        changes_every_s=12.0, changes_language=True, most_sessions=1, cap_s=24.0
    ),
    "other languages, drops": World(changes_every_s=12.0, changes_language=True, drops_every_s=15, drop_s=(0.3, 8)),
    "other delays, crashes": World(changes_every_s=10.0, crashes_every_s=15.0, common=0.3),
    "other languages, crashes": World(changes_every_s=10.0, changes_language=True, crashes_every_s=15.0),
    "other languages, all kinds of trouble": World(
        changes_every_s=12.0,
        changes_language=True,
        cap_s=24.0,
        aborts_every_s=15,
        hangs_every_s=40,
        hang_s=10.0,
        refusals=0.2,
        most_sessions=2,
        linger_s=0.5,
        late_s=0.2,
        trail_s=0.1,
        network_jitter_s=0.05,
        warm_up_s=0.4,
        drops_every_s=30,
        vad_lags_s=0.2,
    ),
    "settings not taken": World(changes_every_s=12.0, refused_changes=0.5, common=0.3),
    "languages not taken": World(changes_every_s=12.0, refused_changes=0.5, changes_language=True, cap_s=24.0),
}

# Nobody speaks for minutes: the engine is left, and heard again from the first word on.
SILENCES: Final[dict[str, World]] = {
    "long silences": World(talk_s=900.0, silences_every_s=60.0, gives_up_after_s=20.0),
    "long silences, aborts": World(
        talk_s=900.0, silences_every_s=60.0, gives_up_after_s=20.0, aborts_every_s=15.0, common=0.3
    ),
    "long silences, far away": World(
        talk_s=900.0, silences_every_s=40.0, gives_up_after_s=30.0, round_trip_s=0.5, connect_s=(0.3, 1.5), late_s=0.2
    ),
    "long silences, short sessions": World(
        talk_s=900.0, silences_every_s=50.0, gives_up_after_s=20.0, cap_s=16.0, common=0.3
    ),
    "long silences, other languages": World(
        talk_s=900.0, silences_every_s=50.0, gives_up_after_s=20.0, changes_every_s=45.0, changes_language=True
    ),
    "long silences, drops": World(
        talk_s=900.0, silences_every_s=50.0, gives_up_after_s=20.0, drops_every_s=40.0, drop_s=(0.3, 15)
    ),
    "long silences, refusals": World(
        talk_s=900.0, silences_every_s=50.0, gives_up_after_s=20.0, refusals=0.4, silent_connects=0.1
    ),
}

# As many seams as fit.
DENSE: Final[dict[str, World]] = {
    "seams in pauses": World(cap_s=6.0, common=0.3),
    "seams in running speech": World(cap_s=6.0, pauses=False, common=0.3, warm_up_s=0.3),
    "seams of common words": World(cap_s=6.0, common=1.0, pauses=False),
    "seams of aborts": World(aborts_every_s=1.3, common=0.3, aborts_lose=True),
    "seams of early caps": World(real_cap_s=5.0, cap_ends_by="close", jitter_s=0.03, pauses=False),
    "seams of all kinds": World(
        cap_s=8.0,
        cap_varies_s=2.0,
        cap_ends_by="abort",
        aborts_every_s=2.5,
        round_trip_s=0.1,
        network_jitter_s=0.02,
        common=0.3,
        warm_up_s=0.3,
        respelt=0.05,
        late_s=0.1,
        trail_s=0.1,
    ),
}

# Every word comes out once in these.
WORLDS: Final[dict[str, World]] = ONE_AT_A_TIME | DOOR | CAPS | HEARING | ENDS | CHANGES | SILENCES
