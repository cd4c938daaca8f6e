"""What a world is like: the talk, the network, the vendor and what goes wrong with each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class World:
    """What goes on and what goes wrong. Times are seconds, chances are shares of 1."""

    talk_s: float = 120.0
    pauses: bool = True
    common: float = 0.0  # words drawn from a few common ones
    stutters: float = 0.0  # words said twice in a row
    compounds: float = 0.0  # pairs that one session hears as one word and the other as two
    silences_every_s: float = 0.0
    silence_s: tuple[float, float] = (70.0, 200.0)
    # The room.
    gives_up_after_s: float = 60.0  # a silence this long ends the engine session
    changes_every_s: float = 0.0  # other settings: another delay, and perhaps another language
    changes_language: bool = False
    change_delays: tuple[int, ...] = (7, 10, 16, 24)
    # The network.
    round_trip_s: float = 0.04
    network_jitter_s: float = 0.0
    bursts_s: float = 0.0  # what the vendor says arrives at multiples of this
    # The vendor's door.
    connect_s: tuple[float, float] = (0.05, 0.15)
    refusals: float = 0.0
    silent_connects: float = 0.0  # connections that are never answered
    most_sessions: int = 0  # at a time; 0: any number
    linger_s: float = 0.0  # a session that has ended counts for this long
    refuses_with_policy: bool = False  # a session too many: not a plain close
    refused_changes: float = 0.0  # settings the vendor does not take
    # The vendor's sessions.
    delay_in_frames: int = 10
    cap_s: float = 300.0  # what the stream is told
    real_cap_s: float = 0.0  # what the vendor does; 0: the same
    cap_varies_s: float = 0.0  # sessions end up to this much before their cap
    cap_counts_time: bool = False
    cap_ends_by: str = "error"  # "error", "close", "end", "abort"
    aborts_every_s: float = 0.0
    aborts_lose: bool = False  # what was under way from the vendor is lost with the connection
    hangs_every_s: float = 0.0
    hang_s: float = 60.0
    second_hangs: float = 0.0  # sessions opened beside another that say nothing after their first seconds
    speed: float = 50.0  # times real time
    # What it makes of the words.
    text_at_start: bool = False  # a text comes the delay after the word's start, not its end
    ends_later: bool = False  # the end of a word is told only when the decoder's clock has reached it
    warm_up_s: float = 0.0
    warm_up_deaf: float = 0.0  # words of the warm-up that are not heard at all
    shift_s: float = 0.0  # all times of a session are off by up to this
    jitter_s: float = 0.0  # each time is off by up to this
    respelt: float = 0.0
    late_s: float = 0.0
    trail_s: float = 0.0  # text after flushed
    flush_pads: bool = False  # a flush is done with the delay's worth of silence, which the decoder's clock counts
    vad_lags_s: float = 0.0  # a word is noticed up to this long after it began
    vad: bool = True  # pauses are reported
    # The speaker.
    drops: tuple[tuple[float, float], ...] = ()  # (at, for)
    drops_every_s: float = 0.0
    drop_s: tuple[float, float] = (0.3, 20.0)
    rests: tuple[tuple[float, float], ...] = ()
    rests_every_s: float = 0.0
    crashes_every_s: float = 0.0
