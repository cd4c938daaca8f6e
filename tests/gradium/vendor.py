"""A vendor's session in virtual time: what it hears is what was sent, what it says is what Gradium would.

Samples carry their own index, so a session hears exactly the words whose audio reached it. What it hears it says on a
clock that runs ahead by the delay, with a step per frame, flushed and end_of_stream. A word of which the session got a
part is heard as "uh".
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import Final

from captions.gradium.messages import EndOfStream, EndText, Flushed, ServerMessage, Step, Text
from captions.gradium.setup import FRAME_S, HORIZONS_S
from tests.gradium.conditions import World
from tests.gradium.speaker import FRAME, PAIR_GAP_S, RATE, Uttered, index_of, recording

CUT_WORD: Final = "uh"
_NEVER_SILENT: Final = dict.fromkeys(HORIZONS_S, 0.0)
_FULL_S: Final = 1.4  # quiet for this long: all horizons say 1
_SILENT: Final = dict.fromkeys(HORIZONS_S, 1.0)


class VendorSession:
    """One session at the vendor. ``tag`` is put before each text, as if it were another language."""

    def __init__(
        self, world: World, rng: random.Random, words: list[Uttered], *, delay_in_frames: int, tag: str = ""
    ) -> None:
        self.world, self.rng, self.tag = world, rng, tag
        self.delay_in_frames = delay_in_frames
        self.lead_s = delay_in_frames * FRAME_S
        self.shift_s = rng.uniform(-world.shift_s, world.shift_s)
        self.all_words = words
        self.first: int | None = None  # the index of the first sample
        self.origin_s = 0.0  # and its time
        self.samples = 0
        self.heard_s = 0.0  # seconds of audio processed
        self.waiting: list[tuple[float, Uttered]] = []  # (audio time to say it at, word), times from the first sample
        self.unended: Uttered | None = None  # a word whose end is not told yet
        self.trailing: list[ServerMessage] = []  # said soon after flushed
        self.next_word = 0
        self.cut_s = 0.0  # words that begin before this and end after it were cut by a flush
        self.pad_s = 0.0  # silence the decoder has put in
        self.busy_until = 0.0
        self.over = False
        self.hung_until = 0.0
        self._as_one: dict[int, bool] = {}

    def hear(self, pcm: bytes, now: float) -> list[ServerMessage]:
        """Process audio, which may begin and end with padding."""
        silent = len(pcm) // 2 if self.first is None else 0
        if self.first is None and any(pcm):
            silent = next(at for at in range(len(pcm) // 2) if any(pcm[2 * at : 2 * at + 2]))
            self.first = index_of(pcm[2 * silent :], now) - self.samples - silent
            self.origin_s = self.first / RATE
            self.cut_s = (self.samples + silent) / RATE  # what began before that is heard from there on
            begins_s = self.origin_s + self.cut_s
            while self.next_word < len(self.all_words) and self.all_words[self.next_word].end_s <= begins_s:
                self.next_word += 1
        if self.first is None:
            self.samples += silent
            self.heard_s = self.samples / RATE
            return [self._step()]
        self.samples += silent
        pcm = pcm[2 * silent :]
        count = len(pcm) // 2
        expected = recording(self.first + self.samples, count)
        if pcm != expected:
            sound = len(pcm) - 2 * sum(pcm[at : at + 2] == b"\0\0" for at in range(0, len(pcm), 2))
            assert pcm[:sound] == expected[:sound], "audio must go on where it was"
            assert not any(pcm[sound:]), "padding stands at the end"
        self.samples += count
        self.heard_s = self.samples / RATE
        return [*self._texts(), self._step()]

    def _listen(self, *, cut: bool) -> None:
        """Note the words that ended in the audio so far; with ``cut`` also the part of one that has begun."""
        here_s = self.origin_s + self.heard_s
        while self.next_word < len(self.all_words):
            word = self.all_words[self.next_word]
            if word.end_s > here_s + 1e-6:
                if cut and word.start_s < here_s - 0.01:
                    self._note(word, here_s, whole=False)
                return  # the other part of it is heard when more comes
            whole = word.start_s >= self.origin_s + self.cut_s - 1e-6
            if word.joins and whole and self._hears_as_one(self.next_word):
                other = self.all_words[self.next_word + 1]
                if other.end_s <= here_s + 1e-6:
                    self._note(Uttered(word.text + other.text, word.start_s, other.end_s), here_s, whole=True)
                    self.next_word += 2
                    continue
                if not cut:
                    return
                self._as_one[self.next_word] = False
            self._note(word, here_s, whole=whole)
            self.next_word += 1

    def _hears_as_one(self, place: int) -> bool:
        """Tell whether a word and the next one are one to this session."""
        if place not in self._as_one:
            pair = self.all_words[place : place + 2]
            is_pair = len(pair) > 1 and pair[1].start_s - pair[0].end_s < 2 * PAIR_GAP_S
            self._as_one[place] = is_pair and self.rng.random() < 0.5
        return self._as_one[place]

    def _note(self, word: Uttered, here_s: float, *, whole: bool) -> None:
        """A word, or the part of it before ``here_s``, is to be said."""
        world, rng = self.world, self.rng
        start_s = max(0.0, word.start_s - self.origin_s, 0.0 if whole else self.cut_s)
        end_s = min(word.end_s, here_s) - self.origin_s
        text = self.tag + word.text
        warms_up = start_s < world.warm_up_s * rng.random()
        if not whole or warms_up:
            if warms_up and rng.random() < world.warm_up_deaf:
                return
            text = CUT_WORD
        elif rng.random() < world.respelt:
            text = text.upper() + "x"
        late_s = rng.uniform(0, world.late_s)
        say_at = (start_s if world.text_at_start else end_s) + self.lead_s + late_s
        if end_s - start_s > 0.02:
            self.waiting.append((max(say_at, end_s), Uttered(text, start_s, end_s)))

    def _texts(self, *, everything: bool = False) -> list[ServerMessage]:
        self._listen(cut=everything)
        said: list[ServerMessage] = []
        while self.waiting and (everything or self.waiting[0][0] <= self.heard_s + 1e-6):
            word = self.waiting.pop(0)[1]
            said += [*self._end(math.inf), Text(word.text, self._time(word.start_s))]
            self.unended = word
            said += self._end(math.inf if everything or not self.world.ends_later else self.heard_s)
        said += self._end(math.inf if everything else self.heard_s)
        return [*self.trail(), *said] if said else said

    def _end(self, until_s: float) -> list[ServerMessage]:
        """Return the end of the last word, if it is to be told by then."""
        word = self.unended
        if word is None or word.end_s + self.lead_s > until_s + 1e-6:
            return []
        self.unended = None
        return [EndText(self._time(word.end_s))]

    def _time(self, at_s: float) -> float:
        off_s = self.shift_s + self.rng.uniform(-self.world.jitter_s, self.world.jitter_s)
        return max(0.0, at_s + self.lead_s + self.pad_s + off_s)

    def _step(self) -> Step:
        return Step(self._inactivity(), self.samples // FRAME, self.heard_s + self.pad_s)

    def _inactivity(self) -> Mapping[float, float]:
        if not self.world.vad:
            return _NEVER_SILENT
        here_s, quiet_s = self.origin_s + self.heard_s, self.heard_s
        if self.first is None:
            here_s = -1.0
        first = max(0, self.next_word - 2)
        for place, word in enumerate(self.all_words[first : self.next_word + 2], first):
            if word.start_s + self.world.vad_lags_s * (place * 0.618 % 1) < here_s:
                quiet_s = min(quiet_s, max(0.0, here_s - word.end_s))
        if quiet_s <= 0:
            return _NEVER_SILENT
        if quiet_s >= _FULL_S:
            return _SILENT
        return {horizon: min(1.0, quiet_s / (0.4 * horizon + 0.2)) for horizon in HORIZONS_S}

    def flush(self, flush_id: int) -> list[ServerMessage]:
        """Return what is said at a flush; what trails it waits in ``trailing``."""
        text = self._texts(everything=True)
        self.cut_s = self.heard_s
        steps: list[ServerMessage] = []
        for _ in range(self.delay_in_frames if self.world.flush_pads else 0):
            self.pad_s += FRAME_S
            steps.append(self._step())
        if self.world.trail_s:
            self.trailing += text
            return [*steps, Flushed(flush_id)]
        return [*text, *steps, Flushed(flush_id)]

    def trail(self) -> list[ServerMessage]:
        """Return what trailed a flush, once."""
        said, self.trailing = self.trailing, []
        return said

    def end(self) -> list[ServerMessage]:
        """Return what is said at the end of the audio."""
        self.over = True
        return [*self.trail(), *self._texts(everything=True), EndOfStream()]
