"""What staff and speakers are told of limits. Readers' pages have their own words, by ``detail``. Pure."""

from __future__ import annotations

from typing import Final

from captions.captioning.budget import CREDITS_PER_S, Reason, Verdict

SECONDS_BELOW_S: Final = 90

FOR_VIEWERS: Final = {
    Reason.ROOM_DAY: "This room has used its time for today. The host can add more.",
    Reason.MONTH: "This month\u2019s time for captions is used up. The host can add more.",
    Reason.CONCURRENT: "All caption lines are in use; this room\u2019s starts as soon as one is free.",
}
FOR_SPEAKERS: Final = {
    Reason.ROOM_DAY: "This room has used its time for today. Captions start again at midnight UTC, "
    "or as soon as the host adds more.",
    Reason.MONTH: "This month\u2019s time for captions is used up. Captions start again {again}, "
    "or as soon as the host adds more.",
    Reason.CONCURRENT: "All caption lines are in use; yours starts as soon as one is free.",
}
FOR_STAFF: Final = {
    Reason.ROOM_DAY: "The room\u2019s hours for today are used up. It starts again by itself at midnight UTC; "
    "raise its hours to go on now.",
    Reason.MONTH: "The minutes of this month are used up, in all rooms. They start again by themselves {again}; "
    "raise CAPTIONS_MINUTES_PER_MONTH to go on now.",
    Reason.CONCURRENT: "All caption lines are in use. The room starts as soon as another one pauses or ends.",
}


def sentence(words: dict[Reason, str], verdict: Verdict) -> str:
    """Return why a room is stopped, in one of the three ways above; empty when it is not."""
    if verdict.reason is None:
        return ""
    again = f"on {verdict.again_at:%-d %B} (UTC)" if verdict.again_at else ""
    return words[verdict.reason].format(again=again)


def about(ms: int) -> str:
    """Return a length of time as people say it: "about 10 minutes"; short ones in seconds, long ones in hours."""
    seconds = max(1, round(ms / 1000))
    if seconds < SECONDS_BELOW_S:
        return f"about {seconds} {'second' if seconds == 1 else 'seconds'}"
    minutes = round(seconds / 60)
    if minutes < SECONDS_BELOW_S:
        return f"about {minutes} minutes"
    return f"about {minutes / 60:.1f} hours".replace(".0 ", " ")


def left(verdict: Verdict) -> str:
    """Return how much is left of the limit that is reached first."""
    if verdict.left_ms is None:
        return "There is no limit any more."
    where = "for this room today" if verdict.nearest is Reason.ROOM_DAY else "for all rooms this month"
    return f"{about(verdict.left_ms).capitalize()} of captions are left {where}."


def length(ms: int) -> str:
    """Return paid or spoken time as a clock shows it: "12:48", "3:07:10"."""
    minutes, seconds = divmod(round(ms / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def credits_of(ms: int) -> str:
    """Return what paid time costs, in the engine's credits: "2,304 credits"."""
    return f"{credits_number(ms)} credits"


def credits_number(ms: int) -> str:
    """Return the same for a column headed "Credits"."""
    return f"{round(ms * CREDITS_PER_S / 1000):,}"


def of_limit(used_ms: int | None, limit_ms: int | None) -> str:
    """Return how much of a limit is used: "42:10 of 4:00:00 (17 %)"."""
    used_ms = used_ms or 0
    if limit_ms is None:
        return f"{length(used_ms)}, no limit"
    return f"{length(used_ms)} of {length(limit_ms)} ({used_ms * 100 // limit_ms}\u00a0%)"
