"""Virtual time: events in the order they are due. Nothing waits, an hour passes in seconds."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable


class Clock:
    """``now`` is in seconds from the beginning of the world."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()

    def at(self, when: float, event: Callable[[], None]) -> None:
        """Let something happen at ``when``, after what was asked for that time before."""
        heapq.heappush(self._events, (when, next(self._count), event))

    def happen(self) -> bool:
        """Let the next thing happen; False when nothing is due any more."""
        if not self._events:
            return False
        self.now, _, event = heapq.heappop(self._events)
        event()
        return True
