"""One room as this process knows it: the newest session's finals, its interim and state, in order. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

KEPT_FINALS: Final = 2_000
SNAPSHOT_FINALS: Final = 500

Kind: TypeAlias = Literal["interim", "final", "state", "beat", "fence", "yield", "settings"]


@dataclass(frozen=True, slots=True)
class Item:
    """A frame on its way from a captioner to the hubs.

    ``seq`` is the frame's own for ``interim`` and ``final`` (which stands for gaps too), and the newest final's for
    ``state`` and ``beat``. A beat repeats the state, as a sign of life; both tell when the session began (ISO 8601).
    ``fence`` is the fencing number of the captioner's lease. An item of kind ``fence`` tells that there is a newer
    captioner, one of kind ``yield`` that somebody would like to become it, one of kind ``settings`` that the room was
    changed by staff.
    """

    kind: Kind
    session: int
    seq: int
    frame: str = ""
    started_at: str = ""
    fence: int = 0


@dataclass(frozen=True, slots=True)
class Delivery:
    """A frame for every reader; ``interim_of`` is 0 or the ``seq`` whose older interims it replaces."""

    frame: str
    interim_of: int = 0


class MissingError(Exception):
    """Finals before this item never came: they have to be read from the database first."""


class Feed:
    """Takes items, says what readers get. A double is dropped; a hole raises MissingError and changes nothing."""

    def __init__(self) -> None:
        self.session = 0
        self.seq = 0
        self.kept: deque[tuple[int, str]] = deque(maxlen=KEPT_FINALS)
        self.interim: str | None = None
        self.state_frame = ""
        self.started_at = ""
        self.fence = 0

    @property
    def first_kept(self) -> int:
        """The oldest ``seq`` at hand; the next one to come if there is none."""
        return self.kept[0][0] if self.kept else self.seq + 1

    def apply(self, item: Item) -> list[Delivery]:
        """Take an item; raises MissingError."""
        if (item.session, item.fence) < (self.session, self.fence):
            return []  # of a captioner whose time is over
        newest = self.seq if item.session == self.session else 0
        needed = item.seq - 1 if item.kind in ("interim", "final") else item.seq
        if needed > newest:
            raise MissingError
        if item.session > self.session:
            self._begin(item.session)
        self.fence = item.fence
        self.started_at = item.started_at or self.started_at
        match item.kind:
            case "interim" if item.seq == self.seq + 1:
                self.interim = item.frame
                return [Delivery(item.frame, item.seq)]
            case "final" if item.seq == self.seq + 1:
                return [self._add(item.seq, item.frame)]
            case "state" | "beat" if item.frame != self.state_frame:
                self.state_frame = item.frame
                return [Delivery(item.frame)]
        return []

    def fill(self, session: int, rows: Iterable[tuple[int, str]]) -> list[Delivery]:
        """Take finals read from the database, in order; those already here are passed over."""
        if session < self.session:
            return []
        if session > self.session:
            self._begin(session)
        out: list[Delivery] = []
        for seq, frame in rows:
            if not self.kept and not self.seq:
                self.seq = seq - 1  # older ones are left in the database
            if seq == self.seq + 1:
                out.append(self._add(seq, frame))
        return out

    def since(self, seq: int) -> list[str]:
        """Return the frames of kept finals after ``seq``."""
        return [frame for number, frame in self.kept if number > seq]

    def _begin(self, session: int) -> None:
        self.session, self.seq, self.interim, self.started_at, self.fence = session, 0, None, "", 0
        self.kept.clear()

    def _add(self, seq: int, frame: str) -> Delivery:
        self.seq, self.interim = seq, None
        self.kept.append((seq, frame))
        return Delivery(frame)
