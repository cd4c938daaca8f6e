"""How soon the truth is told: the time from a fault to the word about it."""

from __future__ import annotations

from collections.abc import Callable

from tests.chaos.terminal import Terminal
from tests.sockets import Client


def reader_told_s(
    viewer: Client, since: float, is_it: Callable[[str, str], bool], *, until: float = float("inf")
) -> float | None:
    """Return the seconds from a time of day to the first (state, detail) that ``is_it``; None: not before ``until``."""
    for frame, at in zip(viewer.frames, viewer.arrived, strict=True):
        if since <= at < until and frame["type"] == "state" and is_it(frame["state"], frame["detail"]):
            return at - since
    return None


def speaker_told_s(speaker: Terminal, since: float, is_it: Callable[[str], bool]) -> float | None:
    """Return the same of what ``speak`` shows at the end of its line."""
    for event in speaker.events:
        if event["heard_at"] >= since and event["type"] == "progress" and is_it(event["state"]):
            return float(event["heard_at"] - since)
    return None


def written(told_s: float | None) -> str:
    return "never" if told_s is None else f"{told_s:.1f} s"
