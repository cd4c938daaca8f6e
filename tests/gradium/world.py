"""A world in virtual time for one stream: a speaker, a vendor with faults, and a network between them.

Nothing here waits: an hour of talk passes in seconds.
"""

from __future__ import annotations

import array
import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from captions.gradium.actions import (
    Action,
    Close,
    Covered,
    Done,
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
from captions.gradium.messages import EndOfStream, Ready, ServerMessage
from captions.gradium.seam import Spoken
from captions.gradium.setup import FRAME_S
from captions.gradium.stream import Settings, Stream
from tests.gradium.vendor import FRAME, RATE, Uttered, VendorSession, World

TICK_S: Final = 0.05
COMMON: Final = ("the", "a", "and", "it", "of", "to", "in", "is", "that", "we", "you", "so", "this", "on")


def talk(world: World, rng: random.Random) -> list[Uttered]:
    """Return what the speaker says."""
    words: list[Uttered] = []
    at, number = rng.uniform(0.5, 1.2), 0  # a session hears badly at once after its start
    while at < world.talk_s - 1.5:
        number += 1
        text = rng.choice(COMMON) if rng.random() < world.common else f"w{number}"
        length = rng.uniform(0.12, 0.5)
        words.append(Uttered(text, round(at, 3), round(at + length, 3)))
        at += length + rng.uniform(0.03, 0.12)
        if world.pauses and rng.random() < 0.1:
            at += rng.choice((0.3, 0.6, 1.2, 2.5, 6.0))
    return words


@dataclass(slots=True)
class Wire:
    """A connection: messages keep their order both ways."""

    session: VendorSession
    inbox: deque[Action] = field(default_factory=deque)
    up_at: float = 0.0
    down_at: float = 0.0
    closed: bool = False  # by the client


@dataclass(slots=True)
class Result:
    """What came of a run."""

    spoken: list[Uttered]
    words: list[Spoken] = field(default_factory=list)
    told_at: list[float] = field(default_factory=list)
    legs: int = 0
    sent_s: float = 0.0
    done_at: float | None = None
    ended_at: float = 0.0
    longest_tape_s: float = 0.0
    lost: list[Lost] = field(default_factory=list)
    covered: int = 0
    ends_by: dict[str, int] = field(default_factory=dict)
    utterances: int = 0
    crashes: int = 0


class Run:
    """Plays a world to its end."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.rng = world, random.Random(f"{seed}")
        self.result = Result(talk(world, self.rng))
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._wires: dict[int, Wire] = {}
        self._leg_base = 0
        self._settings = Settings(
            rate=RATE, session_s=world.cap_s, delay_s=world.delay_in_frames * FRAME_S, horizon_s=2.0, threshold=0.5
        )
        self.stream = Stream(self._settings, now=0.0, jitter=random.Random(seed))
        self._next = 0  # the speaker's next sample to send
        self._stopped = False
        self._faults()
        self._at(0.0, self._speak)
        self._at(TICK_S, self._tick)

    def play(self, limit_s: float = 400.0) -> Result:
        """Return what came of it."""
        while self._events and self.result.done_at is None:
            at, _, event = heapq.heappop(self._events)
            self.now = at
            if at > self.world.talk_s + limit_s:
                break
            event()
            tape = self.stream.tape
            held_s = sum(run.end - run.start for run in tape.runs) / RATE
            self.result.longest_tape_s = max(self.result.longest_tape_s, held_s)
        return self.result

    def _at(self, when: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._count), event))

    # Faults ----------------------------------------------------------------------------------------------------------

    def _faults(self) -> None:
        world, rng = self.world, self.rng
        self._drops = list(world.drops)
        at = 0.0
        while world.drops_every_s and (at := at + rng.uniform(0.3, 1.7) * world.drops_every_s) < world.talk_s:
            length = rng.uniform(*world.drop_s)
            self._drops.append((at, length))
            at += length
        self._rests = list(world.rests)
        at = 0.0
        while world.rests_every_s and (at := at + rng.uniform(0.3, 1.7) * world.rests_every_s) < world.talk_s:
            after = next((word for word in self.result.spoken if word.start_s > at), None)
            before = [word for word in self.result.spoken if word.start_s <= at]
            if after is None or not before:
                continue
            start = before[-1].end_s
            self._rests.append((start + 0.3 * (after.start_s - start), rng.uniform(0.1, 8.0)))
        for every, fault in (
            (world.aborts_every_s, self._abort),
            (world.hangs_every_s, self._hang),
            (world.crashes_every_s, self._crash),
        ):
            at = 0.0
            while every and (at := at + rng.uniform(0.2, 1.8) * every) < world.talk_s:
                self._at(at, fault)

    def _abort(self) -> None:
        for leg, wire in list(self._wires.items()):
            if not wire.closed and not wire.session.over:
                self._hang_up(leg, wire, "abort")

    def _hang(self) -> None:
        for wire in self._wires.values():
            wire.session.hung_until = self.now + self.world.hang_s

    def _crash(self) -> None:
        """The process dies; a new one goes on from what is durable: some of the last words were not."""
        result, rng = self.result, self.rng
        keep = max(0, len(result.words) - rng.randint(0, 10))
        kept = result.words[:keep]
        del result.words[keep:], result.told_at[keep:]
        start = max(0, int((kept[-1].end_s - 2.0) * RATE)) if kept else 0
        result.crashes += 1
        for wire in self._wires.values():
            wire.closed = True
        self._leg_base += 1000
        self.stream = Stream(
            self._settings, now=self.now, start=start, emitted=kept[-30:], jitter=random.Random(rng.random())
        )
        self._next = start

    # The speaker -----------------------------------------------------------------------------------------------------

    def _recorded(self) -> int:
        """Return the sample the microphone is at."""
        return int(min(self.now, self.world.talk_s) * RATE)

    def _speak(self) -> None:
        drop = next((d for d in self._drops if d[0] <= self.now < d[0] + d[1]), None)
        if drop is not None:
            self._at(drop[0] + drop[1], self._speak)
            return
        # At most twice real time when catching up, after a burst.
        frames = 0
        while self._next + FRAME <= self._recorded() and frames < 40 and not self._stopped:
            rest = next((r for r in self._rests if r[0] * RATE <= self._next), None)
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
            self._carry_out()
            return
        self._at(self.now + FRAME_S, self._speak)

    def _say(self, count: int) -> None:
        pcm = array.array("H", range(self._next + 1, self._next + count + 1)).tobytes()
        self._next += count
        self.stream.audio(pcm, self.now)
        self._carry_out()

    def _rest(self, rest: tuple[float, float]) -> None:
        """Pause: nothing is recorded, though the clock runs on; the words of that time are never said."""
        self.stream.rest(self.now)
        self._carry_out()
        start_s = self._next / RATE
        following = [word for word in self.result.spoken if word.start_s >= start_s + rest[1]]
        resumes_s = following[0].start_s - 0.02 if following else self.world.talk_s - 0.5
        resumes = int(max(resumes_s, start_s) * RATE)
        self._rests = [other for other in self._rests if other[0] * RATE > resumes]
        self.result.spoken[:] = [
            word for word in self.result.spoken if word.end_s <= start_s + 1e-6 or word.start_s >= resumes_s
        ]

        def go_on() -> None:
            self._next = resumes
            self.stream.skip_to(resumes, self.now)
            self._carry_out()
            self._speak()

        self._at(max(self.now, resumes / RATE), go_on)

    def _tick(self) -> None:
        self.stream.tick(self.now)
        self._carry_out()
        self._at(self.now + TICK_S, self._tick)

    # The wire --------------------------------------------------------------------------------------------------------

    def _carry_out(self) -> None:
        for item in self.stream.take():
            if isinstance(item, Open | Send | SendFlush | SendEnd | Close):
                self._act(item)
            else:
                self._note(item)

    def _note(self, output: Output) -> None:
        result = self.result
        match output:
            case Word(text, start_ms):
                result.words.append(Spoken(text, start_ms / 1000, start_ms / 1000 + 0.3))
                result.told_at.append(self.now)
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

    def _act(self, action: Action) -> None:
        leg = action.leg + self._leg_base
        if isinstance(action, Open):
            self._open(leg)
            return
        wire = self._wires[leg]
        if isinstance(action, Close):
            wire.closed = True
            return
        if isinstance(action, Send):
            self.result.sent_s += len(action.pcm) / 2 / RATE
        wire.up_at = max(wire.up_at, self.now + self._trip())
        self._at(wire.up_at, lambda: self._arrive(leg, wire, action))

    def _arrive(self, leg: int, wire: Wire, action: Action) -> None:
        wire.inbox.append(action)
        if len(wire.inbox) == 1:
            self._work(leg, wire)

    def _trip(self) -> float:
        return self.world.round_trip_s / 2 + self.rng.uniform(0, self.world.network_jitter_s)

    def _open(self, leg: int) -> None:
        world = self.world
        self.result.legs += 1
        wire = self._wires[leg] = Wire(VendorSession(world, self.rng, self.result.spoken, self.now))
        delay = self.rng.uniform(*world.connect_s) + world.round_trip_s
        wire.up_at = wire.down_at = self.now + delay
        if self.rng.random() < world.refusals:
            self._hang_up(leg, wire, "refusal", after=delay)
            return
        self._down(leg, wire, [Ready("r", "default", RATE, FRAME, world.delay_in_frames)])
        if world.cap_counts_time:
            self._at(self.now + (world.real_cap_s or world.cap_s), lambda: self._cap(leg, wire))

    def _work(self, leg: int, wire: Wire) -> None:
        """Handle what has come, as fast as the vendor is."""
        session, world = wire.session, self.world
        while wire.inbox and not session.over and not wire.closed:
            free_at = max(session.busy_until, session.hung_until)
            if free_at > self.now + 1e-9:
                self._at(free_at, lambda: self._work(leg, wire))
                return
            match wire.inbox.popleft():
                case Send(_, pcm):
                    session.busy_until = self.now + FRAME_S / world.speed
                    self._down(leg, wire, session.hear(pcm))
                    if session.heard_s >= (world.real_cap_s or world.cap_s):
                        self._cap(leg, wire)
                case SendFlush(_, flush_id):
                    said, trailing = session.flush(flush_id)
                    self._down(leg, wire, said)
                    if trailing:
                        trail_s = self.rng.uniform(0.3, 1) * world.trail_s
                        self._at(self.now + trail_s, lambda said=trailing: self._down(leg, wire, said))
                case SendEnd():
                    self._down(leg, wire, session.end())
                    self._hang_up(leg, wire, "asked")

    def _down(self, leg: int, wire: Wire, messages: list[ServerMessage]) -> None:
        wire.down_at = max(wire.down_at, self.now + self._trip())
        for message in messages:
            self._at(wire.down_at, lambda message=message: self._receive(leg, wire, message))

    def _receive(self, leg: int, wire: Wire, message: ServerMessage) -> None:
        if wire.closed:
            return
        if isinstance(message, Ready):
            self.stream.ready(leg - self._leg_base, message, self.now)
        else:
            self.stream.message(leg - self._leg_base, message, self.now)
        self._carry_out()

    def _cap(self, leg: int, wire: Wire) -> None:
        if wire.session.over or wire.closed:
            return
        if self.world.cap_ends_by == "end":
            self._down(leg, wire, [EndOfStream()])
        self._hang_up(leg, wire, "cap")

    def _hang_up(self, leg: int, wire: Wire, why: str, after: float = 0.0) -> None:
        wire.session.over = True
        self.result.ends_by[why] = self.result.ends_by.get(why, 0) + 1
        wire.down_at = max(wire.down_at, self.now + max(after, self._trip()))

        def tell() -> None:
            if not wire.closed:
                wire.closed = True
                self.stream.closed(leg - self._leg_base, self.now)
                self._carry_out()

        self._at(wire.down_at, tell)
