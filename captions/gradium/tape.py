"""The audio of one speaker whose words are not all out yet. Pure."""

from __future__ import annotations

from collections import deque
from typing import Final

BYTES_PER_SAMPLE: Final = 2


class Run:
    """Audio without a hole: 16-bit samples from index ``start`` up to, not including, ``end``."""

    __slots__ = ("data", "start")

    def __init__(self, start: int) -> None:
        self.start = start
        self.data = bytearray()

    @property
    def end(self) -> int:
        """Index after the last sample."""
        return self.start + len(self.data) // BYTES_PER_SAMPLE

    def read(self, start: int, count: int) -> bytes:
        """Return ``count`` samples from index ``start``; fewer at the end, silence before the beginning."""
        missing = min(count, max(0, self.start - start))
        first = (start + missing - self.start) * BYTES_PER_SAMPLE
        return bytes(missing * BYTES_PER_SAMPLE) + self.data[first : first + (count - missing) * BYTES_PER_SAMPLE]


class Tape:
    """Runs of audio in order; a hole stands between two of them."""

    def __init__(self, start: int) -> None:
        self.runs: deque[Run] = deque([Run(start)])

    @property
    def start(self) -> int:
        """Index of the first sample that is still kept."""
        return self.runs[0].start

    @property
    def end(self) -> int:
        """Index after the newest sample: the speaker's clock."""
        return self.runs[-1].end

    def append(self, pcm: bytes) -> None:
        """Add samples after the newest."""
        self.runs[-1].data += pcm

    def skip_to(self, index: int) -> None:
        """Leave a hole: the next sample is ``index``."""
        if not self.runs[-1].data:
            self.runs[-1] = Run(index)
        else:
            self.runs.append(Run(index))

    def run_at(self, index: int) -> Run:
        """Return the run that holds ``index``, or the next later one, or the last."""
        return next((run for run in self.runs if index < run.end), self.runs[-1])

    def run_after(self, run: Run) -> Run | None:
        """Return the run behind the hole that follows ``run``."""
        if len(self.runs) == 1:
            return None
        return next((later for later in self.runs if later.start > run.start), None)

    def drop_before(self, index: int) -> None:
        """Forget samples before ``index``."""
        while len(self.runs) > 1 and self.runs[0].end <= index:
            self.runs.popleft()
        first = self.runs[0]
        surplus = min(index, first.end) - first.start
        if surplus > 0:
            del first.data[: surplus * BYTES_PER_SAMPLE]
            first.start += surplus
