"""What viewers are told, as values, and their JSON frames. Pure. Times are milliseconds of the session."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Interim:
    """The whole text so far of the segment that will be final ``seq``."""

    session: int
    seq: int
    text: str
    start_ms: int


@dataclass(frozen=True, slots=True)
class Final:
    """A segment that will not change any more."""

    session: int
    seq: int
    text: str
    start_ms: int
    end_ms: int
    lang: str
    speaker: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Audio that could not be kept, and why."""

    session: int
    seq: int
    start_ms: int
    end_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class State:
    """What goes on in the room; ``at`` is an ISO 8601 time."""

    state: str
    detail: str
    at: str


@dataclass(frozen=True, slots=True)
class Ping:
    """A sign of life, so that a client knows silence from a dead line."""

    at: str


Numbered: TypeAlias = Final | Gap
Event: TypeAlias = Interim | Final | Gap | State | Ping

_TYPES: Mapping[type, str] = {Interim: "interim", Final: "final", Gap: "gap", State: "state", Ping: "ping"}


def write_json(fields: object) -> str:
    """Return compact JSON; letters of all scripts as they are."""
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False)


def encode(event: Event) -> str:
    """Return the text frame of an event."""
    return write_json({"type": _TYPES[type(event)], **asdict(event)})


def encode_snapshot(
    room: Mapping[str, object], *, session: int, seq: int, finals: Sequence[str], interim: str | None, complete: bool
) -> str:
    """Return the snapshot frame; ``finals`` and ``interim`` are frames already."""
    head = write_json({"type": "snapshot", "room": room, "session": session, "seq": seq})[:-1]
    tail = f'"interim":{interim or "null"},"complete":{"true" if complete else "false"}'
    return f'{head},"finals":[{",".join(finals)}],{tail}}}'
