"""The text frames of the speaker socket, as values. Reading is tolerant: a newer server may say more than is known."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final, TypeAlias, get_type_hints
from uuid import UUID

from captions.fanout import events


@dataclass(frozen=True, slots=True)
class Ready:
    """The server listens; it wants the stream from ``next_sample`` on."""

    next_sample: int
    room: str
    language: str
    delay_in_frames: int


@dataclass(frozen=True, slots=True)
class Ack:
    """Audio before ``next_sample`` is safe and may be dropped."""

    next_sample: int


@dataclass(frozen=True, slots=True)
class Error:
    """Something was refused; after a ``fatal`` one the server closes."""

    code: str
    message: str
    fatal: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """Another speaker took the room over."""


@dataclass(frozen=True, slots=True)
class Ping:
    """A sign of life, every second. ``received``: audio before this sample has arrived, which makes it not safe yet."""

    at: str
    received: int


Message: TypeAlias = Ready | Ack | Error | Moved | Ping | events.Event

_TYPES: Final[dict[str, type[Message]]] = {
    "ready": Ready,
    "ack": Ack,
    "error": Error,
    "moved": Moved,
    "interim": events.Interim,
    "final": events.Final,
    "gap": events.Gap,
    "state": events.State,
    "ping": Ping,
}
_FIELDS: Final = {kind: get_type_hints(kind) for kind in _TYPES.values()}


def read(text: str) -> Message | None:
    """Return the message of a server's text frame; None for one that is not known or not whole."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return None
    kind = _TYPES.get(str(body.get("type"))) if isinstance(body, dict) else None
    if kind is None or any(type(body.get(name)) is not hint for name, hint in _FIELDS[kind].items()):
        return None
    return kind(**{name: body[name] for name in _FIELDS[kind]})


def hello(*, ticket: str, stream: UUID, sample_rate: int, take_over: bool, after: tuple[int, int] | None) -> str:
    """Return the first frame of a connection. ``after``: session and seq of the newest final that is known."""
    body = {"type": "hello", "ticket": ticket, "stream": str(stream), "sample_rate": sample_rate}
    resume = {} if after is None else {"after": f"{after[0]}.{after[1]}"}
    return json.dumps(body | {"take_over": take_over} | resume)


def control(kind: str) -> str:
    """Return the frame that says ``pause``, ``resume`` or ``end``."""
    return json.dumps({"type": kind})
