"""One Gradium session as the stream sees it: what it was fed, what it has heard, what it still owes. Pure."""

from __future__ import annotations

import enum
from typing import Final

from captions.gradium.actions import Action, Output, Send, SendEnd, SendFlush
from captions.gradium.editions import Settings
from captions.gradium.gate import Gate
from captions.gradium.messages import Ready, Step
from captions.gradium.seam import Seam
from captions.gradium.setup import FRAME_S
from captions.gradium.tape import BYTES_PER_SAMPLE, Run
from captions.gradium.utterance import Decision, Utterance

AHEAD_S: Final = 3.0  # at most this much audio is under way to the engine
OWED_S: Final = 0.2  # less than this under way is no debt of the engine's
HANG_S: Final = 6.0  # an engine that owes something and says nothing for this long is given up
CONNECT_LIMIT_S: Final = 10.0
END_LIMIT_S: Final = 1.8  # for the answer to end_of_stream, once all is processed
ONSET_S: Final = 0.4  # a word may have begun this long before the engine says so
BEFORE_ONSET_S: Final = 1.0  # the noise of the room is measured over so much
STOP_FEEDING: Final = 0.99  # share of the session cap


class Phase(enum.Enum):
    """Where a leg is in its life."""

    CONNECTING = enum.auto()
    OPEN = enum.auto()
    ENDING = enum.auto()  # end_of_stream was sent; its answer is awaited


