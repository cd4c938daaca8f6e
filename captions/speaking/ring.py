"""What a speaker has said and the server may still ask for: audio not yet acked, pauses and the end in their places."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, TypeAlias

from captions.audio.frames import SAMPLE_RATE, Frame

KEPT_S: Final = 240
"""Seconds of audio that are kept: 120 s without a server, what was not acked when it went, and the time it takes to
notice that it went and is back. Twice what is promised."""

IN_FLIGHT_S: Final = 2.0
"""What is sent and not known to have arrived is no more than this on a good network: the server tells every second."""


@dataclass(frozen=True, slots=True)
class Mark:
    """``pause``, ``resume`` or ``end``, said before the sample ``index``."""

    index: int
    kind: str


Item: TypeAlias = Frame | Mark


class Ring:
    """A queue of frames and marks that can be read again from any sample that is not acked. Counts are samples."""

    def __init__(self, capacity: int = KEPT_S * SAMPLE_RATE) -> None:
        self.next_sample = 0
        """Index of the next sample to be added."""
        self.acked = 0
        """Audio before this sample is safe with the server."""
        self.kept = 0
        """Samples kept."""
        self.received = 0
        """Audio before this sample has arrived at the server, as far as is known."""
        self._capacity = capacity
        self._sent: deque[Item] = deque()
        self._unsent: deque[Item] = deque()
        self._wanted = 0  # the sample from which on the server asked for the stream

    @property
    def room(self) -> int:
        """How many samples can be added now."""
        return self._capacity - self.kept

    @property
    def unsent(self) -> int:
        """How many samples wait to be sent."""
        return sum(item.end - item.index for item in self._unsent if isinstance(item, Frame))

    @property
    def waiting(self) -> int:
        """How many samples have not arrived: those unsent, and those in the network if they are more than it takes."""
        missing = sum(
            item.end - max(item.index, self.received)
            for item in (*self._sent, *self._unsent)
            if isinstance(item, Frame) and item.end > self.received
        )
        return missing if missing > IN_FLIGHT_S * SAMPLE_RATE else self.unsent

    def add(self, pcm: bytes) -> None:
        """Append audio; raises OverflowError when there is no room, as nothing unacked is ever given up."""
        frame = Frame(self.next_sample, pcm)
        if frame.end - frame.index > self.room:
            raise OverflowError("the ring is full")
        self.next_sample = frame.end
        self.kept += frame.end - frame.index
        self._unsent.append(frame)

    def mark(self, kind: str, *, skip: int = 0) -> None:
        """Append a mark, after ``skip`` samples that were captured and on purpose not kept."""
        self.next_sample += skip
        self._unsent.append(Mark(self.next_sample, kind))

    def peek(self) -> Item | None:
        """Return what is to be sent next, cut to what the server wants; None when all is sent."""
        if not self._unsent:
            return None
        item = self._unsent[0]
        return item.since(self._wanted) if isinstance(item, Frame) else item

    def take(self) -> None:
        """Count what ``peek`` shows as sent."""
        self._sent.append(self._unsent.popleft())

    def ack(self, next_sample: int) -> None:
        """Forget audio before ``next_sample``."""
        self.acked = max(self.acked, min(next_sample, self.next_sample))
        for items in (self._sent, self._unsent):
            while items and _is_before(items[0], self.acked):
                item = items.popleft()
                self.kept -= item.end - item.index if isinstance(item, Frame) else 0

    def rewind(self, next_sample: int) -> None:
        """Begin to send again at ``next_sample``, or at the oldest sample kept."""
        self.received = self._wanted = min(next_sample, self.next_sample)
        items = [*self._sent, *self._unsent]
        there = sum(_is_before(item, self._wanted) for item in items)
        self._sent, self._unsent = deque(items[:there]), deque(items[there:])


def _is_before(item: Item, index: int) -> bool:
    """Whether who has all samples before ``index`` surely has ``item``: a mark only if a sample after it arrived."""
    return item.end <= index if isinstance(item, Frame) else item.index < index
