"""What a run of rooms comes to in figures, and the story of a word that went wrong."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.proof.hall import FRAME_S, RoomRun
from tests.proof.tap import Leg

DELAY_S = 0.8
_DECIDED_S = 0.01  # the engine knows that a word has ended after this much silence
_BEFORE_S, _AFTER_S = 0.5, 1.0  # around a seam: words due from here to there are words at a rollover
STALL_S = 0.1


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value that ``share`` of the values do not exceed; NaN of none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def spread(values: Sequence[float]) -> str:
    """Return p50, p99 and max of seconds, in milliseconds."""
    p50, p99, most = (1000 * percentile(values, share) for share in (0.5, 0.99, 1.0))
    return f"p50 {p50:5.0f} ms   p99 {p99:5.0f} ms   max {most:5.0f} ms   of {len(values)}"


def cpu_s(pid: int) -> float:
    """Return the CPU seconds a process has used, with those of its ended children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")


@dataclass
class Flow:
    """How words flowed, in seconds.

    ``since_end``: from the moment the end of a word was sent to the reader's screen, less the engine's delay.
    ``late``: beyond the moment at which an engine that hears without a break would have said the word.
    ``stalls``: of each rollover, the latest word around it.
    """

    since_end: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    late_at_seams: list[float] = field(default_factory=list)
    late_elsewhere: list[float] = field(default_factory=list)
    stalls: list[float] = field(default_factory=list)

    def add(self, room: RoomRun) -> None:
        """Measure a room's words."""
        shown = room.shown_at()
        seams = [
            (after.opened_at - _BEFORE_S, max(before.closed_at, after.opened_at) + _AFTER_S)
            for before, after in zip(room.legs, room.legs[1:], strict=False)
        ]
        worst: list[float] = [math.nan] * len(seams)
        for text, start_s, end_s in room.talk.words:
            at, sent_at = shown.get(text), _sent_at(room, end_s)
            due_at = _sent_at(room, max(start_s + DELAY_S, end_s + _DECIDED_S))
            if at is None or sent_at is None or due_at is None:
                continue
            late = at - due_at
            self.since_end.append(at - sent_at - DELAY_S)
            self.late.append(late)
            near = [number for number, (begin, end) in enumerate(seams) if begin <= due_at <= end]
            for number in near:
                worst[number] = late if math.isnan(worst[number]) else max(worst[number], late)
            (self.late_at_seams if near else self.late_elsewhere).append(late)
        self.stalls += [stall for stall in worst if not math.isnan(stall)]

    def lines(self) -> list[str]:
        """Return the figures as lines."""
        over = sum(late > STALL_S for late in self.late_elsewhere)
        stalled = sum(stall > STALL_S for stall in self.stalls)
        return [
            f"word's end sent to reader, less delay   {spread(self.since_end)}",
            f"lateness of all words                   {spread(self.late)}",
            f"  at rollovers                          {spread(self.late_at_seams)}",
            f"  elsewhere                             {spread(self.late_elsewhere)}",
            f"stall of a rollover (its latest word)   {spread(self.stalls)}",
            f"rollovers with a stall over 100 ms: {stalled} of {len(self.stalls)}",
            f"words over 100 ms late elsewhere: {over} of {len(self.late_elsewhere)}",
        ]


def _sent_at(room: RoomRun, second: float) -> float | None:
    """Return when the audio up to ``second`` of a talk had been sent; None: never."""
    number = max(0, math.ceil(second / FRAME_S - 1e-9) - 1)
    return room.sent_at[number] if number < len(room.sent_at) else None


def tell(room: RoomRun, text: str) -> str:
    """Return the story of a word: when it was said, which sessions heard it, what a reader saw."""
    began = room.sent_at[0]
    lines = [f"room {room.slug}, word {text}; seconds since its first audio was sent"]
    said = next((word for word in room.talk.words if word[0] == text), None)
    events: list[tuple[float, str]] = []
    if said is not None:
        lines.append(f"  spoken from {said[1]:.2f} to {said[2]:.2f} s of the talk")
        sent = _sent_at(room, said[2])
        if sent is not None:
            events.append((sent, "its end was sent"))
    starts = {word: start_s for word, start_s, _ in room.talk.words}
    for leg in room.legs:
        events += _of_leg(leg, text, starts)
    for at, frame in room.seen:
        if frame["type"] in ("interim", "final") and text in frame["text"].split():
            events.append((at, f"reader: {frame['type']} {frame['seq']} {frame['text'][-60:]!r}"))
    middle = next((at for at, what in sorted(events) if "said" in what or "sent" in what), began)
    near = [event for event in sorted(events) if abs(event[0] - middle) < 12]
    return "\n".join([*lines, *(f"  {at - began:8.3f}  {what}" for at, what in near)])


def _of_leg(leg: Leg, text: str, starts: dict[str, float]) -> list[tuple[float, str]]:
    known = next((heard for heard in leg.heard if heard.text in starts), None)
    origin = "?" if known is None else f"{starts[known.text] + DELAY_S - known.start_s:.2f}"
    name = f"session {leg.number}"
    events = [(leg.opened_at, f"{name} opened, hears from {origin} s of the talk")]
    events += [(heard.at, f"{name} said {text}") for heard in leg.heard if heard.text == text]
    if leg.closed_at:
        events.append((leg.closed_at, f"{name} over after {leg.audio_s:.2f} s of audio: {leg.ending}"))
    return events
