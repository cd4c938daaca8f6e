"""Which settings hold for which part of the audio: staff may change them while somebody speaks. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from captions.gradium.setup import FRAME_S

MOST_CONTEXT_S: Final = 2.0  # heard again by a new leg: it warms up on it, and the seam has something to match
CONTEXT_SHARE: Final = 0.25  # of the session cap at most
AT_ONCE_S: Final = 1.0  # changes that follow one another so soon are one


@dataclass(frozen=True, slots=True)
class Settings:
    """What the stream needs to know of the room and the engine. Seconds, and samples per second.

    ``edition`` names the settings: sessions are opened with the newest one that holds for their audio. What sessions of
    two ``language``s write cannot be compared. Without speech for ``silence_s`` no session is held open.
    """

    rate: int = 24_000
    session_s: float = 300.0
    delay_s: float = 0.8
    horizon_s: float = 2.0
    threshold: float = 0.5
    silence_s: float = 60.0
    language: str = ""
    edition: int = 0

    @property
    def frame(self) -> int:
        """Samples in a frame of the model."""
        return int(self.rate * FRAME_S)

    @property
    def context_s(self) -> float:
        """Seconds of audio whose words are out that a new leg hears again; less where the cap leaves no room."""
        return min(MOST_CONTEXT_S, CONTEXT_SHARE * self.session_s)


class Editions:
    """Stretches of the tape, each with its settings; ``Settings.edition`` names them."""

    def __init__(self, settings: Settings, start: int) -> None:
        self._marks: list[tuple[int, Settings]] = [(start, settings)]

    @property
    def newest(self) -> Settings:
        """What holds for the audio that comes now."""
        return self._marks[-1][1]

    def at(self, index: int) -> Settings:
        """Return the settings for a sample."""
        return next((settings for mark, settings in reversed(self._marks) if mark <= index), self._marks[0][1])

    def limit(self, edition: int) -> int | None:
        """Return the sample at which an edition's stretch ends; None: it goes on."""
        if len(self._marks) == 1:
            return None
        for (_, settings), (mark, _) in zip(self._marks, self._marks[1:], strict=False):
            if settings.edition == edition:
                return mark
        return None

    def following(self, edition: int) -> Settings | None:
        """Return what holds after an edition's stretch."""
        limit = self.limit(edition)
        return None if limit is None else self.at(limit)

    def change(self, settings: Settings, index: int, *, after_newest: bool) -> None:
        """Let ``settings`` hold from sample ``index`` on; ``after_newest``: words were said with the newest ones."""
        mark = self._marks[-1][0]
        if not after_newest and index - mark < int(AT_ONCE_S * settings.rate):
            self._marks[-1] = (mark, settings)
        else:
            self._marks.append((index, settings))

    def revoke(self, edition: int) -> bool:
        """Let what held before an edition go on instead; False if nothing did."""
        for place, (_, settings) in enumerate(self._marks):
            if settings.edition == edition and place:
                del self._marks[place]
                return True
        return False

    def forget_before(self, index: int, *, but: int) -> None:
        """Keep what holds from a sample on, and the edition ``but``, which is still spoken with."""
        while len(self._marks) > 1 and self._marks[1][0] <= index and self._marks[0][1].edition != but:
            del self._marks[0]
