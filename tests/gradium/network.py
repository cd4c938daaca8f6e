"""The way to the vendor and its door: connections, their delays and ends, and who is let in."""

from __future__ import annotations

import math
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from captions.gradium.actions import Action, Close, Open, Send, SendEnd, SendFlush
from captions.gradium.messages import EndOfStream, Ready, ServerMessage
from captions.gradium.setup import FRAME_S
from tests.gradium.clock import Clock
from tests.gradium.conditions import World
from tests.gradium.speaker import FRAME, RATE
from tests.gradium.vendor import VendorSession

TOO_MANY = "too many sessions"


class Client(Protocol):
    """Who is told of a leg."""

    def receive(self, leg: int, message: ServerMessage) -> None:
        """A message came."""

    def hung_up(self, leg: int, refused: str) -> None:
        """The connection has ended."""


@dataclass(slots=True)
class Wire:
    """A connection: messages keep their order both ways."""

    leg: int
    session: VendorSession
    inbox: deque[Action] = field(default_factory=deque)
    up_at: float = 0.0
    down_at: float = 0.0
    closed: bool = False  # nothing more reaches the client
    broken: bool = False  # what was under way to the client is lost
    seat_until: float = math.inf  # the vendor counts it until then


class Network:
    """Carries a stream's actions to the vendor, and what the vendor says to the client."""

    def __init__(
        self,
        world: World,
        clock: Clock,
        rng: random.Random,
        client: Client,
        session: Callable[[int], VendorSession | None],
    ) -> None:
        """``session`` makes the vendor's side of a session for an edition, None if its settings are not taken."""
        self.world, self.clock, self.rng, self.client = world, clock, rng, client
        self._new_session = session
        self._wires: dict[int, Wire] = {}
        self._seats: list[Wire] = []
        self.opened = self.sessions = self.most_at_once = 0
        self.sent_s = 0.0
        self.ends_by: Counter[str] = Counter()

    # What the stream does --------------------------------------------------------------------------------------------

    def act(self, action: Action) -> None:
        """Carry out an action."""
        if isinstance(action, Open):
            self._open(action.leg, action.edition)
            return
        wire = self._wires[action.leg]
        if isinstance(action, Close):
            self._cut(wire)
            return
        if isinstance(action, Send):
            self.sent_s += len(action.pcm) / 2 / RATE
        wire.up_at = max(wire.up_at, self.clock.now + self._trip())
        self.clock.at(wire.up_at, lambda: self._arrive(wire, action))

    def cut_all(self) -> None:
        """The process dies."""
        for wire in self._wires.values():
            self._cut(wire)
        self._wires = {}

    def _cut(self, wire: Wire) -> None:
        wire.closed = True
        self._leave_seat(wire, self.clock.now + self.world.round_trip_s / 2)

    def _open(self, leg: int, edition: int) -> None:
        world, now = self.world, self.clock.now
        self.opened += 1
        session = self._new_session(edition)
        refused = session is None
        wire = self._wires[leg] = Wire(leg, session or VendorSession(world, self.rng, [], delay_in_frames=10))
        delay = self.rng.uniform(*world.connect_s) + world.round_trip_s
        wire.up_at = wire.down_at = now + delay
        self._seats = [seat for seat in self._seats if seat.seat_until > now]
        if refused:
            self._hang_up(wire, "settings", after=delay, refused="these settings are not taken")
            return
        if world.most_sessions and len(self._seats) >= world.most_sessions:
            refused_why = TOO_MANY if world.refuses_with_policy else ""
            self._hang_up(wire, "too many", after=delay, refused=refused_why)
            return
        if self.rng.random() < world.refusals:
            self._hang_up(wire, "refusal", after=delay)
            return
        self._seats.append(wire)
        self.most_at_once = max(self.most_at_once, sum(not seat.closed for seat in self._seats))
        if self.rng.random() < world.silent_connects:
            self.ends_by["silent connect"] += 1
            wire.session.hung_until = math.inf
            return
        self.sessions += 1
        self._down(wire, [Ready("r", "default", RATE, FRAME, wire.session.delay_in_frames)])
        if world.cap_counts_time:
            self.clock.at(now + self._cap_of(wire), lambda: self._cap(wire))
        if len(self._seats) > 1 and self.rng.random() < world.second_hangs:
            wire.session.hung_until = wire.down_at + self.rng.choice((0.0, 0.3, 2.0))
            self.clock.at(wire.session.hung_until, lambda: self._hang(wire))

    # What goes wrong -------------------------------------------------------------------------------------------------

    def abort(self) -> None:
        """The connections break; with two of them mostly one."""
        wires = [wire for wire in self._wires.values() if not wire.closed and not wire.session.over]
        if len(wires) > 1 and self.rng.random() < 0.7:
            wires = [self.rng.choice(wires)]
        for wire in wires:
            self._hang_up(wire, "abort", loses=self.world.aborts_lose)

    def hang(self) -> None:
        """The vendor's sessions stand still for a while; with two of them sometimes one only."""
        wires = [wire for wire in self._wires.values() if not wire.closed and not wire.session.over]
        if len(wires) > 1 and self.rng.random() < 0.5:
            wires = [self.rng.choice(wires)]
        for wire in wires:
            self._hang(wire)

    def _hang(self, wire: Wire) -> None:
        wire.session.hung_until = max(wire.session.hung_until, self.clock.now + self.world.hang_s)

    def _cap_of(self, wire: Wire) -> float:
        world = self.world
        return (world.real_cap_s or world.cap_s) - world.cap_varies_s * (wire.leg * 0.618 % 1)

    def _cap(self, wire: Wire) -> None:
        if wire.session.over or wire.closed:
            return
        if self.world.cap_ends_by == "end":
            self._down(wire, [EndOfStream()])
        self._hang_up(wire, "cap", loses=self.world.cap_ends_by == "abort")

    # The vendor ------------------------------------------------------------------------------------------------------

    def _trip(self) -> float:
        jitter_s = self.world.network_jitter_s
        return self.world.round_trip_s / 2 + (self.rng.uniform(0, jitter_s) if jitter_s else 0.0)

    def _arrive(self, wire: Wire, action: Action) -> None:
        wire.inbox.append(action)
        if len(wire.inbox) == 1:
            self._work(wire)

    def _work(self, wire: Wire) -> None:
        """Handle what has come, as fast as the vendor is."""
        session, world, now = wire.session, self.world, self.clock.now
        while wire.inbox and not session.over and not wire.closed:
            free_at = max(session.busy_until, session.hung_until)
            if free_at > now + 1e-9:
                if free_at < math.inf:
                    self.clock.at(free_at, lambda: self._work(wire))
                return
            match wire.inbox.popleft():
                case Send(_, pcm):
                    session.busy_until = now + FRAME_S / world.speed
                    self._down(wire, session.hear(pcm, now))
                    if session.heard_s >= self._cap_of(wire):
                        self._cap(wire)
                case SendFlush(_, flush_id):
                    self._down(wire, session.flush(flush_id))
                    if session.trailing:
                        trail_s = self.rng.uniform(0.3, 1) * world.trail_s
                        self.clock.at(now + trail_s, lambda: self._down(wire, session.trail()))
                case SendEnd():
                    self._down(wire, session.end())
                    self._hang_up(wire, "asked")

    def _down(self, wire: Wire, messages: list[ServerMessage]) -> None:
        arrives_at = self.clock.now + self._trip()
        if self.world.bursts_s:
            arrives_at = math.ceil(arrives_at / self.world.bursts_s) * self.world.bursts_s
        wire.down_at = max(wire.down_at, arrives_at)
        self.clock.at(wire.down_at, lambda: self._deliver(wire, messages))

    def _deliver(self, wire: Wire, messages: list[ServerMessage]) -> None:
        for message in messages:
            if wire.closed or wire.broken:
                return
            self.client.receive(wire.leg, message)

    def _leave_seat(self, wire: Wire, at: float) -> None:
        wire.seat_until = min(wire.seat_until, at + self.world.linger_s)

    def _hang_up(self, wire: Wire, why: str, *, after: float = 0.0, refused: str = "", loses: bool = False) -> None:
        """End a session; with ``loses`` what is under way from it is lost."""
        wire.session.over = True
        self.ends_by[why] += 1
        self._leave_seat(wire, self.clock.now)
        arrives_at = self.clock.now + max(after, self._trip())
        wire.down_at = arrives_at if loses else max(wire.down_at, arrives_at)

        def tell() -> None:
            if not wire.closed:
                wire.closed = True
                self.client.hung_up(wire.leg, refused)

        wire.broken = loses
        self.clock.at(wire.down_at, tell)
