"""What staff are told of a room's speech engine: which settings it runs with, and what is wrong. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from captions.gradium.actions import EngineState, InUse, NotUsed
from captions.gradium.retry import BREAKER_S
from captions.models import Room

NO_CHANGE: Final = "The new settings are not in use, the ones before go on."


class EngineReport:
    """Keeps count of a room's settings; ``edition`` is the number of the newest ones."""

    def __init__(self, room: Room) -> None:
        self.edition = 0
        self.in_use: Room | None = None
        self._rooms = {0: room}
        self._since: datetime | None = None
        self._trouble = ""

    def change(self, room: Room) -> int:
        """Number new settings."""
        self.edition += 1
        self._rooms[self.edition] = room
        return self.edition

    def refuse(self, why: str) -> None:
        """The newest settings cannot even be tried."""
        self._trouble = f"{NO_CHANGE} {why}"

    def hear(self, output: EngineState | InUse | NotUsed, at: datetime) -> None:
        """Take what the stream tells of the engine."""
        match output:
            case InUse(edition):
                self.in_use, self._since = self._rooms[edition], at
                self._rooms = {number: room for number, room in self._rooms.items() if number >= edition}
                if edition == self.edition:
                    self._trouble = ""
            case NotUsed(_, why):
                self._trouble = f"{NO_CHANGE} What the engine says: {why}"
            case EngineState(up=True):
                if not self._trouble.startswith(NO_CHANGE):
                    self._trouble = ""
            case EngineState(why=why, final=final, broken=broken):
                self._trouble = _trouble(why, final=final, broken=broken)

    def as_json(self) -> dict[str, object]:
        """Return what is stored beside the session: settings in use with the time since when, and trouble in words."""
        report: dict[str, object] = {"trouble": self._trouble}
        if self.in_use is not None and self._since is not None:
            report |= {
                "language": self.in_use.language,
                "delay_in_frames": self.in_use.delay_in_frames,
                "since": self._since.isoformat(),
            }
        return report


def _trouble(why: str, *, final: bool, broken: bool) -> str:
    if final:
        return (
            f"The speech engine refuses this room: {why} It is asked again when the room's settings are saved "
            "or the speaker connects again."
        )
    if broken:
        return (
            f"Every session ends as soon as it has begun: {why} The engine is asked again every {BREAKER_S:g} seconds."
        )
    return f"The speech engine does not answer. {why}".strip()
