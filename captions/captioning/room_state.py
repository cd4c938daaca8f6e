"""What viewers, the speaker and staff are told of a room. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SILENT_AFTER_S: Final = 3.0
CATCHING_UP_FROM_S: Final = 2.0
CAUGHT_UP_BELOW_S: Final = 1.0
NO_AUDIO_S: Final = 1.75  # a microphone never stops; a speaker's page that sends nothing for this long is in trouble


@dataclass(slots=True)
class RoomState:
    """The facts a room's state follows from. Times are seconds of the caller's clock."""

    speaker_here: bool = False
    paused: bool = False
    ended: bool = False
    engine_up: bool = True
    out_of_budget: str = ""  # which limit is used up, as ``detail`` calls it
    engine_busy: bool = False
    last_sound_at: float = 0.0
    audio_at: float = 0.0
    behind_s: float = 0.0
    _catching_up: bool = False

    def at(self, now: float) -> tuple[str, str]:
        """Return (state, detail) in the words of the wire; the most telling fact wins."""
        limit = CAUGHT_UP_BELOW_S if self._catching_up else CATCHING_UP_FROM_S
        self._catching_up = self.behind_s > limit
        if self.ended:
            return "ended", ""
        if self.out_of_budget:
            return "paused", self.out_of_budget
        if self.engine_busy:
            return "reconnecting", "engine_busy"
        if not self.engine_up:
            return "reconnecting", "engine_down"
        if self.paused:
            return "paused", ""
        if not self.speaker_here or now - self.audio_at >= NO_AUDIO_S:
            return "reconnecting", "speaker_lost"
        if self._catching_up:
            return "live", "catching_up"
        if now - self.last_sound_at >= SILENT_AFTER_S:
            return "silent", ""
        return "live", ""
