"""What pages say about a room before, or without, its socket. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Final

from captions.models import Session


@dataclass(frozen=True, slots=True)
class RoomWords:
    """A state as people see it: the shape of the mark and the words beside it."""

    mark: str
    word: str


NOT_STARTED: Final = RoomWords("idle", "Not started")
RECONNECTING: Final = RoomWords("reconnecting", "Reconnecting")
ENDED: Final = RoomWords("ended", "Ended")

_DETAILS: Final[Mapping[str, RoomWords]] = {
    "catching_up": RoomWords("catching", "Catching up"),
    "speaker_lost": RoomWords("lost", "No microphone"),
    "engine_down": RoomWords("lost", "Captions down"),
    "engine_busy": RoomWords("reconnecting", "Waiting for a line"),
    "budget": RoomWords("paused", "Out of time"),
    "budget_month": RoomWords("paused", "Out of time"),
}
_STATES: Final[Mapping[str, RoomWords]] = {
    Session.State.IDLE: NOT_STARTED,
    Session.State.LIVE: RoomWords("live", "Live"),
    Session.State.SILENT: RoomWords("silent", "Quiet"),
    Session.State.PAUSED: RoomWords("paused", "Paused"),
}


def room_words(session: Session | None, now: datetime) -> RoomWords:
    """Return the state of a room whose newest session is ``session``; a crashed process is not called live."""
    if session is None:
        return NOT_STARTED
    if session.ended_at is not None or session.is_abandoned(now):
        return ENDED
    if not session.is_held(now):
        return RECONNECTING
    return _DETAILS.get(session.detail) or _STATES.get(session.state, RECONNECTING)


@dataclass(frozen=True, slots=True)
class NoSuchRoom:
    """What is said of a code no room has, and the public room that may have been meant."""

    typed: str
    meant: str | None

    @property
    def sentence(self) -> str:
        """The first half; the page adds the question or where to look."""
        return f"No room is called {self.typed}."


def no_such_room(typed: str, public_slugs: list[str]) -> NoSuchRoom:
    """Return what to say of ``typed``; only rooms on the front page are ever named."""
    matches = get_close_matches(typed.lower(), public_slugs, n=1, cutoff=0.7)
    return NoSuchRoom(typed=typed, meant=matches[0] if matches else None)


def clean_code(typed: str) -> str:
    """Return the room code in what a person typed or pasted: capitals, blanks, or the whole link of a room."""
    code = typed.strip().lower()
    _, slash, path = code.rpartition("/r/")
    if slash:
        code = path.split("/")[0].split("?")[0]
    return "-".join(code.split())


IN_MINUTES_FROM_S: Final = 90

_GAP_REASONS: Final[Mapping[str, str]] = {
    "speaker_gone": "The speaker\u2019s page was closed.",
    "audio_lost": "The sound did not arrive.",
    "engine_down": "The speech engine did not answer.",
    "engine_busy": "No caption line was free.",
    "budget": "The room\u2019s time was used up.",
}


def gap_sentence(start_ms: int, end_ms: int, reason: str) -> str:
    """Return what a reader is told of missing audio; the same words as ``gapSentence`` in wording.js."""
    seconds = max(1, (end_ms - start_ms + 500) // 1000)
    if seconds < IN_MINUTES_FROM_S:
        missing = f"About {seconds} {'second is' if seconds == 1 else 'seconds are'} missing."
    else:
        missing = f"About {(seconds + 30) // 60} minutes are missing."
    return f"{missing} {_GAP_REASONS[reason]}" if reason in _GAP_REASONS else missing
