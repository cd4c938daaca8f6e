"""Rollovers by the hundred: talks in real time through engine sessions of a few seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.consumers.talk import BURSTS, make_talk
from tests.processes import Apps, Engine
from tests.proof.figures import Flow, cpu_s, spread, tell
from tests.proof.hall import RATE, Faults, RoomRun, create_rooms, give_legs
from tests.proof.tap import Leg, tap_on

Engines = Callable[..., Engine]
Note = Callable[[str, object], None]
STAGGER_S = 0.37


@dataclass
class Evidence:
    """What a run left: the rooms, the engine sessions that heard nothing, CPU seconds."""

    rooms: list[RoomRun]
    silent: list[Leg]
    server_cpu_s: float
    engine_cpu_s: float

    @property
    def rollovers(self) -> int:
        """How often a session followed another one."""
        return sum(len(room.legs) - 1 for room in self.rooms)

    def assert_whole(self) -> None:
        """Every word once, in order, and no session that the engine had to end."""
        bad = [(room, Faults.of(room.talk.texts, room.words)) for room in self.rooms]
        stories = [
            f"{faults}\n"
            + "\n".join(tell(room, word) for word in [*faults.missing, *faults.doubled, *faults.moved][:6])
            for room, faults in bad
            if faults
        ]
        if stories:
            pytest.fail("\n\n".join(stories))
        for room in self.rooms:
            seqs = [frame["seq"] for frame in room.finals]
            assert seqs == list(range(1, len(seqs) + 1)), room.slug
            assert not [frame for _, frame in room.seen if frame["type"] == "gap"], room.slug
        legs = [*self.silent, *(leg for room in self.rooms for leg in room.legs)]
        ended = [leg.error for leg in legs if leg.error]
        assert ended == [], "the engine ended these sessions"

    def report(self, title: str) -> str:
        """Return the figures."""
        flow = Flow()
        for room in self.rooms:
            flow.add(room)
        faults = [Faults.of(room.talk.texts, room.words) for room in self.rooms]
        counts = {name: sum(len(getattr(each, name)) for each in faults) for name in ("missing", "doubled", "foreign")}
        spoken = sum(len(room.talk.texts) for room in self.rooms)
        audio_s = sum(room.talk.seconds for room in self.rooms)
        heard_s = sum(leg.audio_s for room in self.rooms for leg in room.legs)
        capped = sum(bool(leg.error) for room in self.rooms for leg in room.legs)
        sent_late = [late for room in self.rooms for late in room.sent_late]
        lines = [
            title,
            f"{self.rollovers} rollovers, {capped} of them by the engine's cap; {spoken} words: "
            + ", ".join(f"{count} {name}" for name, count in counts.items()),
            *flow.lines(),
            f"audio was sent late, a busy machine     {spread(sent_late)}",
            f"engine audio paid: {heard_s / audio_s:.2f} times what was spoken",
            f"engine sessions that heard no word: {len(self.silent)}",
            f"CPU of the server: {1000 * self.server_cpu_s / audio_s:.1f} ms per second of audio",
            f"CPU of the engine: {1000 * self.engine_cpu_s / audio_s:.1f} ms per second of audio",
        ]
        return "\n".join(lines)


async def run_rooms(
    app: Apps, scripted_engine: Engines, *, rooms: int, words: int, cap_s: float, engine_cap_s: float
) -> Evidence:
    engine = scripted_engine(BURSTS, f"--session-s={engine_cap_s}")
    async with tap_on(engine) as tap:
        server = app(env=tap.env | {"GRADIUM_SESSION_S": str(cap_s)})
        runs = [
            RoomRun(f"hall{number}", make_talk(words, seed=number, first=number * words, pause_every=pause, rate=RATE))
            for number, pause in ((number, (6, 0, 17)[number % 3]) for number in range(rooms))
        ]
        links = create_rooms(server, [run.slug for run in runs])
        before = cpu_s(server.pid), cpu_s(engine.process.pid)
        async with asyncio.TaskGroup() as group:
            for number, (run, room) in enumerate(zip(runs, links, strict=True)):
                group.create_task(run.take_place(server, room, wait_s=number * STAGGER_S))
        after = cpu_s(server.pid), cpu_s(engine.process.pid)
    silent = give_legs(runs, tap.legs)
    return Evidence(runs, silent, after[0] - before[0], after[1] - before[1])


async def test_words_stay_whole_over_fifty_rollovers(
    app: Apps, scripted_engine: Engines, record_property: Note
) -> None:
    # The engine's own cap lies a little above the one the server reckons with, so that a busy machine does no harm.
    evidence = await run_rooms(app, scripted_engine, rooms=10, words=45, cap_s=6, engine_cap_s=8)
    record_property("figures", evidence.report("10 rooms, talks of 20 s, sessions of 6 s"))
    evidence.assert_whole()
    assert evidence.rollovers >= 40


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_words_stay_whole_over_a_thousand_rollovers(
    app: Apps, scripted_engine: Engines, record_property: Note
) -> None:
    evidence = await run_rooms(app, scripted_engine, rooms=30, words=360, cap_s=8, engine_cap_s=8)
    record_property("figures", evidence.report("30 rooms, talks of two minutes, sessions of 8 s"))
    evidence.assert_whole()
    assert evidence.rollovers >= 1_000
