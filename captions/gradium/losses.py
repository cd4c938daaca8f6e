"""Audio whose words nobody will read, and why. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from captions.gradium.actions import Lost

ENGINE_DOWN = "engine_down"


@dataclass(frozen=True, slots=True)
class Hold:
    """No session may be opened, for ``reason``; ``start``: the end of the audio when that began.

    ``keep``: audio that comes is kept, as while the engine is away. Else it is passed over.
    """

    reason: str
    keep: bool
    start: int


class Losses:
    """Collects what is lost, so that it is told in one piece."""

    def __init__(self) -> None:
        self._from: int | None = None
        self._until = 0
        self._reason = ENGINE_DOWN

    def add(self, start: int, end: int, hold: Hold | None) -> list[Lost]:
        """Note that audio is lost; returns what was lost for another reason before."""
        reason = ENGINE_DOWN if hold is None else hold.reason
        told = self.tell() if reason != self._reason else []
        if self._from is None:
            self._from = start
        self._reason, self._until = reason, end
        return told

    def tell(self) -> list[Lost]:
        """Return what is lost and not told yet, once."""
        if self._from is None:
            return []
        lost = Lost(self._from, self._until, self._reason)
        self._from = None
        return [lost]
