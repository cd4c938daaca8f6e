"""The endless stream of one speaker: audio in, words out, over as many Gradium sessions (legs) as it takes.

Pure and synchronous: every event comes with the time it happens at, and what is to be done is collected and taken with
``take``. Audio is kept on a tape until its words are out (``hearing``). One leg speaks; before its session ends, when
settings change and when it hangs, a second one is opened beside it and takes over (``handover``). A leg that ends for
any other reason is followed by one that hears the tape again from what is covered minus a context; the seam drops what
is out already. While nobody speaks no leg is held open (``sleep``).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Final

from captions.gradium import handover
from captions.gradium.actions import Action, Close, Done, InUse, NotUsed, Open, Output
from captions.gradium.editions import Settings
from captions.gradium.engine_watch import EngineWatch
from captions.gradium.gate import EnergyGate, Gate
from captions.gradium.handover import Reason, SecondSessions, Standby
from captions.gradium.hearing import Hearing
from captions.gradium.leg import Leg, Phase
from captions.gradium.losses import Hold
from captions.gradium.messages import EndOfStream, EndText, Flushed, Ready, ServerMessage, Step, Text
from captions.gradium.retry import Retry
from captions.gradium.seam import Spoken
from captions.gradium.sleep import Sleep
from captions.gradium.tape import BYTES_PER_SAMPLE, Run, Tape

__all__ = ["Settings", "Stream"]

CAUGHT_UP_S: Final = 0.4  # less than this behind counts as up to date
AWAY_S: Final = 3.0  # audio that stops coming for this long: the speaker is away
KEPT_S: Final = 120.0  # audio kept at most while no leg is at work
OLD_SHARE: Final = 0.75  # a session that ends by itself this near to its cap has not failed
UNANSWERED: Final = "The speech engine does not answer."


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
        self._retry = Retry(now, jitter)
        self._seconds = SecondSessions(now, jitter)
        self._engine = EngineWatch()
        self._leg: Leg | None = None
        self._standby: Standby | None = None
        self._legs = 0
        self._paid = 0  # samples sent on legs that are over
        self._ends_in_vain = 0  # in a row: end_of_stream was not answered though all was processed
        self._in_use: int | None = None  # the edition that words come from
        self._worked: set[int] = set()  # editions that gave a session
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
        return self._leg is None and (self._at_rest or self._sleep.is_asleep or self._hearing.next_run() is None)

    @property
    def behind_s(self) -> float:
        """Seconds of audio the engine has not processed yet."""
        if self._at_rest or self._sleep.is_asleep:
            return 0.0
        heard = self._leg.seen if self._leg and self._leg.phase is not Phase.CONNECTING else self.covered
        return max(0.0, (self.tape.end - heard) / self._hearing.rate)

    @property
    def paid_s(self) -> float:
        """Seconds of audio sent to the engine, on all legs."""
        return (self._paid + sum(leg.sent for leg in self._open_legs())) / self._hearing.rate

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
        is_spoken = self._leg is not None and self._leg.edition == editions.newest.edition
        editions.change(settings, self.tape.end, after_newest=is_spoken)
        if self._leg is not None:
            self._hearing.limit(self._leg)
        if self._standby is not None and self._standby.reason is Reason.CHANGE:
            self._close(self._standby.leg)  # it may have been opened for settings that were never used
        self.try_again(now)

    def try_again(self, now: float) -> None:
        """Somebody wants the engine asked again, at once."""
        self._engine.is_final = False
        self._retry.at_once(now)
        self._seconds.ask_at_once(now)
        self._advance(now)

    # Events of the legs ----------------------------------------------------------------------------------------------

    def ready(self, leg_id: int, ready: Ready, now: float) -> None:
        """The session of a leg is open."""
        leg = self._known(leg_id)
        if leg is None or leg.phase is not Phase.CONNECTING:
            return
        self._hearing.begin(leg, ready, self._leg, now)
        if leg is self._leg:
            self._hearing.let_speak(leg)
        self._advance(now)

    def message(self, leg_id: int, message: ServerMessage, now: float) -> None:
        """A message of an open session."""
        leg = self._known(leg_id)
        if leg is None:
            return
        leg.note_sign_of_life(now)
        match message:
            case Text(text, start_s):
                leg.utterance.text(now)
                for token in text.split():
                    leg.seam.word(token, leg.audio_s(start_s))
                if leg is self._leg:
                    self._hearing.join(leg)
            case EndText(stop_s):
                leg.utterance.text(now)
                leg.seam.word_end(leg.audio_s(stop_s))
                self._hearing.note_lateness(leg, leg.audio_s(stop_s))
            case Step():
                self._step(leg, message, now)
            case Flushed():
                leg.flushed(now)
            case EndOfStream() if leg.phase is Phase.ENDING and leg is self._leg:
                self._ends_in_vain = 0
                self._heard_out(leg, now)
            case EndOfStream():
                self._drop(leg, now)  # nobody asked for it: what it had not processed yet is heard again
        if leg is self._leg:
            self._hearing.words.say(leg.seam.take())
        self._advance(now)

    def closed(self, leg_id: int, now: float, *, refused: str = "", why: str = "") -> None:
        """A session has ended or could not be opened: ``why``, in a sentence. ``refused``: by policy, and why."""
        leg = self._known(leg_id)
        if leg is not None:
            self._engine.why = refused or why
            self._drop(leg, now, refused=refused)
            self._advance(now)

    def tick(self, now: float) -> None:
        """Time passes; call it a few times a tenth of a second."""
        if not self._resting and now - self._audio_at >= AWAY_S:
            self._resting = self._cut = True
        for leg in list(self._open_legs()):
            if leg.is_stuck(now):
                self._engine.why = UNANSWERED
                self._drop(leg, now)
        if self._leg is not None and self._leg.utterance_has_ended(now):
            self._hearing.words.end_utterance()
        if self._leg is not None and self._leg.lacks_its_end_only(now):
            self._close_unanswered(self._leg, now)
        self._advance(now)
        waits = not self._at_rest and not self._sleep.is_asleep and self._hold is None
        wanted = waits and self.tape.end > self.covered
        state = self._engine.look(now, self._leg, wanted=wanted, broken=self._retry.is_broken)
        if state is not None:
            self._out.append(state)

    # Decisions -------------------------------------------------------------------------------------------------------

    def _advance(self, now: float) -> None:
        """Do whatever can be done now: open a leg, feed it, let another take over, end it."""
        if self._done:
            return
        if self._leg is None:
            # A leg at work is left alone: it catches up, or has a limit of its own.
            self._hearing.lose_before(self.tape.end - int(KEPT_S * self._hearing.rate), self._hold)
            self._replace(now)
        self._have_a_second(now)
        if self._leg is not None:
            run = self._leg.run
            self._leg.feed(now, run_is_over=self._run_is_over(run), cut=self._is_cut(run))
        if self._standby is not None:
            self._standby.leg.feed(now, run_is_over=False)
        if self._sleep.is_asleep and self._leg is None:
            self._doze()
        self._hearing.trim(self._open_legs())
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
        if run is None:
            return
        settings = self._hearing.settings_for(run)
        if self._standby is not None and self._standby.leg.edition == settings.edition:
            self._take_over(self._standby)
        elif now >= self._retry.at and not self._engine.is_final:
            self._hearing.words.forget_withheld()
            self._leg = self._new_leg(settings, now)

    def _new_leg(self, settings: Settings, now: float) -> Leg:
        self._legs += 1
        leg = Leg(self._legs, settings=settings, run=self.tape.run_at(self.covered), now=now, out=self._out)
        self._out.append(Open(leg.id, settings.edition))
        return leg

    def _have_a_second(self, now: float) -> None:
        """Open a second leg where one is wanted, close it where it is not, let it take over when it may."""
        leg, standby = self._leg, self._standby
        if leg is None:
            return
        limit = self._hearing.editions.limit(leg.edition)
        past_limit = limit is not None and handover.is_past_limit(leg, limit, self._hearing.slack_s)
        if standby is None:
            self._open_a_second(leg, now, past_limit=past_limit)
        elif standby.is_late(leg, now):
            self._engine.why = self._engine.why or UNANSWERED
            self._close(standby.leg)
            if standby.reason is Reason.CHANGE:
                self._not_used(standby.leg, self._engine.why)
        elif standby.is_needless(leg, now, run_is_over=self._run_is_over(leg.run)):
            self._close(standby.leg)
        elif standby.may_take_over(leg, now, past_limit=past_limit):
            self._close(leg)
            if limit is not None and standby.reason is Reason.CHANGE:
                self._hearing.cover(limit, quiet=False)
            self._take_over(standby)
        elif standby.reason is Reason.CHANGE and leg.is_open and leg.used(now) >= handover.LEAVE_AT_ONCE:
            leg.end(now, cut=True)  # its last words before the change, which it has no room to hear in the usual way

    def _open_a_second(self, leg: Leg, now: float, *, past_limit: bool) -> None:
        following = self._hearing.following(leg)
        reason = handover.wanted(
            leg,
            now,
            following=following,
            run_is_over=self._run_is_over(leg.run),
            caught_up=self._is_caught_up(leg),
            alone=self._seconds.is_alone,
        )
        if reason is not None and self._seconds.may_ask(now):
            self._standby = Standby(self._new_leg(following or leg.settings, now), reason, now)
        elif self._seconds.is_alone and following is not None and past_limit:
            self._hearing.cover(self._hearing.editions.limit(leg.edition) or 0, quiet=False)
            self._leave(leg, now)
        elif leg.is_open and leg.used(now) >= handover.LEAVE_AT_ONCE:
            if handover.has_progressed(leg):
                # Running speech: an end_of_stream would cut a word in two, so the words under way are heard again.
                self._leave(leg, now)
            else:
                leg.end(now, cut=True)  # its cap is too short for that

    def _leave(self, leg: Leg, now: float) -> None:
        """Break before make."""
        self._close(leg)
        self._seconds.leg_is_over()
        self._retry.at_once(now)
        self._replace(now)

    def _take_over(self, standby: Standby) -> None:
        """The second leg becomes the one that speaks."""
        leg = self._leg = standby.leg
        self._standby = None
        if leg.phase is Phase.CONNECTING:
            return
        self._hearing.let_speak(leg)
        if leg.has_stepped:
            self._note_work(leg)
            self._hearing.hear(leg)

    def _is_caught_up(self, leg: Leg) -> bool:
        return self.tape.end - leg.seen < int(CAUGHT_UP_S * self._hearing.rate)

    def _step(self, leg: Leg, step: Step, now: float) -> None:
        is_first = not leg.has_stepped
        leg.step(step)
        self._worked.add(leg.edition)
        if leg is not self._leg:
            return
        if is_first:
            self._note_work(leg)
        if self._standby is None:
            leg.decide(
                now,
                self._gate,
                caught_up=self._is_caught_up(leg),
                in_utterance=self._hearing.words.in_utterance,
                may_leave=self._seconds.is_alone and leg.used(now) >= handover.LEAVE_IN_PAUSE,
            )
        if self._hearing.hear(leg):
            self._retry.brings()
        self._sleep_if_nobody_speaks(leg)

    def _note_work(self, leg: Leg) -> None:
        """The leg that speaks is at work."""
        self._retry.works()
        self._engine.works()
        self._hearing.tell_losses()
        if self._in_use != leg.edition:
            self._in_use = leg.edition
            self._out.append(InUse(leg.edition))

    def _heard_out(self, leg: Leg, now: float) -> None:
        """All text of what was fed has come."""
        self._retire(leg)
        self._seconds.leg_is_over()
        self._retry.at_once(now)
        self._retry.works()
        has_all, following = self._hearing.heard_out(leg, goes_on=not self._ending)
        if has_all and following is None and self._resting:
            self._at_rest = True
        if self._hold is not None and not self._hold.keep:
            self._hearing.words.forget_withheld()
            self._hearing.cover(self._hold.start, quiet=True)  # a word that was cut is not heard again
        if self._run_is_over(leg.run):
            self._hearing.words.end_utterance()

    def _close_unanswered(self, leg: Leg, now: float) -> None:
        """The engine has processed all, and does not say so: once it is asked again, then that has to do."""
        self._ends_in_vain += 1
        self._out.append(Close(leg.id))
        if self._ends_in_vain > 1:
            self._heard_out(leg, now)
        else:
            self._retire(leg)
            self._retry.at_once(now)
            self._advance(now)

    def _pass_over(self, hold: Hold, samples: int) -> None:
        start = self.tape.end
        self.tape.skip_to(start + samples)
        if self._leg is None and self.covered >= hold.start:
            self._hearing.lose_before(self.tape.end, hold)
            self._hearing.cover(self.tape.end, quiet=True)

    def _finish(self, now: float) -> None:
        """Say Done if all words are out, or if they cannot be had."""
        if not self.is_heard_out and now - self._audio_at <= KEPT_S and not self._engine.is_final:
            return
        self._hearing.words.release()
        self._hearing.words.end_utterance()
        if not self.is_heard_out:
            self._hearing.lose_before(self.tape.end, self._hold)
        for leg in list(self._open_legs()):
            self._close(leg)
        self._hearing.tell_losses()
        self._done = True
        self._out.append(Done())

    # Silence ---------------------------------------------------------------------------------------------------------

    def _sleep_if_nobody_speaks(self, leg: Leg) -> None:
        """Hold no session open for a room in which nobody has spoken for long."""
        if not leg.is_open or not leg.utterance.is_silent or self._standby is not None or self._resting:
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

    # Trouble ---------------------------------------------------------------------------------------------------------

    def _close(self, leg: Leg) -> None:
        self._out.append(Close(leg.id))
        self._retire(leg)

    def _retire(self, leg: Leg) -> None:
        self._paid += leg.sent
        if leg is self._leg:
            self._leg = None
        else:
            self._standby = None

    def _drop(self, leg: Leg, now: float, *, refused: str = "") -> None:
        """A leg has failed."""
        standby, lived_s, used = self._standby, leg.lived_s, leg.used(now)
        self._close(leg)
        if standby is not None and standby.leg is leg:
            is_new = standby.reason is Reason.CHANGE and leg.edition not in self._worked
            if refused and is_new and self._not_used(leg, refused):
                return
            is_well = self._leg is not None and self._leg.has_stepped
            self._seconds.failed(now, refused=lived_s is None and is_well)
        elif refused and leg.edition not in self._worked and self._not_used(leg, refused):
            self._retry.at_once(now)
        elif lived_s is not None and used >= OLD_SHARE:
            self._retry.at_once(now)  # its cap has come: that is no failure
        else:
            has_worked = leg.edition in self._worked
            is_refused = bool(refused) and self._engine.refused(now, has_worked=has_worked)
            self._retry.failed(now, lived_s=lived_s, refused=is_refused)

    def _not_used(self, leg: Leg, why: str) -> bool:
        """Go on with the settings before those of a leg; False if there are none."""
        if not self._hearing.editions.revoke(leg.edition):
            return False
        if self._leg is not None:
            self._hearing.limit(self._leg)
        self._out.append(NotUsed(leg.edition, why))
        return True

    def _open_legs(self) -> Iterator[Leg]:
        if self._leg is not None:
            yield self._leg
        if self._standby is not None:
            yield self._standby.leg

    def _known(self, leg_id: int) -> Leg | None:
        return next((leg for leg in self._open_legs() if leg.id == leg_id), None)
