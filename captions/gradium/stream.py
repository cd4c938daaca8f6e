"""The endless stream of one speaker: audio in, words out, over as many Gradium sessions (legs) as it takes.

Pure and synchronous: every event comes with the time it happens at, and what is to be done is collected and taken with
``take``. Audio is kept on a tape until its words are out (``hearing``). One leg speaks; before its session ends, when
settings change and when it hangs, a second one is opened beside it and takes over (``legs``, ``handover``). A leg that
ends for any other reason is followed by one that hears the tape again from what is covered minus a context; the seam
drops what is out already. While nobody speaks no leg is held open (``sleep``).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

from captions.gradium import handover
from captions.gradium.actions import Action, Close, Done, Output
from captions.gradium.editions import Settings
from captions.gradium.gate import EnergyGate, Gate
from captions.gradium.handover import Reason
from captions.gradium.hearing import Hearing
from captions.gradium.leg import Leg, Phase
from captions.gradium.legs import UNANSWERED, Legs
from captions.gradium.losses import Hold
from captions.gradium.messages import EndOfStream, EndText, Flushed, Ready, ServerMessage, Step, Text
from captions.gradium.seam import Spoken
from captions.gradium.sleep import Sleep
from captions.gradium.tape import BYTES_PER_SAMPLE, Run, Tape

__all__ = ["Settings", "Stream"]

AWAY_S: Final = 3.0  # audio that stops coming for this long: the speaker is away
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
        gate: Gate | None = None,
    ) -> None:
        jitter = jitter or random.Random()
        self._out: list[Action | Output] = []
        self._hearing = Hearing(settings, start, emitted, self._out)
        self._gate = gate or EnergyGate(settings.rate)
        self._sleep = Sleep(self._gate, settings.rate, start)
        self._legs = Legs(self._hearing, self._out, now=now, jitter=jitter)
        self._ends_in_vain = 0  # in a row: end_of_stream was not answered though all was processed
        self._audio_at = now
        self._hold: Hold | None = None
        self._resting = False  # no more audio for now
        self._at_rest = True  # and all of it was heard out: the next audio opens a leg
        self._cut = False  # the audio broke off, perhaps inside a word
        self._ending = False
        self._done = False

    # What the caller asks for ------------------------------------------------------------------------------------

    def take(self) -> list[Action | Output]:
        """Return what is to be done and told, in order, once."""
        if not self._out:
            return []
        out = self._out.copy()
        self._out.clear()
        return out

    @property
    def settings(self) -> Settings:
        """What holds for the audio that comes now."""
        return self._hearing.editions.newest

    @property
    def tape(self) -> Tape:
        """The audio; its end is the speaker's clock."""
        return self._hearing.tape

    @property
    def covered(self) -> int:
        """Every word that ended before this sample is out."""
        return self._hearing.covered

    @property
    def is_heard_out(self) -> bool:
        """The engine owes nothing: all words of the audio so far are out, but for one that was cut."""
        is_quiet = self._at_rest or self._sleep.is_asleep
        return self._legs.speaker is None and (is_quiet or self._hearing.next_run() is None)

    @property
    def behind_s(self) -> float:
        """Seconds of audio the engine has not processed yet."""
        if self._at_rest or self._sleep.is_asleep:
            return 0.0
        leg = self._legs.speaker
        heard = self.covered if leg is None or leg.phase is Phase.CONNECTING else leg.seen
        return max(0.0, (self.tape.end - heard) / self._hearing.rate)

    @property
    def paid_s(self) -> float:
        """Seconds of audio sent to the engine, on all legs."""
        return self._legs.paid / self._hearing.rate

    # Events of the speaker -----------------------------------------------------------------------------------------

    def audio(self, pcm: bytes, now: float) -> None:
        """Take samples that follow ``tape.end``."""
        self._audio_at = now
        self._resting = self._at_rest = self._cut = False
        if self._hold is not None and not self._hold.keep:
            self._pass_over(self._hold, len(pcm) // BYTES_PER_SAMPLE)
        else:
            self.tape.append(pcm)
            self._sleep.listen(pcm, self.tape.end)
        self._advance(now)

    def skip_to(self, index: int, now: float) -> None:
        """Leave out samples up to ``index``: they were never recorded or are lost to the speaker."""
        if index > self.tape.end:
            self.tape.skip_to(index)
            if self._at_rest:
                self._hearing.words.release()  # what follows is another page's: a word cut there is as whole as it gets
                self._hearing.cover(index, quiet=True)
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

    def hold(self, now: float, *, reason: str, keep: bool) -> None:
        """Hear out what was said, then open no session before ``go_on``.

        ``keep``: audio that comes is kept, as while the engine is away. Else it is passed over, and told as lost then.
        """
        if self._hold is not None and self._hold.keep:
            self._hearing.lose_before(self.tape.end, self._hold)  # it waited for a session in vain
        self._hold = Hold(reason, keep, self.tape.end)
        self._advance(now)

    def go_on(self, now: float) -> None:
        """Sessions may be opened again."""
        if self._hold is not None and not self._hold.keep:
            self._hearing.tell_losses()
        self._hold = None
        self._advance(now)

    def change(self, settings: Settings, now: float) -> None:
        """Let other settings, with a new ``edition``, hold for the audio that comes from now on."""
        editions = self._hearing.editions
        leg, standby = self._legs.speaker, self._legs.standby
        is_spoken = leg is not None and leg.edition == editions.newest.edition
        editions.change(settings, self.tape.end, after_newest=is_spoken)
        if leg is not None:
            self._hearing.limit(leg)
        if standby is not None and standby.reason is Reason.CHANGE:
            self._legs.close(standby.leg)  # it may have been opened for settings that were never used
        self.try_again(now)

    def try_again(self, now: float) -> None:
        """Somebody wants the engine asked again, at once."""
        self._legs.try_again(now)
        self._advance(now)

    # Events of the legs ----------------------------------------------------------------------------------------------

    def ready(self, leg_id: int, ready: Ready, now: float) -> None:
        """The session of a leg is open."""
        leg = self._legs.known(leg_id)
        if leg is None or leg.phase is not Phase.CONNECTING:
            return
        self._hearing.begin(leg, ready, self._legs.speaker, now)
        if leg is self._legs.speaker:
            self._hearing.let_speak(leg)
        self._advance(now)

    def message(self, leg_id: int, message: ServerMessage, now: float) -> None:
        """A message of an open session."""
        leg = self._legs.known(leg_id)
        if leg is None:
            return
        leg.note_sign_of_life(now)
        match message:
            case Text(text, start_s):
                leg.utterance.text(now)
                for token in text.split():
                    leg.seam.word(token, leg.audio_s(start_s))
                if leg is self._legs.speaker:
                    self._hearing.join(leg)
            case EndText(stop_s):
                leg.utterance.text(now)
                leg.seam.word_end(leg.audio_s(stop_s))
                self._hearing.note_lateness(leg, leg.audio_s(stop_s))
            case Step():
                self._step(leg, message, now)
            case Flushed():
                leg.flushed(now)
            case EndOfStream() if leg.phase is Phase.ENDING and leg is self._legs.speaker:
                self._ends_in_vain = 0
                self._heard_out(leg, now)
            case EndOfStream():
                self._legs.drop(leg, now)  # nobody asked for it: what it had not processed yet is heard again
        if leg is self._legs.speaker:
            self._hearing.words.say(leg.seam.take())
        self._advance(now)

    def closed(self, leg_id: int, now: float, *, refused: str = "", why: str = "") -> None:
        """A session has ended or could not be opened: ``why``, in a sentence. ``refused``: by policy, and why."""
        leg = self._legs.known(leg_id)
        if leg is not None:
            self._legs.engine.why = refused or why
            self._legs.drop(leg, now, refused=refused)
            self._advance(now)

    def tick(self, now: float) -> None:
        """Time passes; call it a few times a tenth of a second."""
        if not self._resting and now - self._audio_at >= AWAY_S:
            self._resting = self._cut = True
        for leg in list(self._legs):
            if leg.is_stuck(now):
                self._legs.engine.why = UNANSWERED
                self._legs.drop(leg, now)
        leg_now = self._legs.speaker
        if leg_now is not None and leg_now.utterance_has_ended(now):
            self._hearing.words.end_utterance()
        if leg_now is not None and leg_now.lacks_its_end_only(now):
            self._close_unanswered(leg_now, now)
        self._advance(now)
        waits = not self._at_rest and not self._sleep.is_asleep and self._hold is None
        wanted = waits and self.tape.end > self.covered
        state = self._legs.engine.look(now, self._legs.speaker, wanted=wanted, broken=self._legs.retry.is_broken)
        if state is not None:
            self._out.append(state)

    # Decisions -------------------------------------------------------------------------------------------------------

    def _advance(self, now: float) -> None:
        """Do whatever can be done now: open a leg, feed it, let another take over, end it."""
        if self._done:
            return
        if self._legs.speaker is None:
            # A leg at work is left alone: it catches up, or has a limit of its own.
            self._hearing.lose_before(self.tape.end - int(KEPT_S * self._hearing.rate), self._hold)
            self._replace(now)
        leg = self._legs.speaker
        if leg is not None:
            self._legs.have_a_second(now, run_is_over=self._run_is_over(leg.run))
        if self._legs.speaker is None:
            self._replace(now)
        if self._legs.speaker is None and self._legs.standby is not None:
            self._legs.close(self._legs.standby.leg)  # there is nothing for it to wait for
        leg, standby = self._legs.speaker, self._legs.standby
        if leg is not None:
            leg.feed(now, run_is_over=self._run_is_over(leg.run), cut=self._is_cut(leg.run))
        if standby is not None:
            standby.leg.feed(now, run_is_over=False)
        if leg is None and self._sleep.is_asleep:
            self._doze()
        self._hearing.trim(self._legs)
        if self._ending:
            self._finish(now)

    def _run_is_over(self, run: Run) -> bool:
        is_over = self._resting or self._sleep.is_asleep or self._hold is not None
        return is_over or self.tape.run_after(run) is not None

    def _is_cut(self, run: Run) -> bool:
        """The run broke off where it stands, and may go on there, or is heard no further."""
        if self._hold is not None:
            return True
        return self._cut and not self._ending and self.tape.run_after(run) is None

    def _replace(self, now: float) -> None:
        """Find a leg for the audio that is still to be heard."""
        if self._at_rest or self._sleep.is_asleep:
            return
        if self._hold is not None and (self._hold.keep or self.covered >= self._hold.start):
            return
        run = self._hearing.next_run()
        if run is not None:
            self._legs.replace(run, now)

    def _step(self, leg: Leg, step: Step, now: float) -> None:
        self._legs.step(leg, step)
        if leg is not self._legs.speaker:
            return
        if self._legs.standby is None:
            leg.decide(
                now,
                self._gate,
                caught_up=self._legs.is_caught_up(leg),
                in_utterance=self._hearing.words.in_utterance,
                may_leave=self._legs.seconds.is_alone and leg.used(now) >= handover.LEAVE_IN_PAUSE,
            )
        if self._hearing.hear(leg):
            self._legs.retry.brings()
        self._sleep_if_nobody_speaks(leg)

    def _heard_out(self, leg: Leg, now: float) -> None:
        """All text of what was fed has come."""
        self._legs.retire(leg)
        self._legs.seconds.leg_is_over()
        self._legs.retry.at_once(now)
        self._legs.retry.works()
        has_all, following = self._hearing.heard_out(leg, goes_on=not self._ending)
        if has_all and following is None and self._resting:
            self._at_rest = True
        if self._hold is not None and not self._hold.keep:
            self._hearing.words.forget_withheld()
            self._hearing.cover(self._hold.start, quiet=True)  # a word that was cut is not heard again
        if self._run_is_over(leg.run):
            self._hearing.words.end_utterance(for_sure=True)

    def _close_unanswered(self, leg: Leg, now: float) -> None:
        """The engine has processed all, and does not say so: once it is asked again, then that has to do."""
        self._ends_in_vain += 1
        self._out.append(Close(leg.id))
        if self._ends_in_vain > 1:
            self._heard_out(leg, now)
        else:
            self._legs.retire(leg)
            self._legs.retry.at_once(now)
            self._advance(now)

    def _pass_over(self, hold: Hold, samples: int) -> None:
        start = self.tape.end
        self.tape.skip_to(start + samples)
        self._hearing.lose(start, self.tape.end, hold)
        if self._legs.speaker is None and self.covered >= hold.start:
            self._hearing.cover(self.tape.end, quiet=True)

    def _finish(self, now: float) -> None:
        """Say Done if all words are out, or if they cannot be had."""
        if not self.is_heard_out and now - self._audio_at <= KEPT_S and not self._legs.engine.is_final:
            return
        self._hearing.words.release()
        self._hearing.words.end_utterance(for_sure=True)
        if not self.is_heard_out:
            self._hearing.lose_before(self.tape.end, self._hold)
        for leg in list(self._legs):
            self._legs.close(leg)
        self._hearing.tell_losses()
        self._done = True
        self._out.append(Done())

    # Silence ---------------------------------------------------------------------------------------------------------

    def _sleep_if_nobody_speaks(self, leg: Leg) -> None:
        """Hold no session open for a room in which nobody has spoken for long."""
        if not leg.is_open or not leg.utterance.is_silent or self._legs.standby is not None or self._resting:
            return
        if self._sleep.is_due(
            covered=self.covered, spoken_s=self._hearing.words.last_end_s, silence_s=self.settings.silence_s
        ):
            self._sleep.begin(leg.run)

    def _doze(self) -> None:
        """Keep the last seconds only."""
        index = self.tape.end if self._ending else self._sleep.kept_from(self.tape.end)
        if index - self.covered >= self.settings.frame:
            self._hearing.cover(index, quiet=True)
