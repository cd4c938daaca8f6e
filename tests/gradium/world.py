"""A world in virtual time for one stream: a speaker, a vendor with faults, and a network between them."""

from __future__ import annotations

import random
from typing import Any, Final

from captions.gradium.actions import (
    Close,
    Covered,
    Done,
    InUse,
    Lost,
    NotUsed,
    Open,
    Output,
    Send,
    SendEnd,
    SendFlush,
    UtteranceEnd,
    Word,
    WordEnd,
)
from captions.gradium.messages import Ready, ServerMessage
from captions.gradium.seam import Spoken
from captions.gradium.setup import FRAME_S
from captions.gradium.stream import Settings, Stream
from tests.gradium.clock import Clock
from tests.gradium.conditions import World
from tests.gradium.faults import Faults
from tests.gradium.network import Network
from tests.gradium.outcome import Change, Result
from tests.gradium.speaker import FRAME, RATE, Gate, recording, talk
from tests.gradium.vendor import VendorSession

TICK_S: Final = 0.1
LANGUAGES: Final = ("en", "fr", "de", "es")
_ACTIONS: Final = (Open, Send, SendFlush, SendEnd, Close)
CHANGES_APART_S: Final = 1.2  # those that follow one another sooner are one to the stream


class Run:
    """Plays a world to its end."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.rng = world, random.Random(f"{seed}")
        self.result = Result(talk(world, self.rng))
        self.clock = Clock()
        self.network = Network(world, self.clock, self.rng, self, self._session)
        self._editions = [self._settings_of(0)]
        self.result.changes.append(Change(0.0, 0))
        self._refused: set[int] = set()
        self._in_use = 0
        self._changed_at = 0.0
        self.stream = self._new_stream(seed)
        self._next = 0  # the speaker's next sample to send
        self._stopped = False
        self._faults = Faults(world, self.rng, self.result.spoken)
        for every, fault in (
            (world.aborts_every_s, self.network.abort),
            (world.hangs_every_s, self.network.hang),
            (world.crashes_every_s, self._crash),
            (world.changes_every_s, self._change),
        ):
            for at in self._faults.times(every):
                self.clock.at(at, fault)
        self.clock.at(0.0, self._speak)
        self.clock.at(TICK_S, self._tick)

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return self.clock.now

    def play(self, limit_s: float = 400.0) -> Result:
        """Return what came of it."""
        while self.result.done_at is None and self.clock.now <= self.world.talk_s + limit_s and self.clock.happen():
            pass
        result, network = self.result, self.network
        result.legs, result.sent_s, result.ends_by = network.opened, network.sent_s, network.ends_by
        result.delays_s = [settings.delay_s for settings in self._editions]
        result.seams, result.most_sessions = max(0, network.sessions - 1), network.most_at_once
        return result

    # Settings --------------------------------------------------------------------------------------------------------

    def _settings_of(self, edition: int, delay_in_frames: int = 0) -> Settings:
        language = LANGUAGES[edition % len(LANGUAGES)] if self.world.changes_language else ""
        return Settings(
            rate=RATE,
            session_s=self.world.cap_s,
            delay_s=(delay_in_frames or self.world.delay_in_frames) * FRAME_S,
            horizon_s=2.0,
            threshold=0.5,
            silence_s=self.world.gives_up_after_s,
            language=language,
            edition=edition,
        )

    def _session(self, edition: int) -> VendorSession | None:
        if edition in self._refused:
            return None
        settings = self._editions[edition]
        tag = f"{settings.language}:" if settings.language else ""
        delay_in_frames = round(settings.delay_s / FRAME_S)
        return VendorSession(self.world, self.rng, self.result.spoken, delay_in_frames=delay_in_frames, tag=tag)

    def _change(self) -> None:
        if self.now - self._changed_at < CHANGES_APART_S:
            return
        self._changed_at = self.now
        edition = len(self._editions)
        settings = self._settings_of(edition, self.rng.choice(self.world.change_delays))
        self._editions.append(settings)
        if self.rng.random() < self.world.refused_changes:
            self._refused.add(edition)
        else:
            # After a crash words are out that the tape has not reached again.
            at_s = max([self.stream.tape.end / RATE, *(word.end_s for word in self.result.words[-1:])])
            self.result.changes.append(Change(at_s, edition))
        self.stream.change(settings, self.now)
        self.carry_out()

    def _new_stream(self, seed: float, **more: Any) -> Stream:
        settings = self._editions[self.result.changes[-1].edition]
        gate = Gate(self.result.spoken, lambda: self.clock.now)
        return Stream(settings, now=self.now, jitter=random.Random(seed), gate=gate, **more)

    def _crash(self) -> None:
        """The process dies; a new one goes on from what is durable: some of the last words were not."""
        result, rng = self.result, self.rng
        keep = max(0, len(result.words) - rng.randint(0, 10))
        kept = result.words[:keep]
        del result.words[keep:], result.told_at[keep:], result.editions[keep:]
        start = max(0, int((kept[-1].end_s - 2.0) * RATE)) if kept else 0
        result.crashes += 1
        newest, out_s = result.changes[-1], kept[-1].end_s if kept else 0.0
        if newest.at_s > out_s:  # the new process knows the newest settings only
            earlier = [change for change in result.changes if change.at_s < out_s]
            result.changes[:] = [*earlier, Change(out_s, newest.edition)]
        self.network.cut_all()
        self.stream = self._new_stream(rng.random(), start=start, emitted=kept[-30:])
        self._next = start

    # The speaker -----------------------------------------------------------------------------------------------------

    def _recorded(self) -> int:
        """Return the sample the microphone is at."""
        return int(min(self.now, self.world.talk_s) * RATE + 1e-6)

    def _speak(self) -> None:
        back_at = self._faults.drop_at(self.now)
        if back_at is not None:
            self.clock.at(back_at, self._speak)
            return
        # At most twice real time when catching up, after a burst.
        frames = 0
        while self._next + FRAME <= self._recorded() and frames < 40 and not self._stopped:
            rest = self._faults.rest_at(self._next / RATE)
            if rest is not None:
                self._rest(rest)
                return
            self._say(FRAME)
            frames += 1
        if self.now >= self.world.talk_s and self._recorded() - self._next < FRAME:
            if self._recorded() > self._next:
                self._say(self._recorded() - self._next)
            self._stopped = True
            self.result.ended_at = self.now
            self.stream.end(self.now)
            self.carry_out()
            return
        self.clock.at(self.now + FRAME_S, self._speak)

    def _say(self, count: int) -> None:
        pcm = recording(self._next, count)
        self._next += count
        self.stream.audio(pcm, self.now)
        self.carry_out()

    def _rest(self, length_s: float) -> None:
        """Pause: nothing is recorded, though the clock runs on; the words of that time are never said."""
        self.stream.rest(self.now)
        self.carry_out()
        resumes = int(self._faults.rest(self._next / RATE, length_s) * RATE)

        def go_on() -> None:
            self._next = resumes
            self.stream.skip_to(resumes, self.now)
            self.carry_out()
            self._speak()

        self.clock.at(max(self.now, resumes / RATE), go_on)

    def _tick(self) -> None:
        self.stream.tick(self.now)
        self.carry_out()
        held_s = sum(run.end - run.start for run in self.stream.tape.runs) / RATE
        self.result.longest_tape_s = max(self.result.longest_tape_s, held_s)
        self.clock.at(self.now + TICK_S, self._tick)

    # The vendor ------------------------------------------------------------------------------------------------------

    def receive(self, leg: int, message: ServerMessage) -> None:
        """A message of a leg came."""
        if isinstance(message, Ready):
            self.stream.ready(leg, message, self.now)
        else:
            self.stream.message(leg, message, self.now)
        self.carry_out()

    def hung_up(self, leg: int, refused: str) -> None:
        """A leg's connection has ended."""
        self.stream.closed(leg, self.now, refused=refused)
        self.carry_out()

    def carry_out(self) -> None:
        """Do what the stream wants done, and note what it tells."""
        for item in self.stream.take():
            if isinstance(item, _ACTIONS):
                self.network.act(item)
            else:
                self._note(item)

    def _note(self, output: Output) -> None:
        result = self.result
        match output:
            case Word(text, start_ms):
                result.words.append(Spoken(text, start_ms / 1000, start_ms / 1000 + 0.3))
                result.told_at.append(self.now)
                result.editions.append(self._in_use)
            case WordEnd(end_ms):
                result.words[-1].end_s = end_ms / 1000
            case Lost():
                result.lost.append(output)
            case Covered(index, _):
                result.covered = index
            case UtteranceEnd():
                result.utterances += 1
            case Done():
                result.done_at = self.now
            case InUse(edition):
                self._in_use = edition
            case NotUsed(edition):
                result.not_used.append(edition)
                result.changes[:] = [change for change in result.changes if change.edition != edition]
