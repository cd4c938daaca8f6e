"""The endless stream of one speaker: audio in, words out, over as many Gradium sessions (legs) as it takes.

Pure and synchronous: every event comes with the time it happens at, and what is to be done is collected and taken with
``take``. Audio is kept on a tape until its words are out. A leg that ends for any reason but the end of the audio is
followed by one that hears the tape again from ``covered`` minus a context of 2 s; the seam drops what is out already.
``covered`` is the index before which every word that ended is out: what the engine has processed, less its delay and a
slack for text that comes later than it should. One leg at a time: before its cap a leg is left in a pause.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

from captions.gradium.actions import Action, Close, Covered, Done, EngineState, Lost, Open, Output
from captions.gradium.leg import LEAVE_AT_ONCE, Leg, Phase, Settings
from captions.gradium.messages import EndOfStream, EndText, Flushed, Ready, ServerMessage, Step, Text
from captions.gradium.seam import SLACK_S, Seam, Spoken
from captions.gradium.setup import FRAME_S
from captions.gradium.tape import Run, Tape
from captions.gradium.words import Words

__all__ = ["Settings", "Stream"]

CONTEXT_S: Final = 2.0  # heard again by a new leg: it warms up on it, and the seam has something to match
CAUGHT_UP_S: Final = 0.4  # less than this behind counts as up to date
AWAY_S: Final = 3.0  # audio that stops coming for this long: the speaker is away
CUT_S: Final = FRAME_S  # a word that ends this near to where the audio broke off may be half a word
BEFORE_CUT_S: Final = 0.1  # such a word is heard again from this long before its beginning
DOWN_AFTER_S: Final = 1.0  # without a session
MUTE_S: Final = 1.6  # with one that owes an answer
BACK_OFF_S: Final = (0.0, 0.25, 0.5, 1.0, 2.0, 2.0, 2.0, 2.0, 5.0)  # somebody may be speaking: patient only late
REFUSED_RETRY_S: Final = 15.0
KEPT_S: Final = 120.0  # audio kept at most while no leg is at work


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
        self._out: list[Action | Output] = []
        self._words = Words(emitted, self._out)
        self._jitter = jitter or random.Random()
        self._leg: Leg | None = None
        self._legs = 0
        self._failures = 0
        self._retry_at = now
        self._down_since: float | None = None
        self._up = True
        self._audio_at = now
        self._resting = False  # no more audio for now
        self._at_rest = True  # and all of it was heard out: the next audio opens a leg
        self._cut = False  # the audio broke off, perhaps inside a word
        self._lost_from: int | None = None  # audio from here to ``covered`` is lost, which is not told yet
        self._ending = False
        self._done = False

    # What the caller asks for ------------------------------------------------------------------------------------

    def take(self) -> list[Action | Output]:
        """Return what is to be done and told, in order, once."""
        out = self._out.copy()
        self._out.clear()
        return out

    @property
    def is_heard_out(self) -> bool:
        """The engine owes nothing: all words of the audio so far are out, but for one that was cut."""
        return self._leg is None and (self._at_rest or self.tape.end <= self.covered)

    @property
    def behind_s(self) -> float:
        """Seconds of audio the engine has not processed yet."""
        heard = self._leg.seen if self._leg else self.covered
        return 0.0 if self._at_rest else max(0.0, (self.tape.end - heard) / self.settings.rate)

    # Events of the speaker -----------------------------------------------------------------------------------------

    def audio(self, pcm: bytes, now: float) -> None:
        """Take samples that follow ``tape.end``."""
        self._audio_at = now
        self._resting = self._at_rest = self._cut = False
        self.tape.append(pcm)
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

    def break_off(self, now: float) -> None:
        """The audio stops, perhaps inside a word: hear out all but that word, which is heard again if audio follows."""
        self._resting = self._cut = True
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
        if leg is not None and leg.phase is Phase.CONNECTING:
            leg.ready(ready, now)
            self._advance(now)

    def message(self, leg_id: int, message: ServerMessage, now: float) -> None:
        """A message of an open session."""
        leg = self._current(leg_id)
        if leg is None:
            return
        leg.note_sign_of_life(now)
        match message:
            case Text(text, start_s):
                leg.note_text(now)
                for token in text.split():
                    leg.seam.word(token, leg.audio_s(start_s))
                self._words.say(leg.seam.take())
            case EndText(stop_s):
                leg.note_text(now)
                leg.seam.word_end(leg.audio_s(stop_s))
                self._words.say(leg.seam.take())
            case Step():
                self._step(leg, message, now)
            case Flushed():
                leg.flushed(now)
            case EndOfStream() if leg.phase is Phase.ENDING:
                self._heard_out(leg, now)
            case EndOfStream():
                self._drop(now)  # nobody asked for it: what it had not processed yet is heard again
        self._advance(now)

    def closed(self, leg_id: int, now: float, *, refused: str = "") -> None:
        """A session has ended or could not be opened; ``refused``: policy, retrying does not help soon."""
        if self._current(leg_id) is not None:
            self._drop(now, refused=refused)
            self._advance(now)

    def tick(self, now: float) -> None:
        """Time passes; call it a few times a tenth of a second."""
        if not self._resting and now - self._audio_at >= AWAY_S:
            self._resting = self._cut = True
        leg = self._leg
        if leg is not None:
            if leg.utterance_has_ended(now):
                self._words.end_utterance()
            if leg.is_stuck(now):
                self._drop(now)
            elif leg.phase is Phase.OPEN and leg.used(now) >= LEAVE_AT_ONCE:
                # Running speech: an end_of_stream would cut a word in two, so the words under way are heard again.
                self._close()
                self._retry_at = now
        self._advance(now)
        self._watch_engine(now)

    # Decisions -------------------------------------------------------------------------------------------------------

    def _advance(self, now: float) -> None:
        """Do whatever can be done now: open a leg, feed it, end it."""
        if self._done:
            return
        if self._leg is None:
            self._forget_what_is_too_old()
            self._open(now)
        if self._leg is not None:
            run = self._leg.run
            self._leg.feed(now, run_is_over=self._resting or self._after(run) is not None, cut=self._is_cut(run))
        if self._ending:
            self._finish(now)

    def _after(self, run: Run) -> Run | None:
        return self.tape.run_after(run)

    def _is_cut(self, run: Run) -> bool:
        """The run broke off where it stands, and may go on there."""
        return self._cut and not self._ending and self._after(run) is None

    def _open(self, now: float) -> None:
        if self._at_rest or now < self._retry_at:
            return
        run = self.tape.run_at(self.covered)
        if run.end <= max(self.covered, run.start):
            return
        rate, frame = self.settings.rate, self.settings.frame
        back = max(self.covered - int(CONTEXT_S * rate), run.start)
        origin = max(back // frame * frame, run.start)
        seam = Seam(self._words.emitted, covered_s=self.covered / rate, origin_s=origin / rate)
        self._words.forget_withheld()
        self._legs += 1
        self._leg = Leg(self._legs, run, origin, seam=seam, now=now, settings=self.settings, out=self._out)
        self._out.append(Open(self._legs))

    def _step(self, leg: Leg, step: Step, now: float) -> None:
        rate = self.settings.rate
        if not leg.has_stepped:
            self._failures = 0
            self._tell_lost()
        caught_up = self.tape.end - leg.seen < int(CAUGHT_UP_S * rate)
        leg.step(step, now, caught_up=caught_up, in_utterance=self._words.in_utterance)
        leg.seam.heard(leg.heard / rate)
        self._words.say(leg.seam.take())
        if leg.seam.joined:
            self._cover(leg.heard - int(SLACK_S * rate), quiet=leg.is_silent)
            self._words.covered(self.covered / rate)

    def _cover(self, index: int, *, quiet: bool) -> None:
        if index > self.covered:
            self.covered = index
            frame = self.settings.frame
            self.tape.drop_before((index - int(CONTEXT_S * self.settings.rate)) // frame * frame)
        self._out.append(Covered(self.covered, quiet))

    def _heard_out(self, leg: Leg, now: float) -> None:
        """All text of what was fed has come."""
        self._leg = None
        self._retry_at = now
        self._failures = 0
        reached = leg.fed
        goes_on = not leg.has_all or (self._after(leg.run) is None and not self._ending)
        may_be_half = leg.seam.withholding and goes_on
        words = leg.seam.finish()
        if may_be_half:
            limit_s = leg.fed / self.settings.rate - CUT_S
            half = next((place for place, word in enumerate(words) if word.end_s >= limit_s), len(words))
            words, withheld = words[:half], words[half:]
            self._words.withhold(withheld)
            if withheld:
                reached = max(self.covered, int((withheld[0].start_s - BEFORE_CUT_S) * self.settings.rate))
        self._words.say(words)
        self._cover(reached, quiet=True)
        following = self._after(leg.run)
        if leg.has_all and following is not None:
            self.covered = max(self.covered, following.start)
        elif leg.has_all and self._resting:
            self._at_rest = True
        if self._resting or following is not None:
            self._words.end_utterance()

    def _finish(self, now: float) -> None:
        """Say Done if all words are out, or if they cannot be had."""
        heard_all = self._leg is None and (self._at_rest or self.tape.end <= self.covered)
        if not heard_all and now - self._audio_at <= KEPT_S:
            return
        self._words.release()
        self._words.end_utterance()
        if not heard_all:
            self._close()
            self._lose_before(self.tape.end)
        self._tell_lost()
        self._done = True
        self._out.append(Done())

    # Trouble ---------------------------------------------------------------------------------------------------------

    def _close(self) -> None:
        if self._leg is not None:
            self._out.append(Close(self._leg.id))
            self._leg = None

    def _drop(self, now: float, *, refused: str = "") -> None:
        self._close()
        wait = REFUSED_RETRY_S if refused else BACK_OFF_S[min(self._failures, len(BACK_OFF_S) - 1)]
        self._failures += 1
        self._retry_at = now + wait * self._jitter.uniform(0.8, 1.2)
        if refused:
            self._tell_engine(up=False, refused=refused)

    def _watch_engine(self, now: float) -> None:
        wanted = not self._at_rest and self.tape.end > self.covered
        if self._leg is not None and self._leg.waits_s(now) > MUTE_S:
            self._tell_engine(up=False)
            return
        working = self._leg is not None and self._leg.phase is not Phase.CONNECTING
        if working or not wanted:
            self._down_since = None
            self._tell_engine(up=True)
        elif self._down_since is None:
            self._down_since = now
        elif now - self._down_since > DOWN_AFTER_S:
            self._tell_engine(up=False)

    def _tell_engine(self, *, up: bool, refused: str = "") -> None:
        if up is not self._up or refused:
            self._up = up
            self._out.append(EngineState(up, refused))

    def _forget_what_is_too_old(self) -> None:
        """Keep the tape within its bound. A leg at work is left alone: it catches up, or has a limit of its own."""
        self._lose_before(self.tape.end - int(KEPT_S * self.settings.rate))

    def _lose_before(self, index: int) -> None:
        if index > self.covered:
            if self._lost_from is None:
                self._lost_from = self.covered
            self.tape.drop_before(index)
            self.covered = index

    def _tell_lost(self) -> None:
        """Tell of lost audio once the engine is back, in one piece."""
        if self._lost_from is not None:
            self._out.append(Lost(self._lost_from, self.covered))
            self._lost_from = None

    def _current(self, leg_id: int) -> Leg | None:
        return self._leg if self._leg is not None and self._leg.id == leg_id else None
