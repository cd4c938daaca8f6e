"""The endless stream of one speaker: audio in, words out, over as many Gradium sessions (legs) as it takes.

Pure and synchronous: every event comes with the time it happens at, and what is to be done is collected and taken with
``take``. Audio is kept on a tape until its words are out. One leg speaks; before its session ends, when settings change
and when it hangs, a second one is opened beside it and takes over (``handover``). A leg that ends for any other reason
is followed by one that hears the tape again from ``covered`` minus a context; the seam drops what is out already.
``covered`` is the index before which every word that ended is out: what the engine has processed, less its delay and a
slack for text that comes later than it should.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from typing import Final

from captions.gradium import handover
from captions.gradium.actions import (
    Action,
    Close,
    Covered,
    Done,
    EngineState,
    InUse,
    Lost,
    NotUsed,
    Open,
    Output,
)
from captions.gradium.editions import Editions, Settings
from captions.gradium.gate import EnergyGate, Gate
from captions.gradium.handover import Reason, Standby
from captions.gradium.leg import Leg, Phase
from captions.gradium.messages import EndOfStream, EndText, Flushed, Ready, ServerMessage, Step, Text
from captions.gradium.retry import Retry
from captions.gradium.seam import SLACK_S, Spoken
from captions.gradium.setup import FRAME_S
from captions.gradium.tape import Run, Tape
from captions.gradium.words import Words

__all__ = ["Settings", "Stream"]

CAUGHT_UP_S: Final = 0.4  # less than this behind counts as up to date
AWAY_S: Final = 3.0  # audio that stops coming for this long: the speaker is away
CUT_S: Final = FRAME_S  # a word that ends this near to where the audio broke off may be half a word
BEFORE_CUT_S: Final = 0.1  # such a word is heard again from this long before its beginning
DOWN_AFTER_S: Final = 1.0  # without a session
MUTE_S: Final = 1.6  # with one that owes an answer
KEPT_S: Final = 120.0  # audio kept at most while no leg is at work
KEPT_ASLEEP_S: Final = 5.0  # and while nobody speaks and no session is open
MOST_SLACK_S: Final = 2.0
REFUSED_OFTEN: Final = 2  # a second session, so often: there is none to be had
SINGLE_LEGS: Final = 10  # then so many legs do without, before it is asked for again
SECOND_RETRY_S: Final = 1.0
POLICY_S: Final = 15.0  # a refusal of what has worked before is believed when it goes on for so long
BESIDE_LIMIT_S: Final = 4.0
CHANGE_LIMIT_S: Final = 10.0  # new settings that give no session for so long, while the old ones do, are given up
OLD_SHARE: Final = 0.75  # a session that ends by itself this near to its cap has not failed


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
        self.tape = Tape(start)
        self.covered = start
        self._editions = Editions(settings, start)
        self._rate = settings.rate
        self._out: list[Action | Output] = []
        self._words = Words(emitted, self._out)
        self._said_language = settings.language
        self._jitter = jitter or random.Random()
        self._retry = Retry(now, self._jitter)
        self._gate = gate or EnergyGate(settings.rate)
        self._leg: Leg | None = None
        self._standby: Standby | None = None
        self._legs = 0
        self._paid = 0  # samples sent on legs that are over
        self._slack_s = SLACK_S
        self._second_at = now  # when a second session may be asked for
        self._second_refused = 0
        self._single_legs = 0  # how many more legs do without a second session
        self._in_use: int | None = None  # the edition that words come from
        self._worked: set[int] = set()  # editions that gave a session
        self._why = ""
        self._final = False
        self._refused_since: float | None = None
        self._down_since: float | None = None
        self._told = EngineState(up=True)
        self._audio_at = now
        self._resting = False  # no more audio for now
        self._at_rest = True  # and all of it was heard out: the next audio opens a leg
        self._asleep = False  # nobody has spoken for long: no leg until there is sound
        self._awake_from = start
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
    def settings(self) -> Settings:
        """What holds for the audio that comes now."""
        return self._editions.newest

    @property
    def is_heard_out(self) -> bool:
        """The engine owes nothing: all words of the audio so far are out, but for one that was cut."""
        return self._leg is None and (self._at_rest or self._asleep or self.tape.end <= self.covered)

    @property
    def behind_s(self) -> float:
        """Seconds of audio the engine has not processed yet."""
        if self._at_rest or self._asleep:
            return 0.0
        heard = self._leg.seen if self._leg and self._leg.phase is not Phase.CONNECTING else self.covered
        return max(0.0, (self.tape.end - heard) / self._rate)

    @property
    def paid_s(self) -> float:
        """Seconds of audio sent to the engine, on all legs."""
        return (self._paid + sum(leg.sent for leg in self._open_legs())) / self._rate

    # Events of the speaker -----------------------------------------------------------------------------------------

    def audio(self, pcm: bytes, now: float) -> None:
        """Take samples that follow ``tape.end``."""
        self._audio_at = now
        self._resting = self._at_rest = self._cut = False
        self.tape.append(pcm)
        if self._asleep and self._gate.hears(pcm):
            self._wake()
        self._advance(now)

    def skip_to(self, index: int, now: float) -> None:
        """Leave out samples up to ``index``: they were never recorded or are lost to the speaker."""
        if index > self.tape.end:
            self.tape.skip_to(index)
            if self._at_rest:
                self._cover(index, quiet=True)
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

    def change(self, settings: Settings, now: float) -> None:
        """Let other settings, with a new ``edition``, hold for the audio that comes from now on."""
        is_spoken = self._leg is not None and self._leg.edition == self._editions.newest.edition
        self._editions.change(settings, self.tape.end, after_newest=is_spoken)
        if self._leg is not None:
            self._limit(self._leg)
        standby = self._standby
        if standby is not None and standby.reason is Reason.CHANGE:
            self._close(standby.leg)  # it may have been opened for settings that were never used
        self.try_again(now)

    def try_again(self, now: float) -> None:
        """Somebody wants the engine asked again, at once."""
        self._final = False
        self._retry.at_once(now)
        self._second_at = now
        self._advance(now)

    # Events of the legs ----------------------------------------------------------------------------------------------

    def ready(self, leg_id: int, ready: Ready, now: float) -> None:
        """The session of a leg is open."""
        leg = self._known(leg_id)
        if leg is None or leg.phase is not Phase.CONNECTING:
            return
        limit = self._editions.limit(self._leg.edition) if self._leg and leg is not self._leg else None
        start = self.covered if limit is None or leg.edition == self._leg_edition() else limit
        run = self.tape.run_at(start)
        start = max(start, run.start)
        frame = leg.settings.frame
        back = max(start - int(leg.settings.context_s * self._rate), run.start)
        leg.begin(ready, run, max(back // frame * frame, run.start), now)
        if leg is self._leg:
            self._speak(leg)
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
            case EndText(stop_s):
                leg.utterance.text(now)
                leg.seam.word_end(leg.audio_s(stop_s))
                self._note_lateness(leg, leg.audio_s(stop_s))
            case Step():
                self._step(leg, message, now)
            case Flushed():
                leg.flushed(now)
            case EndOfStream() if leg.phase is Phase.ENDING:
                self._heard_out(leg, now)
            case EndOfStream():
                self._drop(leg, now)  # nobody asked for it: what it had not processed yet is heard again
        if leg is self._leg:
            self._words.say(leg.seam.take())
        self._advance(now)

    def closed(self, leg_id: int, now: float, *, refused: str = "", why: str = "") -> None:
        """A session has ended or could not be opened: ``why``, in a sentence. ``refused``: by policy, and why."""
        leg = self._known(leg_id)
        if leg is not None:
            self._why = refused or why
            self._drop(leg, now, refused=refused)
            self._advance(now)

    def tick(self, now: float) -> None:
        """Time passes; call it a few times a tenth of a second."""
        if not self._resting and now - self._audio_at >= AWAY_S:
            self._resting = self._cut = True
        for leg in list(self._open_legs()):
            if leg.is_stuck(now) or self._is_slower_than_the_first(leg, now):
                self._why = "The speech engine does not answer."
                self._drop(leg, now)
        if self._leg is not None and self._leg.utterance.has_ended(now):
            self._words.end_utterance()
        self._advance(now)
        self._watch_engine(now)

    # Decisions -------------------------------------------------------------------------------------------------------

    def _advance(self, now: float) -> None:
        """Do whatever can be done now: open a leg, feed it, let another take over, end it."""
        if self._done:
            return
        if self._leg is None:
            self._forget_what_is_too_old()
            self._replace(now)
        self._have_a_second(now)
        if self._leg is not None:
            run = self._leg.run
            self._leg.feed(now, run_is_over=self._run_is_over(run), cut=self._is_cut(run))
        if self._standby is not None:
            self._standby.leg.feed(now, run_is_over=False)
        if self._asleep and self._leg is None:
            self._doze()
        if self._ending:
            self._finish(now)

    def _run_is_over(self, run: Run) -> bool:
        return self._resting or self._asleep or self.tape.run_after(run) is not None

    def _is_cut(self, run: Run) -> bool:
        """The run broke off where it stands, and may go on there."""
        return self._cut and not self._ending and self.tape.run_after(run) is None

    def _replace(self, now: float) -> None:
        """Find a leg for the audio that is still to be heard."""
        if self._at_rest or self._asleep:
            return
        run = self.tape.run_at(self.covered)
        if run.end <= max(self.covered, run.start):
            return
        settings = self._editions.at(max(self.covered, run.start))
        if self._standby is not None and self._standby.leg.edition == settings.edition:
            self._take_over(self._standby)
        elif now >= self._retry.at and not self._final:
            self._words.forget_withheld()
            self._leg = self._new_leg(settings, now)

    def _new_leg(self, settings: Settings, now: float) -> Leg:
        self._legs += 1
        leg = Leg(self._legs, settings=settings, run=self.tape.run_at(self.covered), now=now, out=self._out)
        self._out.append(Open(leg.id, settings.edition))
        return leg

    def _speak(self, leg: Leg) -> None:
        """From now on the words come from this leg."""
        start = max(self.covered, leg.run.start)
        self._editions.forget_before(start)
        leg.seam.attach(
            self._words.emitted,
            covered_s=start / self._rate,
            comparable=leg.settings.language == self._said_language,
        )
        self._limit(leg)
        self._said_language = leg.settings.language

    def _limit(self, leg: Leg) -> None:
        """Words that begin where other settings hold are not this leg's to say."""
        limit = self._editions.limit(leg.edition)
        leg.seam.limit_s = math.inf if limit is None else limit / self._rate

    def _have_a_second(self, now: float) -> None:
        """Open a second leg where one is wanted, close it where it is not, let it take over when it may."""
        leg, standby = self._leg, self._standby
        if leg is None:
            return
        limit = self._editions.limit(leg.edition)
        past_limit = limit is not None and handover.is_past_limit(leg, limit, self._slack_s)
        if standby is None:
            self._open_a_second(leg, now, past_limit=past_limit)
        elif standby.leg.phase is Phase.CONNECTING and standby.reason is Reason.CHANGE and self._is_in_vain(now):
            self._not_used(standby.leg, self._why or "The speech engine does not answer.")
        elif standby.is_needless(leg, now, run_is_over=self._run_is_over(leg.run)):
            self._close(standby.leg)
        elif standby.may_take_over(leg, now, past_limit=past_limit):
            self._close(leg)
            if limit is not None and standby.reason is Reason.CHANGE:
                self.covered = max(self.covered, limit)
            self._take_over(standby)
        elif standby.reason is Reason.CHANGE and leg.is_open and leg.used(now) >= handover.LEAVE_AT_ONCE:
            leg.end(now, cut=True)  # its last words before the change, which it has no room to hear in the usual way

    def _open_a_second(self, leg: Leg, now: float, *, past_limit: bool) -> None:
        limit = self._editions.limit(leg.edition)
        following = self._editions.following(leg.edition) if limit is not None and self.tape.end > limit else None
        reason = handover.wanted(
            leg,
            now,
            following=following,
            run_is_over=self._run_is_over(leg.run),
            caught_up=self._is_caught_up(leg),
            single=self._single_legs > 0,
        )
        if reason is not None and now >= self._second_at:
            settings = following if following is not None else leg.settings
            self._standby = Standby(self._new_leg(settings, now), reason, now)
        elif self._single_legs and following is not None and past_limit:
            self._close(leg)
            self.covered = max(self.covered, limit or 0)
            self._replace_single(now)
        elif leg.is_open and leg.used(now) >= handover.LEAVE_AT_ONCE:
            if handover.has_progressed(leg):
                # Running speech: an end_of_stream would cut a word in two, so the words under way are heard again.
                self._close(leg)
                self._replace_single(now)
            else:
                leg.end(now, cut=True)  # its cap is too short for that

    def _replace_single(self, now: float) -> None:
        self._single_legs = max(0, self._single_legs - 1)
        self._retry.at_once(now)
        self._replace(now)

    def _take_over(self, standby: Standby) -> None:
        """The second leg becomes the one that speaks."""
        leg = self._leg = standby.leg
        self._standby = None
        if leg.phase is Phase.CONNECTING:
            return
        self._speak(leg)
        if leg.has_stepped:
            self._note_work(leg)
            self._hear(leg)

    def _is_caught_up(self, leg: Leg) -> bool:
        return self.tape.end - leg.seen < int(CAUGHT_UP_S * self._rate)

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
                in_utterance=self._words.in_utterance,
                may_leave=self._single_legs > 0 and leg.used(now) >= handover.LEAVE_IN_PAUSE,
            )
        self._hear(leg)
        self._sleep_if_nobody_speaks(leg)

    def _is_slower_than_the_first(self, leg: Leg, now: float) -> bool:
        """A leg that was opened beside one that hangs is not waited for as long as that one."""
        standby = self._standby
        return (
            standby is not None
            and standby.leg is leg
            and standby.reason is Reason.HANG
            and leg.phase is Phase.CONNECTING
            and leg.waits_s(now) > BESIDE_LIMIT_S
        )

    def _note_work(self, leg: Leg) -> None:
        """The leg that speaks is at work."""
        self._retry.works()
        self._refused_since = None
        self._tell_lost()
        if self._in_use != leg.edition:
            self._in_use = leg.edition
            self._out.append(InUse(leg.edition))

    def _hear(self, leg: Leg) -> None:
        """Let words out as far as the leg has come."""
        leg.seam.heard(leg.heard / self._rate, slack_s=self._slack_s)
        self._words.say(leg.seam.take())
        if leg.seam.joined:
            index = leg.heard - int(self._slack_s * self._rate)
            limit = self._editions.limit(leg.edition)
            self._cover(index if limit is None else min(index, limit), quiet=leg.utterance.is_silent)
            self._words.covered(self.covered / self._rate)

    def _note_lateness(self, leg: Leg, end_s: float) -> None:
        """Text that comes later than it should moves what counts as covered."""
        late_s = leg.heard / self._rate - end_s + FRAME_S
        if leg.has_stepped and late_s > self._slack_s:
            self._slack_s = min(MOST_SLACK_S, late_s)

    def _cover(self, index: int, *, quiet: bool) -> None:
        if index > self.covered:
            self.covered = index
            self._retry.brings()
            self._trim()
        self._out.append(Covered(self.covered, quiet))

    def _trim(self) -> None:
        """Forget audio that nobody has to hear again."""
        frame = self.settings.frame
        needed = self.covered - int(self.settings.context_s * self._rate)
        for leg in self._open_legs():
            if leg.phase is not Phase.CONNECTING:
                needed = min(needed, leg.fed)
        self.tape.drop_before(needed // frame * frame)

    def _heard_out(self, leg: Leg, now: float) -> None:
        """All text of what was fed has come."""
        if leg is not self._leg:
            self._drop(leg, now)
            return
        self._retire(leg)
        self._single_legs = max(0, self._single_legs - 1)
        self._retry.at_once(now)
        self._retry.works()
        limit = self._editions.limit(leg.edition)
        following = self.tape.run_after(leg.run)
        reached = leg.fed if limit is None else min(leg.fed, limit)
        has_all = leg.has_all and (limit is None or limit >= leg.run.end)
        goes_on = not has_all or (following is None and not self._ending)
        may_be_half = leg.seam.withholding and goes_on and reached == leg.fed
        words = leg.seam.finish()
        if may_be_half:
            limit_s = leg.fed / self._rate - CUT_S
            half = next((place for place, word in enumerate(words) if word.end_s >= limit_s), len(words))
            words, withheld = words[:half], words[half:]
            self._words.withhold(withheld)
            if withheld:
                reached = max(self.covered, int((withheld[0].start_s - BEFORE_CUT_S) * self._rate))
        self._words.say(words)
        self._cover(reached, quiet=True)
        if has_all and following is not None:
            self.covered = max(self.covered, following.start)
        elif has_all and self._resting:
            self._at_rest = True
        if self._resting or self._asleep or following is not None:
            self._words.end_utterance()

    def _finish(self, now: float) -> None:
        """Say Done if all words are out, or if they cannot be had."""
        if not self.is_heard_out and now - self._audio_at <= KEPT_S:
            return
        self._words.release()
        self._words.end_utterance()
        if not self.is_heard_out:
            self._lose_before(self.tape.end)
        for leg in list(self._open_legs()):
            self._close(leg)
        self._tell_lost()
        self._done = True
        self._out.append(Done())

    # Silence ---------------------------------------------------------------------------------------------------------

    def _sleep_if_nobody_speaks(self, leg: Leg) -> None:
        """Hold no session open for a room in which nobody has spoken for long."""
        if not leg.utterance.is_silent or self._standby is not None or self._resting or not leg.is_open:
            return
        spoken_s = max([self._awake_from / self._rate, *(word.end_s for word in list(self._words.emitted)[-1:])])
        if self.covered / self._rate - spoken_s >= self.settings.silence_s:
            self._asleep = True
            run = leg.run
            kept = int(KEPT_ASLEEP_S * self._rate)
            self._gate.learn(run.read(max(run.start, run.end - kept), kept))

    def _doze(self) -> None:
        """Keep the last seconds only."""
        index = self.tape.end if self._ending else self.tape.end - int(KEPT_ASLEEP_S * self._rate)
        if index - self.covered >= self.settings.frame:
            self._cover(index, quiet=True)

    def _wake(self) -> None:
        self._asleep = False
        self._awake_from = self.tape.end

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
        is_standby = leg is not self._leg
        reason = self._standby.reason if is_standby and self._standby else None
        lived_s, used = leg.lived_s, leg.used(now)
        self._close(leg)
        if is_standby:
            self._second_failed(leg, reason, now, lived_s=lived_s, refused=refused)
        elif refused and self._not_used(leg, refused):
            self._retry.at_once(now)
        elif lived_s is not None and used >= OLD_SHARE:
            self._retry.at_once(now)  # its cap has come: that is no failure
        else:
            self._retry.failed(now, lived_s=lived_s)
            if refused and self._refused_since is None:
                self._refused_since = now
            if refused and (leg.edition not in self._worked or now - (self._refused_since or now) > POLICY_S):
                self._final = True

    def _second_failed(
        self, leg: Leg, reason: Reason | None, now: float, *, lived_s: float | None, refused: str
    ) -> None:
        self._second_at = now + SECOND_RETRY_S * self._jitter.uniform(0.8, 1.2)
        if refused and reason is Reason.CHANGE and leg.edition not in self._worked and self._not_used(leg, refused):
            return
        if lived_s is None and self._leg is not None and self._leg.has_stepped:
            self._second_refused += 1
            if self._second_refused >= REFUSED_OFTEN:
                self._single_legs, self._second_refused = SINGLE_LEGS, 0
        else:
            self._second_refused = 0

    def _not_used(self, leg: Leg, why: str) -> bool:
        """Go on with the settings before those of a leg; False if there are none."""
        if leg.edition in self._worked or not self._editions.revoke(leg.edition):
            return False
        if self._standby is not None and self._standby.leg is leg:
            self._close(leg)
        if self._leg is not None:
            self._limit(self._leg)
        self._out.append(NotUsed(leg.edition, why))
        return True

    def _is_in_vain(self, now: float) -> bool:
        """New settings have given no session for long, while the old ones work."""
        standby, leg = self._standby, self._leg
        return (
            standby is not None
            and leg is not None
            and leg.has_stepped
            and leg.waits_s(now) < MUTE_S
            and now - standby.since > CHANGE_LIMIT_S
        )

    def _watch_engine(self, now: float) -> None:
        wanted = not self._at_rest and not self._asleep and self.tape.end > self.covered
        mute = self._leg is not None and self._leg.phase is not Phase.CONNECTING and self._leg.waits_s(now) > MUTE_S
        working = self._leg is not None and self._leg.phase is not Phase.CONNECTING
        if mute:
            self._tell_engine(up=False)
        elif working or not wanted:
            self._down_since = None
            self._tell_engine(up=True)
        elif self._down_since is None:
            self._down_since = now
        if self._final or (self._down_since is not None and now - self._down_since > DOWN_AFTER_S):
            self._tell_engine(up=False)

    def _tell_engine(self, *, up: bool) -> None:
        state = EngineState(up) if up else EngineState(up, self._why, self._final, self._retry.is_broken)
        if state != self._told:
            self._told = state
            self._out.append(state)

    def _forget_what_is_too_old(self) -> None:
        """Keep the tape within its bound. A leg at work is left alone: it catches up, or has a limit of its own."""
        self._lose_before(self.tape.end - int(KEPT_S * self._rate))

    def _lose_before(self, index: int) -> None:
        if index > self.covered:
            if self._lost_from is None:
                self._lost_from = self.covered
            self.covered = index
            self._trim()

    def _tell_lost(self) -> None:
        """Tell of lost audio once the engine is back, in one piece."""
        if self._lost_from is not None:
            self._out.append(Lost(self._lost_from, self.covered))
            self._lost_from = None

    def _open_legs(self) -> Iterator[Leg]:
        if self._leg is not None:
            yield self._leg
        if self._standby is not None:
            yield self._standby.leg

    def _leg_edition(self) -> int | None:
        return self._leg.edition if self._leg is not None else None

    def _known(self, leg_id: int) -> Leg | None:
        return next((leg for leg in self._open_legs() if leg.id == leg_id), None)
