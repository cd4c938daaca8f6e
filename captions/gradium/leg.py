"""One Gradium session as the stream sees it: what it was fed, what it has heard, what it still owes. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from captions.gradium.actions import Action, Output, Send, SendEnd, SendFlush
from captions.gradium.messages import Ready, Step
from captions.gradium.seam import Seam
from captions.gradium.setup import FRAME_S
from captions.gradium.tape import BYTES_PER_SAMPLE, Run

AHEAD_S: Final = 3.0  # at most this much audio is under way to the engine
OWED_S: Final = 0.2  # less than this under way is no debt of the engine's
HOLD_S: Final = 0.7  # waiting for silence to be confirmed ends here
TRAIL_S: Final = 0.15  # text may trail `flushed` by this (Pipecat waits 0.1 s), and one text the other
FLUSH_LIMIT_S: Final = 2.0
HANG_S: Final = 6.0  # an engine that owes something and says nothing for this long is given up
CONNECT_LIMIT_S: Final = 10.0
LEAVE_IN_PAUSE: Final = 0.80  # shares of the session cap
LEAVE_AT_ONCE: Final = 0.97
STOP_FEEDING: Final = 0.99
# Inactivity reads low before the model has heard anything, and is unreliable after a flush (Gradium's guides): steps.
UNRELIABLE_STEPS: Final = 8
# Steps in a row that must agree before silence is believed.
AGREEING_STEPS: Final = 2
# The short horizon (s) and the likelihood that make a pause in which a session may be changed.
PAUSE_HORIZON_S: Final = 0.5
PAUSE_THRESHOLD: Final = 0.6


@dataclass(frozen=True, slots=True)
class Settings:
    """What the stream needs to know of the room and the engine."""

    rate: int = 24_000
    session_s: float = 300.0
    delay_s: float = 0.8
    horizon_s: float = 2.0
    threshold: float = 0.5

    @property
    def frame(self) -> int:
        """Samples in a frame of the model."""
        return int(self.rate * FRAME_S)


class Phase(enum.Enum):
    """Where a leg is in its life."""

    CONNECTING = enum.auto()
    OPEN = enum.auto()
    ENDING = enum.auto()  # end_of_stream was sent; its answer is awaited


class Utterance(enum.Enum):
    """How far the end of an utterance has come."""

    NONE = enum.auto()
    HOLDING = enum.auto()  # feeding stopped, until all that was fed is known to be silent
    FLUSHING = enum.auto()  # flush was sent
    SETTLING = enum.auto()  # flushed came; its text may still trail


class Leg:
    """A session and its counters. Positions are sample indexes of the tape, times seconds of the caller's clock.

    What the session is to be sent goes to ``out``.
    """

    def __init__(
        self,
        leg_id: int,
        run: Run,
        origin: int,
        *,
        seam: Seam,
        now: float,
        settings: Settings,
        out: list[Action | Output],
    ) -> None:
        self.id = leg_id
        self.run = run
        self.origin = self.fed = self.seen = origin
        self.seam = seam
        self.lead_s = settings.delay_s
        self.phase = Phase.CONNECTING
        self.has_stepped = False
        self._settings = settings
        self._out = out
        self._since = self._progress_at = now
        self._reliable_in = UNRELIABLE_STEPS
        self._quiet_steps = 0
        self._pause_steps = 0
        self._heard_speech = False
        self._utterance = Utterance.NONE
        self._utterance_at = now
        self._flushes = 0
        # A flush may be done with silence of the decoder's own, which its clock then counts (see note_clock).
        self._flushed_s = 0.0
        self._skew_s = self._skew_before_s = 0.0

    # What it knows -------------------------------------------------------------------------------------------------

    @property
    def is_silent(self) -> bool:
        """The engine takes the utterance for over."""
        return self._quiet_steps >= AGREEING_STEPS

    @property
    def has_all(self) -> bool:
        """It was fed its whole run of audio, as far as there is any."""
        return self.fed >= self.run.end

    @property
    def heard(self) -> int:
        """The index before which the text of all words has come, but for late text."""
        return self.seen - int(self.lead_s * self._settings.rate)

    def used(self, now: float) -> float:
        """Return the share of its cap the session has used: of audio or of time, whichever is more."""
        return max((self.fed - self.origin) / self._settings.rate, now - self._since) / self._settings.session_s

    def audio_s(self, decoder_s: float) -> float:
        """Return the time in the speaker's audio of a time on the decoder's clock, which runs ahead by the delay."""
        since_s = decoder_s - self.lead_s
        is_after_flush = since_s >= self._flushed_s + self._skew_before_s
        since_s -= self._skew_s if is_after_flush else self._skew_before_s
        return self.origin / self._settings.rate + max(0.0, since_s)

    def waits_s(self, now: float) -> float:
        """Return for how long it owes an answer; 0 when it owes none."""
        owes = self.phase is Phase.ENDING or self.fed - self.seen > int(OWED_S * self._settings.rate)
        return now - self._progress_at if owes and self.phase is not Phase.CONNECTING else 0.0

    def is_stuck(self, now: float) -> bool:
        """It owes an answer for too long."""
        if self.phase is Phase.CONNECTING:
            return now - self._since > CONNECT_LIMIT_S
        return self.waits_s(now) > HANG_S

    # What it is told -----------------------------------------------------------------------------------------------

    def ready(self, ready: Ready, now: float) -> None:
        """The session is open."""
        self.phase = Phase.OPEN
        self._progress_at = now
        if ready.lead_s is not None:
            self.lead_s = ready.lead_s

    def note_sign_of_life(self, now: float) -> None:
        """A message came."""
        self._progress_at = now

    def step(self, step: Step, now: float, *, caught_up: bool, in_utterance: bool) -> None:
        """A frame was processed; ``in_utterance``: words went out since the last end of an utterance."""
        self._note_clock(step.total_duration_s)
        position = self.origin + round((step.total_duration_s - self._skew_s) * self._settings.rate)
        self.seen = min(self.fed, max(self.seen, position))
        self.has_stepped = True
        self._note_silence(step.inactivity)
        if self.phase is not Phase.OPEN:
            return
        is_over = self.is_silent and (self._heard_speech or in_utterance)
        may_leave = self._pause_steps >= AGREEING_STEPS and self.used(now) >= LEAVE_IN_PAUSE
        if self._utterance is Utterance.NONE and caught_up and (is_over or may_leave):
            # A flush or an end applies to what was sent, silence to what was processed: stop, until they are the same.
            self._utterance, self._utterance_at = Utterance.HOLDING, now
        if self._utterance is Utterance.HOLDING:
            if not (is_over or may_leave):
                self._utterance = Utterance.NONE
            elif self.seen >= self.fed:
                if may_leave:
                    self.end(now)
                else:
                    self._flush(now)

    def _note_clock(self, decoder_s: float) -> None:
        """Learn by how much the decoder counts more than it was sent: it has put in silence of its own at a flush."""
        surplus_s = decoder_s - (self.fed - self.origin) / self._settings.rate
        if surplus_s > max(FRAME_S, self._skew_s):  # up to a frame is the last one, filled up
            self._skew_s = surplus_s

    def flushed(self, now: float) -> None:
        """The flush was answered."""
        if self._utterance is Utterance.FLUSHING:
            self._utterance, self._utterance_at = Utterance.SETTLING, now + TRAIL_S

    def note_text(self, now: float) -> None:
        """A text or the end of one came: more may trail it."""
        if self._utterance is Utterance.SETTLING:
            self._utterance_at = now + TRAIL_S

    def utterance_has_ended(self, now: float) -> bool:
        """Tell, once, that an utterance was flushed and its text is out; call it as time passes."""
        late_s = now - self._utterance_at
        if self._utterance is Utterance.HOLDING and late_s > HOLD_S:
            self._utterance = Utterance.NONE
            self._reliable_in = UNRELIABLE_STEPS  # feed for a while before the next try
        elif self._utterance is Utterance.FLUSHING and late_s > FLUSH_LIMIT_S:
            self._utterance, self._utterance_at = Utterance.SETTLING, now
        elif self._utterance is Utterance.SETTLING and late_s >= 0:
            self._utterance = Utterance.NONE
            return True
        return False

    # What it sends -------------------------------------------------------------------------------------------------

    def feed(self, now: float, *, run_is_over: bool, cut: bool) -> None:
        """Send what there is, as far as the engine keeps up, in whole frames but at the end of the run.

        ``cut``: the run breaks off, perhaps inside a word.
        """
        if self.phase is not Phase.OPEN or self._utterance is Utterance.HOLDING:
            return
        rate, frame = self._settings.rate, self._settings.frame
        # Steps are the engine's acknowledgements. Until the first one comes, audio goes out as it is spoken.
        processed = self.seen if self.has_stepped else self.origin + int((now - self._since) * rate)
        limit = processed + int(AHEAD_S * rate)
        while not self.has_all:
            count = min(frame, self.run.end - self.fed)
            too_early = count < frame and not run_is_over
            if too_early or self.fed + count > limit or self.used(now) > STOP_FEEDING:
                return
            if self.fed <= self.seen:
                self._progress_at = now  # from now on the engine owes an answer
            pcm = self.run.read(self.fed, count)
            self._out.append(Send(self.id, pcm.ljust(frame * BYTES_PER_SAMPLE, b"\0")))
            self.fed += count
        if run_is_over:
            self.seam.withholding = cut
            self.end(now)

    def end(self, now: float) -> None:
        """No more audio: all text of what was fed is wanted."""
        self.phase = Phase.ENDING
        self._progress_at = now
        self._out.append(SendEnd(self.id))

    def _flush(self, now: float) -> None:
        self._utterance, self._utterance_at = Utterance.FLUSHING, now
        self._reliable_in = UNRELIABLE_STEPS
        self._quiet_steps = self._pause_steps = 0
        self._heard_speech = False
        self._flushed_s, self._skew_before_s = (self.fed - self.origin) / self._settings.rate, self._skew_s
        self._flushes += 1
        self._out.append(SendFlush(self.id, self._flushes))

    def _note_silence(self, inactivity: Mapping[float, float]) -> None:
        silence = _at(inactivity, self._settings.horizon_s)
        pause = _at(inactivity, PAUSE_HORIZON_S)
        if self._reliable_in:
            self._reliable_in -= 1
            self._quiet_steps = self._pause_steps = 0
            return
        self._quiet_steps = self._quiet_steps + 1 if silence >= self._settings.threshold else 0
        self._pause_steps = self._pause_steps + 1 if pause >= PAUSE_THRESHOLD else 0
        if pause < PAUSE_THRESHOLD:
            self._heard_speech = True


def _at(inactivity: Mapping[float, float], horizon_s: float) -> float:
    """Return the likelihood at a horizon; at the nearest one if the engine does not tell that one."""
    if horizon_s in inactivity:
        return inactivity[horizon_s]
    if not inactivity:
        return 0.0
    return inactivity[min(inactivity, key=lambda known: abs(known - horizon_s))]
