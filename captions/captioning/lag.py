"""How far a speaker's audio is behind the moment it was spoken: after a lost line it comes late, and faster. Pure."""

from __future__ import annotations

from collections import deque
from typing import Final

WINDOW_S: Final = 3.0
SHRINKS_S: Final = 0.3  # in a window: less than this, and the audio does not catch up


class Lag:
    """Compares the clock on the wall with the end of the audio, both in seconds of the session."""

    def __init__(self) -> None:
        self._least_s = 0.0
        self._recent: deque[tuple[float, float]] = deque()

    def behind_s(self, wall_s: float, end_s: float) -> float:
        """Return by how much audio that ends at ``end_s`` is late, as long as it is catching up."""
        late_s = wall_s - end_s
        self._least_s = min(self._least_s, late_s)
        if self._recent and self._recent[-1][1] == end_s:
            self._recent.clear()
        self._recent.append((wall_s, end_s))
        while self._recent[0][0] < wall_s - WINDOW_S:
            self._recent.popleft()
        first_wall_s, first_end_s = self._recent[0]
        is_long = wall_s - first_wall_s > WINDOW_S * 0.8
        if is_long and first_wall_s - first_end_s - late_s < SHRINKS_S:
            self._least_s = late_s  # it comes as fast as it is spoken: that is how late this source is
        return late_s - self._least_s
