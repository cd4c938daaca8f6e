"""One request's messages: which to send once a frame has been heard. Pure.

A word is heard at its audio time, but Gradium's model reads ``delay_in_frames`` further before it speaks, and its clock
is that of the reading: word times are the audio's plus the delay, and no word comes before the clock has reached it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

from captions.engine.hearing import Heard, Word
from captions.gradium.messages import EndText, ServerMessage, Step, Text
from captions.gradium.setup import FRAME_S, HORIZONS_S

DEFAULT_DELAY_IN_FRAMES: Final = 10


def inactivity(silence_s: float) -> dict[float, float]:
    """Return how likely it is that nobody goes on speaking, per horizon in seconds.

    Gradium's model predicts this; a recogniser without a prediction knows how long it has been silent: certain once the
    silence is as long as the horizon.
    """
    return {horizon: round(min(1.0, max(0.0, silence_s / horizon)), 3) for horizon in HORIZONS_S}


class Pacer:
    """Words on their way out: in order, each at its time on the decoder's clock, never before it.

    ``late_s`` holds every word back further, in seconds of audio (for tests of clients).
    """

    def __init__(self, lead_s: float, late_s: float = 0.0) -> None:
        self._lead_s = lead_s
        self._late_s = late_s
        self._waiting: deque[tuple[float, ServerMessage]] = deque()

    def add(self, words: Iterable[Word]) -> None:
        """Take words that were heard."""
        for word in words:
            start_s, stop_s = round(word.start_s + self._lead_s, 3), round(word.end_s + self._lead_s, 3)
            self._waiting.append((start_s + self._late_s, Text(word.text, start_s)))
            self._waiting.append((stop_s + self._late_s, EndText(stop_s)))

    def due(self, clock_s: float) -> list[ServerMessage]:
        """Return what may be sent when ``clock_s`` seconds of audio have been read."""
        messages: list[ServerMessage] = []
        while self._waiting and self._waiting[0][0] <= clock_s + 1e-9:
            messages.append(self._waiting.popleft()[1])
        return messages

    def all(self) -> list[ServerMessage]:
        """Return everything that waits: a flush does not wait for more audio."""
        messages = [message for _, message in self._waiting]
        self._waiting.clear()
        return messages


class Reply:
    """Turns what a recogniser heard into the messages of one request."""

    def __init__(self, delay_in_frames: int, late_s: float = 0.0) -> None:
        self._pacer = Pacer(delay_in_frames * FRAME_S, late_s)
        self._steps = 0

    def step(self, heard: Heard) -> list[ServerMessage]:
        """Return the messages after one more frame of 80 ms."""
        self._pacer.add(heard.words)
        self._steps += 1
        clock_s = round(self._steps * FRAME_S, 3)
        step = Step(inactivity(heard.silence_s), step_idx=self._steps - 1, total_duration_s=clock_s)
        return [step, *self._pacer.due(clock_s)]

    def rest(self, words: Iterable[Word]) -> list[ServerMessage]:
        """Return all text of the audio so far, for a flush or the end of the stream."""
        self._pacer.add(words)
        return self._pacer.all()
