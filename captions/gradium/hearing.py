"""How far the audio has been heard: the tape, what of it is covered, and the words that are out. Pure.

``covered`` is the index before which every word that ended is out: what the engine has processed, less its delay and a
slack for text that comes later than it should.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from captions.gradium.actions import Action, Covered, Output
from captions.gradium.editions import Editions, Settings
from captions.gradium.leg import Leg, Phase
from captions.gradium.losses import Hold, Losses
from captions.gradium.messages import Ready
from captions.gradium.seam import SLACK_S, Spoken
from captions.gradium.setup import FRAME_S
from captions.gradium.tape import Run, Tape
from captions.gradium.words import Words

MOST_SLACK_S: Final = 2.0
LEAD_IN_S: Final = 1.0  # of silence before a run's first sample: a session that has just begun mishears
CUT_S: Final = FRAME_S  # a word that ends this near to where the audio broke off may be half a word
BEFORE_CUT_S: Final = 0.1  # such a word is heard again from this long before its beginning


class Hearing:
    """See the module. ``start`` is the first sample to be heard; words before it that are out are ``emitted``."""

    def __init__(self, settings: Settings, start: int, emitted: Iterable[Spoken], out: list[Action | Output]) -> None:
        self.tape = Tape(start)
        self.covered = start
        self.editions = Editions(settings, start)
        self.words = Words(emitted, out)
        self.slack_s = SLACK_S
        self.losses = Losses()
        self.rate = settings.rate
        self._said_language = settings.language
        self._trimmed_at = start
        self._out = out

    # What there is to hear -----------------------------------------------------------------------------------------

    def next_run(self) -> Run | None:
        """Return the audio that is still to be heard; None: there is none."""
        run = self.tape.run_at(self.covered)
        return run if run.end > max(self.covered, run.start) else None

    def settings_for(self, run: Run) -> Settings:
        """Return what holds for the first of the audio that is still to be heard."""
        return self.editions.at(max(self.covered, run.start))

    def following(self, leg: Leg) -> Settings | None:
        """Return what holds after a leg's stretch, if there is audio of that already."""
        limit = self.editions.limit(leg.edition)
        return self.editions.following(leg.edition) if limit is not None and self.tape.end > limit else None

    def begin(self, leg: Leg, ready: Ready, speaker: Leg | None, now: float) -> None:
        """Let a leg hear from before the first word it may say; ``speaker`` is the leg that speaks now."""
        start = self.covered
        if speaker is not None and speaker.edition != leg.edition:
            start = self.editions.limit(speaker.edition) or start
        run = self.tape.run_at(start)
        start = max(start, run.start)
        frame = leg.settings.frame
        back = max(start - int(leg.settings.context_s * self.rate), run.start - int(LEAD_IN_S * self.rate))
        leg.begin(ready, run, back // frame * frame, now)

    # What is heard -------------------------------------------------------------------------------------------------

    def let_speak(self, leg: Leg) -> None:
        """From now on the words come from this leg."""
        start = max(self.covered, leg.run.start)
        self.editions.forget_before(start, but=leg.edition)
        is_comparable = leg.settings.language == self._said_language
        leg.seam.attach(self.words.emitted, covered_s=start / self.rate, comparable=is_comparable)
        self.limit(leg)
        self._said_language = leg.settings.language

    def limit(self, leg: Leg) -> None:
        """Words that begin where other settings hold are not this leg's to say."""
        limit = self.editions.limit(leg.edition)
        leg.seam.limit_s = math.inf if limit is None else limit / self.rate

    def join(self, leg: Leg) -> None:
        """A text has come: it need not wait for the next step if it shows how a leg goes on from the one before."""
        if leg.seam.is_comparable:
            leg.seam.heard(leg.heard / self.rate, slack_s=self.slack_s)

    def hear(self, leg: Leg) -> bool:
        """Let words out as far as the leg that speaks has come; tells whether it has covered anything new."""
        leg.seam.heard(leg.heard / self.rate, slack_s=self.slack_s)
        self.words.say(leg.seam.take())
        if not leg.seam.joined or leg.seam.withholding:
            return False
        index = leg.heard - int(self.slack_s * self.rate)
        limit = self.editions.limit(leg.edition)
        is_new = self.cover(index if limit is None else min(index, limit), quiet=leg.utterance.is_silent)
        self.words.covered(self.covered / self.rate)
        return is_new

    def note_lateness(self, leg: Leg, end_s: float) -> None:
        """A word that ended at ``end_s`` is told only now: text that comes late moves what counts as covered."""
        late_s = leg.heard / self.rate - end_s + FRAME_S
        if leg.has_stepped and late_s > self.slack_s:
            self.slack_s = min(MOST_SLACK_S, late_s)

    def cover(self, index: int, *, quiet: bool) -> bool:
        """Every word that ended before ``index`` is out; tells whether that is news."""
        is_new = index > self.covered
        self.covered = max(self.covered, index)
        self._out.append(Covered(self.covered, quiet))
        return is_new

    def heard_out(self, leg: Leg, *, goes_on: bool) -> tuple[bool, Run | None]:
        """A leg has told all of what it was fed; ``goes_on``: more may follow the end of its run.

        Returns whether its whole run was its own to hear and is heard, and the run that follows it.
        """
        limit = self.editions.limit(leg.edition)
        following = self.tape.run_after(leg.run)
        reached = leg.fed if limit is None else min(leg.fed, limit)
        has_all = leg.has_all and (limit is None or limit >= leg.run.end)
        may_be_half = leg.seam.withholding and (not leg.has_all or (following is None and goes_on))
        words = leg.seam.finish()
        if may_be_half:
            limit_s = leg.fed / self.rate - CUT_S
            half = next((place for place, word in enumerate(words) if word.end_s >= limit_s), len(words))
            words, withheld = words[:half], words[half:]
            self.words.withhold(withheld)
            if withheld:
                reached = max(self.covered, int((withheld[0].start_s - BEFORE_CUT_S) * self.rate))
        self.words.say(words)
        self.cover(reached, quiet=True)
        if has_all and following is not None:
            self.covered = max(self.covered, following.start)
        return has_all, following

    def lose_before(self, index: int, hold: Hold | None) -> None:
        """What is not heard yet before ``index`` will never be."""
        if index > self.covered:
            self.lose(self.covered, index, hold)
            self.covered = index

    def lose(self, start: int, end: int, hold: Hold | None) -> None:
        """What is between two samples will never be heard."""
        self._out += self.losses.add(start, end, hold)

    def tell_losses(self) -> None:
        """Tell of what is lost."""
        self._out += self.losses.tell()

    def trim(self, legs: Iterable[Leg]) -> None:
        """Forget audio that nobody has to hear again."""
        if self.covered == self._trimmed_at:
            return
        self._trimmed_at = self.covered
        settings = self.editions.newest
        needed = self.covered - int(settings.context_s * self.rate)
        for leg in legs:
            if leg.phase is not Phase.CONNECTING:
                needed = min(needed, leg.fed)
        self.tape.drop_before(needed // settings.frame * settings.frame)
