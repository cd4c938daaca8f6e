"""When no session is held open, because nobody has spoken for long, and when there is one again. Pure."""

from __future__ import annotations

from typing import Final

from captions.gradium.gate import Gate
from captions.gradium.tape import Run

KEPT_S: Final = 5.0  # of audio, meanwhile: the first word of whoever speaks again is in it


class Sleep:
    """``gate`` notices sound while the engine does not listen. Positions are sample indexes."""

    def __init__(self, gate: Gate, rate: int, start: int) -> None:
        self.is_asleep = False
        self._gate = gate
        self._kept = int(KEPT_S * rate)
        self._rate = rate
        self._awake_from = start

    def is_due(self, *, covered: int, spoken_s: float, silence_s: float) -> bool:
        """Tell whether nobody has spoken for long; ``spoken_s``: the end of the last word."""
        return covered / self._rate - max(spoken_s, self._awake_from / self._rate) >= silence_s

    def begin(self, run: Run) -> None:
        """Fall asleep over a run of audio."""
        self.is_asleep = True
        self._gate.learn(run.read(max(run.start, run.end - self._kept), self._kept))

    def listen(self, pcm: bytes, end: int) -> None:
        """Take audio that ends at ``end``: sound ends the sleep."""
        if self.is_asleep and self._gate.hears(pcm):
            self.is_asleep = False
            self._awake_from = end

    def kept_from(self, end: int) -> int:
        """Return the sample from which audio is kept."""
        return end - self._kept
