"""What the stream wants done on its legs, and what it tells of the talk. Pure values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Open:
    """Open a session for leg ``leg`` with the settings of ``edition``."""

    leg: int
    edition: int


@dataclass(frozen=True, slots=True)
class Send:
    """Send audio on a leg."""

    leg: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class SendFlush:
    """Send a flush on a leg."""

    leg: int
    flush_id: int


@dataclass(frozen=True, slots=True)
class SendEnd:
    """Send end_of_stream on a leg."""

    leg: int


@dataclass(frozen=True, slots=True)
class Close:
    """Close a leg's connection; nothing it says counts any more."""

    leg: int


@dataclass(frozen=True, slots=True)
class Word:
    """A word begins; milliseconds of the speaker's audio."""

    text: str
    start_ms: int


@dataclass(frozen=True, slots=True)
class WordEnd:
    """When the last word ended; milliseconds of the speaker's audio."""

    end_ms: int


@dataclass(frozen=True, slots=True)
class UtteranceEnd:
    """The engine takes the utterance for over, and all its text is out."""


@dataclass(frozen=True, slots=True)
class Covered:
    """Every word that ended before sample ``index`` is out. ``quiet``: nobody is speaking."""

    index: int
    quiet: bool


@dataclass(frozen=True, slots=True)
class Lost:
    """Audio from sample ``start`` to ``end`` was passed over, or not kept until its words were out, for ``reason``."""

    start: int
    end: int
    reason: str = "engine_down"


@dataclass(frozen=True, slots=True)
class EngineState:
    """Whether the engine answers, and if not, ``why``, in a sentence.

    ``final``: it refuses, and is not asked again before somebody has changed something. ``broken``: its sessions die as
    soon as they are open, so it is asked only every now and then.
    """

    up: bool
    why: str = ""
    final: bool = False
    broken: bool = False


@dataclass(frozen=True, slots=True)
class InUse:
    """Words come from a session with the settings of ``edition`` from now on."""

    edition: int


@dataclass(frozen=True, slots=True)
class NotUsed:
    """The engine does not take the settings of ``edition``: those before go on. ``why`` is a sentence."""

    edition: int
    why: str


@dataclass(frozen=True, slots=True)
class Done:
    """The talk has ended and all its words are out."""


Action: TypeAlias = Open | Send | SendFlush | SendEnd | Close
Output: TypeAlias = Word | WordEnd | UtteranceEnd | Covered | Lost | EngineState | InUse | NotUsed | Done
