"""A vendor in virtual time: what it hears is what was sent, what it says is what Gradium would, and it has faults.

Samples carry their own index, so a session hears exactly the words whose audio reached it. What it hears it says on a
clock that runs ahead by the delay, with a step per frame, flushed and end_of_stream. A word of which the session got a
part is heard as "uh".
"""

from __future__ import annotations

import array
import random
from dataclasses import dataclass
from typing import Final

from captions.gradium.messages import EndOfStream, EndText, Flushed, ServerMessage, Step, Text
from captions.gradium.setup import FRAME_S

# A sample holds its index plus 1; 0 is padding. At this rate an index of four minutes fits into 16 bits.
RATE: Final = 250
FRAME: Final = int(RATE * FRAME_S)
CUT_WORD: Final = "uh"


@dataclass(frozen=True, slots=True)
class Uttered:
    """A word of the speaker, with its times in his audio (s)."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class World:
    """What goes on and what goes wrong. Times are seconds, chances are shares of 1."""

    talk_s: float = 120.0
    pauses: bool = True
    common: float = 0.0  # words drawn from a few common ones
    # The network.
    round_trip_s: float = 0.04
    network_jitter_s: float = 0.0
    # The vendor.
    delay_in_frames: int = 10
    cap_s: float = 300.0  # what the stream is told
    real_cap_s: float = 0.0  # what the vendor does; 0: the same
    cap_counts_time: bool = False
    cap_ends_by: str = "error"  # "error", "close", "end"
    connect_s: tuple[float, float] = (0.05, 0.15)
    refusals: float = 0.0
    aborts_every_s: float = 0.0
    hangs_every_s: float = 0.0
    hang_s: float = 60.0
    speed: float = 50.0  # times real time
    text_at_start: bool = False  # a text comes the delay after the word's start, not its end
    warm_up_s: float = 0.0
    shift_s: float = 0.0  # all times of a session are off by up to this
    jitter_s: float = 0.0  # each time is off by up to this
    respelt: float = 0.0
    late_s: float = 0.0
    trail_s: float = 0.0  # text after flushed
    flush_pads: bool = False  # a flush is done with the delay's worth of silence, which the decoder's clock counts
    # The speaker.
    drops: tuple[tuple[float, float], ...] = ()  # (at, for)
    drops_every_s: float = 0.0
    drop_s: tuple[float, float] = (0.3, 20.0)
    rests: tuple[tuple[float, float], ...] = ()
    rests_every_s: float = 0.0
    crashes_every_s: float = 0.0


class VendorSession:
    """One session at the vendor. ``say`` sends a message after a delay; ``hang_up`` closes the connection."""

    def __init__(self, world: World, rng: random.Random, words: list[Uttered], opened_at: float) -> None:
        self.world, self.rng, self.opened_at = world, rng, opened_at
        self.lead_s = world.delay_in_frames * FRAME_S
        self.shift_s = rng.uniform(-world.shift_s, world.shift_s)
        self.all_words = words
        self.first: int | None = None  # the index of the first sample
        self.samples = 0
        self.waiting: list[tuple[float, Uttered]] = []  # (audio time to say it at, word), times from the first sample
        self.next_word = 0
        self.cut_s = 0.0  # words that begin before this and end after it were cut by a flush
        self.pad_s = 0.0  # silence the decoder has put in
        self.busy_until = 0.0
        self.over = False
        self.hung_until = 0.0

    def hear(self, pcm: bytes) -> list[ServerMessage]:
        """Process audio."""
        indexes = array.array("H", pcm)
        for index in indexes:
            if index:
                if self.first is None:
                    self.first = index - 1 - self.samples
                    while (
                        self.next_word < len(self.all_words) and self.all_words[self.next_word].end_s <= self.origin_s
                    ):
                        self.next_word += 1
                assert index - 1 == self.first + self.samples, "audio must go on where it was"
            self.samples += 1
        return [*self._texts(), self._step()]

    @property
    def origin_s(self) -> float:
        return (self.first or 0) / RATE

    @property
    def heard_s(self) -> float:
        """Seconds of audio processed."""
        return self.samples / RATE

    def _listen(self, *, cut: bool) -> None:
        """Note the words that ended in the audio so far; with ``cut`` also the part of one that has begun."""
        here_s = self.origin_s + self.heard_s
        while self.next_word < len(self.all_words):
            word = self.all_words[self.next_word]
            part = word.start_s < self.origin_s + self.cut_s - 1e-6
            if word.end_s <= here_s + 1e-6:
                text = word.text
            elif cut and word.start_s < here_s - 0.01:
                text, part = CUT_WORD, True
            else:
                break
            start_s = max(0.0, word.start_s - self.origin_s, self.cut_s if part else 0.0)
            end_s = min(word.end_s, here_s) - self.origin_s
            if part or start_s < self.world.warm_up_s * self.rng.random():
                text = CUT_WORD
            elif self.rng.random() < self.world.respelt:
                text = text.upper() + "x"
            late_s = self.rng.uniform(0, self.world.late_s)
            say_at = (start_s if self.world.text_at_start else end_s) + self.lead_s + late_s
            if end_s - start_s > 0.02:
                self.waiting.append((max(say_at, end_s), Uttered(text, start_s, end_s)))
            if word.end_s > here_s + 1e-6:
                break  # the other part of it is heard when more comes
            self.next_word += 1

    def _texts(self, *, everything: bool = False) -> list[ServerMessage]:
        self._listen(cut=everything)
        said: list[ServerMessage] = []
        while self.waiting and (everything or self.waiting[0][0] <= self.heard_s + 1e-6):
            word = self.waiting.pop(0)[1]
            said += [Text(word.text, self._time(word.start_s)), EndText(self._time(word.end_s))]
        return said

    def _time(self, at_s: float) -> float:
        off_s = self.shift_s + self.rng.uniform(-self.world.jitter_s, self.world.jitter_s)
        return max(0.0, at_s + self.lead_s + self.pad_s + off_s)

    def _step(self) -> Step:
        here_s = self.origin_s + self.heard_s
        quiet_s = self.heard_s
        for word in self.all_words[max(0, self.next_word - 2) : self.next_word + 2]:
            if word.start_s < here_s:
                quiet_s = min(quiet_s, max(0.0, here_s - word.end_s))
        inactivity = {h: min(1.0, quiet_s / (0.4 * h + 0.2)) for h in (0.5, 1.0, 2.0, 3.0)}
        return Step(inactivity, self.samples // FRAME, self.heard_s + self.pad_s)

    def flush(self, flush_id: int) -> tuple[list[ServerMessage], list[ServerMessage]]:
        """Return what is said at a flush, and what trails it."""
        text = self._texts(everything=True)
        self.cut_s = self.heard_s
        steps: list[ServerMessage] = []
        for _ in range(self.world.delay_in_frames if self.world.flush_pads else 0):
            self.pad_s += FRAME_S
            steps.append(self._step())
        if self.world.trail_s:
            return [*steps, Flushed(flush_id)], text
        return [*text, *steps, Flushed(flush_id)], []

    def end(self) -> list[ServerMessage]:
        """Return what is said at the end of the audio."""
        self.over = True
        return [*self._texts(everything=True), EndOfStream()]
