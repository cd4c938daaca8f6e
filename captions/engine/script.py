"""What a scripted engine does: the words it hears, each connection's faults. Pure; docs/engine.md has the format."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Literal, TypeAlias, get_args

from captions.engine.hearing import Word
from captions.gradium.messages import INTERNAL

Listen: TypeAlias = Literal["speech", "words", "bursts"]
End: TypeAlias = Literal["error", "close", "abort"]
Act: TypeAlias = Literal["error", "close", "abort", "hang", "half_open", "garbage"]


class ScriptError(ValueError):
    """A script that cannot be followed. The message says where and why."""


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that goes wrong at a time of the connection's audio; ``at_s`` None: when ``ready`` is expected."""

    do: Act
    at_s: float | None = None
    code: int = INTERNAL
    message: str = "This error is part of the script."


@dataclass(frozen=True, slots=True)
class Plan:
    """How one connection goes. Times are seconds; the defaults are those of a server without faults."""

    offset_s: float = 0.0
    """Where on the script's clock the connection's audio begins."""
    refuse_status: int | None = None
    ready_after_s: float = 0.0
    late_s: float = 0.0
    """Seconds of audio by which text comes later than the delay asks for."""
    trailing_s: float = 0.0
    """Seconds by which the text of a flush comes after its ``flushed``."""
    cap_s: float | None = None
    cap_ends_by: End = "error"
    incidents: tuple[Incident, ...] = ()


@dataclass(frozen=True, slots=True)
class Script:
    """What is heard, and how the connections go: the first, the second, ...; those after the last go by ``others``."""

    listen: Listen = "speech"
    words: tuple[Word, ...] = ()
    vocabulary: tuple[str, ...] = ()
    sessions: tuple[Plan, ...] = ()
    others: Plan = Plan()

    def plan(self, connection: int) -> Plan:
        """Return the plan of a connection, counted from 0."""
        return self.sessions[connection] if connection < len(self.sessions) else self.others


# Reading ------------------------------------------------------------------------------------------------------------

_Check: TypeAlias = Callable[[str, object], Any]


def _number(where: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise ScriptError(f"{where} must be a number of seconds, 0 or more.")
    return float(value)


def _whole(where: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ScriptError(f"{where} must be a whole number.")
    return value


def _text(where: str, value: object) -> str:
    if not isinstance(value, str):
        raise ScriptError(f"{where} must be a string.")
    return value


def _one_of(*names: str) -> _Check:
    def check(where: str, value: object) -> str:
        if value not in names:
            raise ScriptError(f"{where} must be one of {', '.join(names)}.")
        return str(value)

    return check


def _maybe(check: _Check) -> _Check:
    return lambda where, value: None if value is None else check(where, value)


def _list_of(check: _Check) -> _Check:
    def check_all(where: str, value: object) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise ScriptError(f"{where} must be a list.")
        return tuple(check(f"{where}[{place}]", item) for place, item in enumerate(value))

    return check_all


def _object(kind: type[Any], checks: Mapping[str, _Check]) -> _Check:
    required = {field.name for field in fields(kind)} & {"do"}

    def check(where: str, value: object) -> Any:  # noqa: ANN401 - an instance of kind
        if not isinstance(value, dict):
            raise ScriptError(f"{where} must be an object.")
        for name in sorted(set(value) - set(checks)):
            raise ScriptError(f"{where}.{name} is not known; known are {', '.join(checks)}.")
        for name in sorted(required - set(value)):
            raise ScriptError(f"{where}.{name} is missing.")
        return kind(**{name: checks[name](f"{where}.{name}", item) for name, item in value.items()})

    return check


def _word(where: str, value: object) -> Word:
    if not isinstance(value, list) or len(value) != 3:  # noqa: PLR2004 - named in the message
        raise ScriptError(f'{where} must be ["text", start_s, end_s].')
    word = Word(_text(where, value[0]), _number(where, value[1]), _number(where, value[2]))
    if word.end_s <= word.start_s:
        raise ScriptError(f"{where} must end after it starts.")
    return word


_incident: Final = _object(
    Incident, {"do": _one_of(*get_args(Act)), "at_s": _maybe(_number), "code": _whole, "message": _text}
)
_plan: Final = _object(
    Plan,
    {
        "offset_s": _number,
        "refuse_status": _maybe(_whole),
        "ready_after_s": _number,
        "late_s": _number,
        "trailing_s": _number,
        "cap_s": _maybe(_number),
        "cap_ends_by": _one_of(*get_args(End)),
        "incidents": _list_of(_incident),
    },
)
_script: Final = _object(
    Script,
    {
        "listen": _one_of(*get_args(Listen)),
        "words": _list_of(_word),
        "vocabulary": _list_of(_text),
        "sessions": _list_of(_plan),
        "others": _plan,
    },
)


def read_script(text: str) -> Script:
    """Read a script's JSON; raises ScriptError."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ScriptError(f"The script is not JSON: {error}.") from error
    script: Script = _script("script", value)
    for before, after in zip(script.words, script.words[1:], strict=False):
        if after.start_s < before.end_s:
            raise ScriptError(
                f"The words must follow one another; {after.text!r} starts before {before.text!r} has ended."
            )
    return script
