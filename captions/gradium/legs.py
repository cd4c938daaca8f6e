"""The sessions of a stream: the one that speaks, the one that is to take over, what follows when one fails. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

from captions.gradium import handover
from captions.gradium.actions import Action, Close, InUse, NotUsed, Open, Output
from captions.gradium.editions import Settings
from captions.gradium.engine_watch import EngineWatch
from captions.gradium.handover import Reason, SecondSessions, Standby
from captions.gradium.hearing import Hearing
from captions.gradium.leg import Leg, Phase
from captions.gradium.messages import Step
from captions.gradium.retry import Retry
from captions.gradium.tape import Run

CAUGHT_UP_S: Final = 0.4  # less than this behind counts as up to date
NEW_LIMIT_S: Final = 5.0  # new settings without a session for so long, though old ones had to be left for them
OLD_SHARE: Final = 0.75  # a session that ends by itself this near to its cap has not failed
UNANSWERED: Final = "The speech engine does not answer."


class Legs:
    """See the module. What is to be done with sessions goes to ``out``, what they say to ``hearing``."""

    def __init__(self, hearing: Hearing, out: list[Action | Output], *, now: float, jitter: random.Random) -> None:
        self.speaker: Leg | None = None
        self.standby: Standby | None = None
        self.engine = EngineWatch()
        self.retry = Retry(now, jitter)
        self.seconds = SecondSessions(now, jitter)
        self._hearing = hearing
        self._out = out
        self._count = 0
        self._paid = 0  # samples sent on legs that are over
        self._in_use: int | None = None  # the edition that words come from
        self._worked: set[int] = set()  # editions that gave a session
        self._tried = -1  # the edition that is tried in place of one that worked, and since when
        self._tried_since = now

    def __iter__(self) -> Iterator[Leg]:
        """Both, the one that speaks first."""
        if self.speaker is not None:
            yield self.speaker
        if self.standby is not None:
            yield self.standby.leg

    def known(self, leg_id: int) -> Leg | None:
        """Return the leg of that number, if it is open still."""
        return next((leg for leg in self if leg.id == leg_id), None)

    @property
    def paid(self) -> int:
        """Samples sent to the engine so far."""
        return self._paid + sum(leg.sent for leg in self)

    def is_caught_up(self, leg: Leg) -> bool:
        """Tell whether a leg has processed next to all there is."""
        return self._hearing.tape.end - leg.seen < int(CAUGHT_UP_S * self._hearing.rate)

    # Opening and taking over ---------------------------------------------------------------------------------------

    def replace(self, run: Run, now: float) -> None:
        """Find a leg for a run of audio that is still to be heard."""
        settings = self._hearing.settings_for(run)
        if self.standby is not None and self.standby.leg.edition != settings.edition:
            self.close(self.standby.leg)  # it may hold the only session that is to be had
        if self.standby is not None:
            self._take_over(self.standby)
        elif now >= self.retry.at and not self.engine.is_final:
            self._hearing.words.forget_withheld()
            self.speaker = self._new_leg(settings, now)

    def try_again(self, now: float) -> None:
        """Ask the engine again at once, also one that has refused."""
        self.engine.is_final = False
        self.retry.at_once(now)
        self.seconds.ask_at_once(now)

    def _new_leg(self, settings: Settings, now: float) -> Leg:
        self._count += 1
        leg = Leg(
            self._count, settings=settings, run=self._hearing.tape.run_at(self._hearing.covered), now=now, out=self._out
        )
        self._out.append(Open(leg.id, settings.edition))
        return leg

    def have_a_second(self, now: float, *, run_is_over: bool) -> None:
        """Open a second leg where one is wanted, close it where it is not, let it take over when it may."""
        leg, standby = self.speaker, self.standby
        if leg is None:
            return
        limit = self._hearing.editions.limit(leg.edition)
        past_limit = limit is not None and handover.is_past_limit(leg, limit, self._hearing.slack_s)
        if standby is None:
            self._open_a_second(leg, now, past_limit=past_limit, run_is_over=run_is_over)
        elif standby.is_late(leg, now):
            self.engine.why = self.engine.why or UNANSWERED
            self.close(standby.leg)
            if standby.reason is Reason.CHANGE:
                self._not_used(standby.leg, self.engine.why)
        elif standby.is_needless(leg, now, run_is_over=run_is_over):
            self.close(standby.leg)
        elif standby.may_take_over(leg, now, past_limit=past_limit):
            self.close(leg)
            if limit is not None and standby.reason is Reason.CHANGE:
                self._hearing.cover(limit, quiet=False)
            self._take_over(standby)
        elif standby.reason is Reason.CHANGE and leg.is_open and leg.used(now) >= handover.LEAVE_AT_ONCE:
            leg.end(now, cut=True)  # its last words before the change, which it has no room to hear in the usual way

    def _open_a_second(self, leg: Leg, now: float, *, past_limit: bool, run_is_over: bool) -> None:
        following = self._hearing.following(leg)
        reason = handover.wanted(
            leg,
            now,
            following=following,
            run_is_over=run_is_over,
            caught_up=self.is_caught_up(leg),
            alone=self.seconds.is_alone,
        )
        if reason is not None and self.seconds.may_ask(now):
            self.standby = Standby(self._new_leg(following or leg.settings, now), reason, now)
        elif self.seconds.is_alone and following is not None and past_limit:
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
        self.close(leg)
        self.seconds.leg_is_over()
        self.retry.at_once(now)

    def _take_over(self, standby: Standby) -> None:
        """The second leg becomes the one that speaks."""
        leg = self.speaker = standby.leg
        self.standby = None
        if leg.phase is Phase.CONNECTING:
            return
        self._hearing.let_speak(leg)
        if leg.has_stepped:
            self._note_work(leg)
            self._hearing.hear(leg)

    # At work ---------------------------------------------------------------------------------------------------------

    def step(self, leg: Leg, step: Step) -> None:
        """A leg has processed a frame."""
        is_first = not leg.has_stepped
        leg.step(step)
        self._worked.add(leg.edition)
        if is_first and leg is self.speaker:
            self._note_work(leg)

    def _note_work(self, leg: Leg) -> None:
        """The leg that speaks is at work."""
        self.retry.works()
        self.engine.works()
        self._hearing.tell_losses()
        if self._in_use != leg.edition:
            self._in_use = leg.edition
            self._out.append(InUse(leg.edition))

    # Ending -----------------------------------------------------------------------------------------------------------

    def close(self, leg: Leg) -> None:
        """Leave a session; what it says no longer counts."""
        self._out.append(Close(leg.id))
        self.retire(leg)

    def retire(self, leg: Leg) -> None:
        """A session is over."""
        self._paid += leg.sent
        if leg is self.speaker:
            self.speaker = None
        else:
            self.standby = None

    def drop(self, leg: Leg, now: float, *, refused: str = "") -> None:
        """A leg has failed."""
        standby, lived_s, used = self.standby, leg.lived_s, leg.used(now)
        has_worked = leg.edition in self._worked
        self.close(leg)
        if standby is not None and standby.leg is leg:
            if refused and standby.reason is Reason.CHANGE and not has_worked and self._not_used(leg, refused):
                return
            is_well = self.speaker is not None and self.speaker.has_stepped
            self.seconds.failed(now, refused=lived_s is None and is_well)
        elif not has_worked and (refused or self._is_in_vain(leg, now)) and self._not_used(leg, refused):
            self.retry.at_once(now)
        elif lived_s is not None and used >= OLD_SHARE:
            self.retry.at_once(now)  # its cap has come: that is no failure
        else:
            is_refused = bool(refused) and self.engine.refused(now, has_worked=has_worked)
            self.retry.failed(now, lived_s=lived_s, refused=is_refused)

    def _is_in_vain(self, leg: Leg, now: float) -> bool:
        """New settings that the old ones were left for have given no session for long."""
        if self._tried != leg.edition:
            self._tried, self._tried_since = leg.edition, leg.since
        return now - self._tried_since > NEW_LIMIT_S

    def _not_used(self, leg: Leg, why: str) -> bool:
        """Go on with the settings before those of a leg; False if there are none."""
        if not self._worked or not self._hearing.editions.revoke(leg.edition):
            return False
        why = why or self.engine.why or UNANSWERED
        if self.speaker is not None:
            self._hearing.limit(self.speaker)
        self._out.append(NotUsed(leg.edition, why))
        return True