class Leg:
    """A session and its counters. Positions are sample indexes of the tape, times seconds of the caller's clock.

    What the session is to be sent goes to ``out``.
    """

    def __init__(self, leg_id: int, *, settings: Settings, run: Run, now: float, out: list[Action | Output]) -> None:
        self.id = leg_id
        self.settings = settings
        self.run = run
        self.origin = self.fed = self.seen = run.start
        self.seam = Seam(0.0)
        self.utterance = Utterance(horizon_s=settings.horizon_s, threshold=settings.threshold, now=now)
        self.lead_s = settings.delay_s
        self.phase = Phase.CONNECTING
        self.has_stepped = False
        self.sent = 0  # samples, the silence that fills up a last frame among them: what is paid for
        self._out = out
        self.since = self._progress_at = self._ready_at = now
        self._flushes = 0
        # A flush may be done with silence of the decoder's own, which its clock then counts (see _note_clock).
        self._decoder_s = 0.0
        self._flush_is_open = False
        self._flushed_s = 0.0
        self._skew_s = self._skew_before_s = 0.0

    # What it knows -------------------------------------------------------------------------------------------------

    @property
    def edition(self) -> int:
        """Which settings it was opened with."""
        return self.settings.edition

    @property
    def is_open(self) -> bool:
        """Its session takes audio."""
        return self.phase is Phase.OPEN

    @property
    def has_all(self) -> bool:
        """It was fed its whole run of audio, as far as there is any."""
        return self.fed >= self.run.end

    @property
    def heard(self) -> int:
        """The index before which the text of all words has come, but for late text."""
        return self.seen - int(self.lead_s * self.settings.rate)

    def used(self, now: float) -> float:
        """Return the share of its cap the session has used: of audio or of time, whichever is more."""
        return max((self.fed - self.origin) / self.settings.rate, now - self.since) / self.settings.session_s

    def audio_s(self, decoder_s: float) -> float:
        """Return the time in the speaker's audio of a time on the decoder's clock, which runs ahead by the delay."""
        since_s = decoder_s - self.lead_s
        is_after_flush = since_s >= self._flushed_s + self._skew_before_s
        since_s -= self._skew_s if is_after_flush else self._skew_before_s
        return self.origin / self.settings.rate + max(0.0, since_s)

    def waits_s(self, now: float) -> float:
        """Return for how long it owes an answer; 0 when it owes none."""
        owes = self.phase is Phase.ENDING or self.fed - self.seen > int(OWED_S * self.settings.rate)
        return now - self._progress_at if owes or self.phase is Phase.CONNECTING else 0.0

    def is_stuck(self, now: float) -> bool:
        """It owes an answer for too long."""
        return self.waits_s(now) > (CONNECT_LIMIT_S if self.phase is Phase.CONNECTING else HANG_S)

    def lacks_its_end_only(self, now: float) -> bool:
        """All was processed, and yet end_of_stream is not answered."""
        return self.phase is Phase.ENDING and self.seen >= self.fed and self.waits_s(now) > END_LIMIT_S

    @property
    def lived_s(self) -> float | None:
        """For how long its session said something; None if it never was ready."""
        return None if self.phase is Phase.CONNECTING else self._progress_at - self._ready_at

    # What it is told -----------------------------------------------------------------------------------------------

    def begin(self, ready: Ready, run: Run, origin: int, now: float) -> None:
        """The session is open; it hears ``run`` from ``origin`` on, and silence before the run."""
        self.phase = Phase.OPEN
        self.run = run
        self.origin = self.fed = self.seen = origin
        self.seam = Seam(origin / self.settings.rate)
        self._progress_at = self._ready_at = now
        if ready.lead_s is not None:
            self.lead_s = ready.lead_s

    def utterance_has_ended(self, now: float) -> bool:
        """Tell, once, that an utterance was flushed and its text is out; call it as time passes."""
        has_ended = self.utterance.has_ended(now)
        self._flush_is_open = self._flush_is_open and self.utterance.is_flushing
        return has_ended

    def note_sign_of_life(self, now: float) -> None:
        """A message came."""
        self._progress_at = now

    def step(self, step: Step) -> None:
        """A frame was processed."""
        self._decoder_s = step.total_duration_s
        limit = self.fed
        if self._flush_is_open:
            # Until it is answered, steps are of what was sent before it, and of the decoder's own silence.
            limit = self.origin + round(self._flushed_s * self.settings.rate)
        else:
            self._note_clock((self.fed - self.origin) / self.settings.rate)
        position = self.origin + round((self._decoder_s - self._skew_s) * self.settings.rate)
        self.seen = min(limit, max(self.seen, position))
        self.has_stepped = True
        self.utterance.step(step.inactivity)

    def flushed(self, now: float) -> None:
        """The flush was answered."""
        if self._flush_is_open:
            self._flush_is_open = False
            self._note_clock(self._flushed_s)
        self.utterance.flushed(now)

    def _note_clock(self, sent_s: float) -> None:
        """Learn by how much the decoder counts more than it was sent: it has put in silence of its own at a flush."""
        surplus_s = self._decoder_s - sent_s
        if surplus_s > max(FRAME_S, self._skew_s):  # up to a frame is the last one, filled up
            self._skew_s = surplus_s

    # What it sends -------------------------------------------------------------------------------------------------

    def feed(self, now: float, *, run_is_over: bool, cut: bool = False) -> None:
        """Send what there is, as far as the engine keeps up, in whole frames but at the end of the run.

        ``cut``: the run breaks off, perhaps inside a word.
        """
        if self.phase is not Phase.OPEN or self.utterance.is_holding:
            return
        rate, frame = self.settings.rate, self.settings.frame
        # Steps are the engine's acknowledgements. Until the first one comes, audio goes out as it is spoken.
        processed = self.seen if self.has_stepped else self.origin + int((now - self._ready_at) * rate)
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
            self.sent += frame
        if run_is_over:
            self.end(now, cut=cut)

    def decide(self, now: float, gate: Gate, *, caught_up: bool, in_utterance: bool, may_leave: bool) -> None:
        """Flush at the end of an utterance; with ``may_leave``, end the session in a pause instead."""
        if self.phase is not Phase.OPEN:
            return
        decision = self.utterance.decide(
            now,
            caught_up=caught_up,
            confirmed=self.seen >= self.fed,
            sounds=lambda: self._ends_in_sound(gate),
            in_utterance=in_utterance,
            may_leave=may_leave,
        )
        if decision is Decision.LEAVE:
            self.end(now)
        elif decision is Decision.FLUSH:
            self._flushed_s, self._skew_before_s = (self.fed - self.origin) / self.settings.rate, self._skew_s
            self._flush_is_open = True
            self._flushes += 1
            self._out.append(SendFlush(self.id, self._flushes))

    def _ends_in_sound(self, gate: Gate) -> bool:
        """The engine may notice a word a little after it began, and a flush would cut it: so the sound is asked."""
        onset, before = (int(length_s * self.settings.rate) for length_s in (ONSET_S, BEFORE_ONSET_S))
        start = max(self.run.start, self.fed - onset)
        first = max(self.run.start, start - before)
        gate.learn(self.run.read(first, start - first))
        return gate.hears(self.run.read(start, self.run.end - start), at_once=True)

    def end(self, now: float, *, cut: bool = False) -> None:
        """No more audio: all text of what was fed is wanted. ``cut``: its last word may be half."""
        self.seam.withholding = cut
        self.phase = Phase.ENDING
        self._progress_at = now
        self._out.append(SendEnd(self.id))
