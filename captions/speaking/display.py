"""What a speaker in a terminal sees: finals on stdout; on stderr how far it is and how it stands. Or JSON on stdout."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import Final, Protocol, TextIO

from captions.audio.frames import SAMPLE_RATE
from captions.fanout import events
from captions.speaking.driver import Event, Lost
from captions.speaking.messages import Error, Ping
from captions.speaking.speaker import Phase, Speaker

PLAIN_EVERY_S: Final = 10
"""Where lines cannot be redrawn, one is written so often, and at every change of state."""

_DETAILS: Final = {
    "budget": "out of time for today",
    "budget_month": "out of time for this month",
    "engine_busy": "waiting for a caption line",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """Where a speaker stands. ``length_s`` is None for a pipe."""

    position_s: float
    length_s: float | None
    behind_s: float
    unacked_s: float
    state: str

    @classmethod
    def of(cls, speaker: Speaker, length_s: float | None, now: float) -> Progress:
        """Measure a speaker at a time of its clock."""
        position, behind, unacked = (
            round(samples / SAMPLE_RATE, 2)
            for samples in (speaker.ring.next_sample, speaker.ring.waiting, speaker.ring.kept)
        )
        return cls(position, length_s, behind, unacked, _state(speaker, now))

    def __str__(self) -> str:
        length = f" of {_clock(self.length_s)}" if self.length_s is not None else ""
        parts = [f"{_clock(self.position_s)}{length}", self.state]
        if self.behind_s >= 1:
            parts.append(f"{self.behind_s:.0f} s behind")
        if self.unacked_s >= 1:
            parts.append(f"{self.unacked_s:.0f} s not yet safe")
        return " · ".join(parts)


class Display(Protocol):
    """Shows one talk."""

    def event(self, event: Event) -> None:
        """Something happened."""

    def progress(self, progress: Progress) -> None:
        """A quarter of a second has gone by."""

    def close(self) -> None:
        """The talk is over."""


class Text:
    """For people. On a terminal the last line is drawn anew: progress, then the end of the interim as it grows."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out = out
        self._err = err
        self._redraws = err.isatty()
        self._interim = ""
        self._line = ""
        self._state = ""
        self._plain_at = 0.0

    def event(self, event: Event) -> None:
        """Write a final or a lost connection; keep an interim for the line."""
        match event:
            case events.Final(text=text):
                self._interim = ""
                self._write(self._out, text)
            case events.Interim(text=text):
                self._interim = text
                self._draw()
            case events.Gap():
                self._write(self._err, f"{(event.end_ms - event.start_ms) / 1000:.1f} s are missing in the captions.")
            case Error(fatal=False, message=message):
                self._write(self._err, message)
            case Lost(reason=reason, retry_s=retry_s):
                self._write(
                    self._err, f"Connection lost: {reason}. Trying again in {retry_s:.1f} s; what is said is kept."
                )

    def progress(self, progress: Progress) -> None:
        """Draw the line anew, or write one where that is impossible and something is worth it."""
        self._line = str(progress)
        if self._redraws:
            self._draw()
        elif progress.state != self._state or progress.position_s >= self._plain_at + PLAIN_EVERY_S:
            self._state, self._plain_at = progress.state, progress.position_s
            self._write(self._err, self._line)

    def close(self) -> None:
        """Leave the last line as it is."""
        if self._redraws and self._line:
            self._interim = ""
            self._draw()
            self._err.write("\n")

    def _write(self, file: TextIO, text: str) -> None:
        if self._redraws:
            self._err.write("\r\x1b[K")
            self._err.flush()
        file.write(_printable(text) + "\n")
        file.flush()
        self._draw()

    def _draw(self) -> None:
        if self._redraws:
            room = max(0, os.get_terminal_size(self._err.fileno()).columns - 1)
            line = self._line[:room]
            left = room - len(line) - 3
            if self._interim and left > 0:
                line += " · " + _printable(self._interim)[-left:]
            self._err.write(f"\r\x1b[K{line}")
            self._err.flush()


class Json:
    """For programs: one object a line on stdout, with ``type``."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._shown = (-1, "")

    def event(self, event: Event) -> None:
        """Write the event, unless it is a mere sign of life."""
        if not isinstance(event, Ping):
            self._write(event)

    def progress(self, progress: Progress) -> None:
        """Write it once for every second of sound, and at every change of state."""
        shown = (int(progress.position_s), progress.state)
        if shown != self._shown:
            self._shown = shown
            self._write(progress)

    def close(self) -> None:
        """Write nothing more."""

    def _write(self, value: Event | Progress) -> None:
        body = {"type": type(value).__name__.lower(), **dataclasses.asdict(value)}
        self._out.write(json.dumps(body, ensure_ascii=False) + "\n")
        self._out.flush()


def _state(speaker: Speaker, now: float) -> str:
    match speaker.phase:
        case Phase.AWAY:
            return "connecting" if speaker.ready is None else "reconnecting"
        case Phase.OVER:
            return "ended" if speaker.failure is None else "failed"
        case Phase.ON_AIR if speaker.in_doubt(now):
            return "reconnecting"
        case Phase.ON_AIR if speaker.ending:
            return "ending"
        case Phase.ON_AIR:
            return "connected" if speaker.state is None else _state_words(speaker.state)


def _state_words(state: events.State) -> str:
    if state.detail in _DETAILS:
        return _DETAILS[state.detail]
    return " ".join(filter(None, (state.state, state.detail.replace("_", " "))))


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _printable(text: str) -> str:
    """Return ``text`` with nothing in it that moves a terminal's cursor."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
