"""The endless stream of one speaker: audio in, words out, over as many Gradium sessions (legs) as it takes.

Pure and synchronous: every event comes with the time it happens at, and what is to be done is collected and taken with
``take``. Audio is kept on a tape until its words are out. A leg that ends for any reason but the end of the audio is
followed by one that hears the tape again from ``covered`` minus a context of 2 s; the seam drops what is out already.
``covered`` is the index before which every word that ended is out: what the engine has processed, less its delay and a
slack for text that comes later than it should. One leg at a time: before its cap a leg is left in a pause.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from captions.gradium.actions import (
    Action,
    Close,
    Covered,
    Done,
    EngineState,
    Lost,
    Open,
    Output,
    Send,
    SendEnd,
    SendFlush,
    UtteranceEnd,
    Word,
    WordEnd,
)
from captions.gradium.leg import Leg, Phase, Utterance
from captions.gradium.messages import EndOfStream, EndText, Flushed, Ready, ServerMessage, Step, Text
from captions.gradium.seam import Seam, Spoken
from captions.gradium.setup import FRAME_S
from captions.gradium.tape import BYTES_PER_SAMPLE, Run, Tape

CONTEXT_S: Final = 2.0  # heard again by a new leg: it warms up on it, and the seam has something to match
SLACK_S: Final = 0.6  # text may come this much later than the nominal delay
AHEAD_S: Final = 3.0  # at most this much audio is under way to the engine
CAUGHT_UP_S: Final = 0.4  # less than this behind counts as up to date
HOLD_S: Final = 0.7  # waiting for silence to be confirmed ends here
TRAIL_S: Final = 0.1  # text may trail `flushed` by this (Pipecat waits as long)
FLUSH_LIMIT_S: Final = 2.0
HANG_S: Final = 6.0  # an engine that owes something and says nothing for this long is given up
CONNECT_LIMIT_S: Final = 10.0
AWAY_S: Final = 3.0  # audio that stops coming for this long: the speaker is away
CUT_S: Final = 0.15  # a word that ends this near to where the audio broke off may be half a word
BEFORE_CUT_S: Final = 0.1  # such a word is heard again from this long before its beginning
STALE_WORD_S: Final = 3.0  # a segment is over when this much was heard behind its last word
LEAVE_IN_PAUSE: Final = 0.80  # shares of the session cap
LEAVE_AT_ONCE: Final = 0.97
STOP_FEEDING: Final = 0.99
BACK_OFF_S: Final = (0.0, 0.25, 0.5, 1.0, 2.0, 5.0)
REFUSED_RETRY_S: Final = 15.0
KEPT_S: Final = 120.0  # audio kept at most
EMITTED_KEPT: Final = 40  # words the seam looks back on


@dataclass(frozen=True, slots=True)
class Settings:
    """What the stream needs to know of the room and the engine."""

    rate: int = 24_000
    session_s: float = 300.0
    delay_s: float = 0.8
    horizon_s: float = 2.0
    threshold: float = 0.5


class Stream:
    """See the module. Sample indexes are the speaker's; ``start`` is the first one that is still to be heard."""

    def __init__(
        self,
        settings: Settings,
        *,
        now: float,
        start: int = 0,
        emitted: Sequence[Spoken] = (),
        jitter: random.Random | None = None,
    ) -> None:
        self.settings = settings
        self.tape = Tape(start)
        self.covered = start
        self._emitted: deque[Spoken] = deque(emitted, EMITTED_KEPT)
        self._jitter = jitter or random.Random()
        self._leg: Leg | None = None
        self._legs = 0
        self._flushes = 0
        self._failures = 0
        self._retry_at = now
        self._down_since: float | None = None
        self._up = True
        self._audio_at = now
        self._resting = False  # no more audio for now, and all of it was heard out
        self._at_rest = True  # the leg that heard it out is gone; the next audio opens a new one
        self._cut = False  # the audio broke off, perhaps inside a word
        self._ending = False
        self._done = False
        self._open_word: tuple[str, float] | None = None  # held back, because it may be half a word
        self._last_kept = False  # the last text of the leg went out
        self._in_utterance = False  # words went out since the last end of an utterance
        self._out: list[Action | Output] = []

    # What the caller asks for ------------------------------------------------------------------------------------

    def take(self) -> list[Action | Output]:
        """Return what is to be done and told, in order, once."""
        out, self._out = self._out, []
        return out

    @property
    def behind_s(self) -> float:
        """Seconds of audio the engine has not processed yet."""
        heard = self._leg.seen if self._leg else self.covered
        return 0.0 if self._at_rest else max(0.0, (self.tape.end - heard) / self.settings.rate)

    # Events of the speaker -----------------------------------------------------------------------------------------

    def audio(self, pcm: bytes, now: float) -> None:
        """Take samples that follow ``tape.end``."""
        self._audio_at = now
        if self._resting and self._leg is None:
            self._retry_at = min(self._retry_at, now) if not self._failures else self._retry_at
        self._resting = self._at_rest = self._cut = False
        self.tape.append(pcm)
        self._forget()
        self._advance(now)

    def skip_to(self, index: int, now: float) -> None:
        """Leave out samples up to ``index``: they were never recorded or are lost to the speaker."""
        if index > self.tape.end:
            self.tape.skip_to(index)
            self._advance(now)

    def rest(self, now: float) -> None:
        """The speaker pauses: hear out what there is, then leave the engine in peace."""
        self._resting = True
        self._advance(now)

    def end(self, now: float) -> None:
        """No audio follows: hear out what there is; Done comes when all words are out, or kept too long in vain."""
        if not self._ending:
            self._ending, self._audio_at = True, now
        self._resting = True
        self._advance(now)

    # Events of the legs ----------------------------------------------------------------------------------------------

    def ready(self, leg_id: int, ready: Ready, now: float) -> None:
        """The session of a leg is open."""
        leg = self._current(leg_id)
        if leg is None or leg.phase is not Phase.CONNECTING:
            return
        leg.phase = Phase.OPEN
        leg.progress_at = now
        if ready.lead_s is not None:
            leg.lead_s = ready.lead_s
        self._advance(now)

    def message(self, leg_id: int, message: ServerMessage, now: float) -> None:
        """A message of an open session."""
        leg = self._current(leg_id)
        if leg is None:
            return
        leg.progress_at = now
        match message:
            case Text():
                self._text(leg, message)
            case EndText():
                self._end_text(leg, message)
            case Step():
                self._step(leg, message, now)
            case Flushed():
                if leg.utterance is Utterance.FLUSHING:
                    leg.utterance, leg.utterance_at = Utterance.SETTLING, now + TRAIL_S
            case EndOfStream() if leg.phase is Phase.ENDING:
                self._heard_out(leg, now)
            case EndOfStream():
                self._drop(leg, now)  # nobody asked for it: what it had not processed yet is heard again
        self._advance(now)

    def closed(self, leg_id: int, now: float, *, refused: str = "") -> None:
        """A session has ended or could not be opened; ``refused``: policy, retrying does not help soon."""
        leg = self._current(leg_id)
        if leg is not None:
            self._drop(leg, now, refused=refused)
            self._advance(now)

    def tick(self, now: float) -> None:
        """Time passes; call it a few times a tenth of a second."""
        leg = self._leg
        if not self._resting and now - self._audio_at >= AWAY_S and not self._at_rest:
            self._resting = self._cut = True
        if leg is not None:
            self._tick_leg(leg, now)
        self._advance(now)
        self._watch_engine(now)

    # Decisions -------------------------------------------------------------------------------------------------------

    def _advance(self, now: float) -> None:
        """Do whatever can be done now: open a leg, feed it, end it."""
        if self._done:
            return
        if self._leg is None:
            self._open(now)
        if self._leg is not None and self._leg.phase is Phase.OPEN:
            self._feed(self._leg, now)
        if not self._ending:
            return
        heard_all = self._leg is None and (self._at_rest or self.tape.end <= self.covered)
        if not heard_all and now - self._audio_at > KEPT_S:
            if self._leg is not None:
                self._out.append(Close(self._leg.id))
                self._leg = None
            self._out.append(Lost(self.covered, self.tape.end))
            heard_all = True
        if heard_all:
            self._let_go_of_held_word()
            self._utterance_over()
            self._done = True
            self._out.append(Done())

    def _open(self, now: float) -> None:
        if self._at_rest or now < self._retry_at:
            return
        run = self.tape.run_at(self.covered)
        if run.end <= max(self.covered, run.start):
            return
        rate = self.settings.rate
        back = max(self.covered - int(CONTEXT_S * rate), run.start)
        origin = max(back // self._frame * self._frame, run.start)
        self._legs += 1
        self._leg = Leg(
            id=self._legs, run=run, origin=origin, since=now, lead_s=self.settings.delay_s, seam=Seam(self._emitted)
        )
        self._open_word = None
        self._out.append(Open(self._legs))

    @property
    def _frame(self) -> int:
        return int(self.settings.rate * FRAME_S)

    def _run_is_over(self, run: Run) -> bool:
        return self._resting or self.tape.run_after(run) is not None

    def _feed(self, leg: Leg, now: float) -> None:
        if leg.utterance is Utterance.HOLDING:
            return
        rate, cap = self.settings.rate, self.settings.session_s
        # Steps are the engine's acknowledgements. Until the first one comes, audio goes out as it is spoken.
        processed = leg.seen if leg.steps else leg.origin + int((now - leg.since) * rate)
        limit = processed + int(AHEAD_S * rate)
        over = self._run_is_over(leg.run)
        while leg.fed < leg.run.end:
            count = min(self._frame, leg.run.end - leg.fed)
            if (count < self._frame and not over) or leg.fed + count > limit:
                break
            if leg.used(now, rate) > cap * STOP_FEEDING:
                break
            if leg.fed <= leg.seen:
                leg.progress_at = now  # from now on the engine owes an answer
            pcm = leg.run.read(leg.fed, count)
            self._out.append(Send(leg.id, pcm.ljust(self._frame * BYTES_PER_SAMPLE, b"\0")))
            leg.fed += count
        if over and leg.fed >= leg.run.end:
            self._send_end(leg, now)

    def _send_end(self, leg: Leg, now: float) -> None:
        leg.phase = Phase.ENDING
        leg.progress_at = leg.ended_at = now
        self._out.append(SendEnd(leg.id))

    def _tick_leg(self, leg: Leg, now: float) -> None:
        owes = leg.phase is Phase.ENDING or leg.fed - leg.seen > int(0.2 * self.settings.rate)
        if leg.phase is Phase.CONNECTING:
            if now - leg.since > CONNECT_LIMIT_S:
                self._drop(leg, now)
            return
        if owes and now - leg.progress_at > HANG_S:
            self._drop(leg, now)
            return
        if leg.phase is Phase.OPEN:
            self._tick_utterance(leg, now)
            self._leave_before_the_cap(leg, now)

    def _leave_before_the_cap(self, leg: Leg, now: float) -> None:
        share = leg.used(now, self.settings.rate) / self.settings.session_s
        if share >= LEAVE_AT_ONCE:
            # Running speech: an end_of_stream would cut a word in two, so the words under way are heard again.
            self._out.append(Close(leg.id))
            self._leg = None
            self._retry_at = now
        elif (
            share >= LEAVE_IN_PAUSE
            and leg.in_pause
            and leg.fed <= leg.seen
            and leg.utterance in (Utterance.NONE, Utterance.HOLDING)
        ):
            self._send_end(leg, now)

    def _tick_utterance(self, leg: Leg, now: float) -> None:
        late = now - leg.utterance_at
        if leg.utterance is Utterance.HOLDING and late > HOLD_S:
            leg.utterance = Utterance.NONE
        elif leg.utterance is Utterance.FLUSHING and late > FLUSH_LIMIT_S:
            leg.utterance, leg.utterance_at = Utterance.SETTLING, now
        elif leg.utterance is Utterance.SETTLING and late >= 0:
            leg.utterance = Utterance.NONE
            self._utterance_over()

    def _utterance_over(self) -> None:
        if self._in_utterance:
            self._in_utterance = False
            self._out.append(UtteranceEnd())

    def _text(self, leg: Leg, message: Text) -> None:
        start_s = leg.origin / self.settings.rate + max(0.0, message.start_s - leg.lead_s)
        self._last_kept = False
        for token in message.text.split():
            if self._open_word is not None:
                self._let_go_of_held_word()
            if not leg.seam.is_new(token, start_s):
                continue
            if self._cut and self._resting:
                self._open_word = (token, start_s)  # decided by its end
            else:
                self._emit(token, start_s)

    def _emit(self, token: str, start_s: float) -> None:
        self._last_kept = True
        self._in_utterance = True
        self._emitted.append(Spoken(token, start_s, start_s + 0.3))
        self._out.append(Word(token, round(start_s * 1000)))

    def _end_text(self, leg: Leg, message: EndText) -> None:
        rate = self.settings.rate
        end_s = leg.origin / rate + max(0.0, message.stop_s - leg.lead_s)
        if self._open_word is not None:
            if end_s >= leg.run.end / rate - CUT_S:
                return  # perhaps half a word: it is heard again when the speaker is back
            self._let_go_of_held_word()
        if self._last_kept and self._emitted:
            last = self._emitted[-1]
            last.end_s = max(last.start_s, end_s)
            self._out.append(WordEnd(round(last.end_s * 1000)))

    def _let_go_of_held_word(self) -> None:
        if self._open_word is not None:
            token, start_s = self._open_word
            self._open_word = None
            self._emit(token, start_s)

    def _step(self, leg: Leg, step: Step, now: float) -> None:
        rate = self.settings.rate
        leg.seen = min(leg.fed, max(leg.seen, leg.origin + round(step.total_duration_s * rate)))
        if leg.steps == 0:
            self._failures = 0
        leg.note_step(step.inactivity, horizon_s=self.settings.horizon_s, threshold=self.settings.threshold)
        self._cover(leg.seen - int((leg.lead_s + SLACK_S) * rate), quiet=leg.is_silent)
        if self._emitted and self.covered / rate > self._emitted[-1].end_s + STALE_WORD_S:
            self._utterance_over()
        if leg.phase is not Phase.OPEN:
            return
        if leg.utterance is Utterance.HOLDING:
            if not leg.is_silent:
                leg.utterance = Utterance.NONE
            elif leg.seen >= leg.fed:
                self._flush(leg, now)
        elif leg.utterance is Utterance.NONE and self._may_end_utterance(leg):
            leg.utterance, leg.utterance_at = Utterance.HOLDING, now
            if leg.seen >= leg.fed:
                self._flush(leg, now)

    def _may_end_utterance(self, leg: Leg) -> bool:
        something_said = leg.heard_speech or self._in_utterance
        return leg.is_silent and something_said and self.tape.end - leg.seen < int(CAUGHT_UP_S * self.settings.rate)

    def _flush(self, leg: Leg, now: float) -> None:
        self._flushes += 1
        leg.utterance, leg.utterance_at = Utterance.FLUSHING, now
        leg.steps_since_flush = leg.quiet_steps = leg.pause_steps = 0
        leg.heard_speech = False
        self._out.append(SendFlush(leg.id, self._flushes))

    def _cover(self, index: int, *, quiet: bool) -> None:
        if index > self.covered:
            self.covered = index
            self.tape.drop_before((index - int(CONTEXT_S * self.settings.rate)) // self._frame * self._frame)
        self._out.append(Covered(self.covered, quiet))

    def _heard_out(self, leg: Leg, now: float) -> None:
        """All text of what was fed has come."""
        rate = self.settings.rate
        self._leg = None
        self._retry_at = now
        self._failures = 0
        reached = leg.fed
        if self._open_word is not None and self._resting and self._cut:
            reached = max(self.covered, int((self._open_word[1] - BEFORE_CUT_S) * rate))
        self._cover(reached, quiet=True)
        following = self.tape.run_after(leg.run)
        if leg.fed >= leg.run.end and following is not None:
            self._let_go_of_held_word()
            self.covered = max(self.covered, following.start)
        elif self._resting and leg.fed >= leg.run.end:
            self._at_rest = True
        if self._resting or following is not None:
            self._utterance_over()

    def _drop(self, leg: Leg, now: float, *, refused: str = "") -> None:
        self._out.append(Close(leg.id))
        self._leg = None
        wait = REFUSED_RETRY_S if refused else BACK_OFF_S[min(self._failures, len(BACK_OFF_S) - 1)]
        self._failures += 1
        self._retry_at = now + wait * self._jitter.uniform(0.8, 1.2)
        if refused:
            self._tell_engine(up=False, refused=refused)

    def _watch_engine(self, now: float) -> None:
        wanted = not self._at_rest and self.tape.end > self.covered
        working = self._leg is not None and self._leg.phase is not Phase.CONNECTING
        if working or not wanted:
            self._down_since = None
            self._tell_engine(up=True)
        elif self._down_since is None:
            self._down_since = now
        elif now - self._down_since > 1.0:
            self._tell_engine(up=False)

    def _tell_engine(self, *, up: bool, refused: str = "") -> None:
        if up is not self._up or refused:
            self._up = up
            self._out.append(EngineState(up, refused))

    def _forget(self) -> None:
        """Keep the tape within its bound; what has to go is told as lost."""
        rate = self.settings.rate
        limit = self.tape.end - int(KEPT_S * rate)
        if limit <= self.covered:
            return
        if self._leg is not None:
            self._out.append(Close(self._leg.id))
            self._leg = None
        self._out.append(Lost(self.covered, limit))
        self.tape.drop_before(limit)
        self.covered = limit

    def _current(self, leg_id: int) -> Leg | None:
        return self._leg if self._leg is not None and self._leg.id == leg_id else None
