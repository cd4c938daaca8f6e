"""What a network does to a speaker."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from tests.cable import Cable

TOLD_FROM_S = 5.0
"""A fault that is over before that need not be spoken of."""


@dataclass(frozen=True)
class Fault:
    """``cut``: connections break and none can be made. ``swallow``: nothing goes through, and nobody says so."""

    kind: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.kind} {self.seconds:g} s"

    async def happen(self, cable: Cable) -> tuple[float, float]:
        """Let it begin and end; return both times of day."""
        began = time.time()
        await (cable.cut() if self.kind == "cut" else cable.swallow())
        await asyncio.sleep(self.seconds)
        ended = time.time()
        await cable.mend()
        return began, ended
