"""A lecture through the real stack, faster than life: what is stored afterwards is what was said."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from difflib import SequenceMatcher
from urllib.request import urlopen

import pytest

from tests.processes import App, Apps, Engine
from tests.proof.figures import cpu_s
from tests.proof.hall import RATE
from tests.proof.lecture import TEXTS, Lecture, write_lecture
from tests.proof.tap import Leg, Tap, tap_on
from tests.sockets import Client, Frame, send_audio, speak, watch

Engines = Callable[..., Engine]
Give = Callable[..., Awaitable["Outcome"]]
GRADIUMS_CAP_S = 300
TRUE_TO_MS = 80
SNAPSHOT_FINALS = 500


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> dict[str, str]:
    """What an app needs for its database."""
    return {} if request.param == "sqlite" else {"DATABASE_URL": request.getfixturevalue("postgres_url")}


@dataclass
class Outcome:
    """What is left of a lecture."""

    lecture: Lecture
    transcript: list[Frame]  # the segments
    reader: list[Frame]  # what one got who read from the start
    legs: list[Leg]
    figures: str

    def assert_equals_script(self) -> None:
        """Word by word, with times; numbers without holes; in the order of time."""
        stored = [word for segment in self.transcript for word in segment["words"]]
        assert [word["text"] for word in stored] == [text for text, _, _ in self.lecture.words], self._differences(
            stored
        )
        for word, (text, start_s, end_s) in zip(stored, self.lecture.words, strict=True):
            assert abs(word["start_ms"] - start_s * 1000) <= TRUE_TO_MS, (text, start_s, word)
            assert abs(word["end_ms"] - end_s * 1000) <= TRUE_TO_MS, (text, end_s, word)
        assert [segment["seq"] for segment in self.transcript] == list(range(1, len(self.transcript) + 1))
        times = [ms for segment in self.transcript for ms in (segment["start_ms"], segment["end_ms"])]
        assert times == sorted(times), "segments overlap or are out of order"
        for segment in self.transcript:
            assert "reason" not in segment, segment
            assert segment["text"] == " ".join(word["text"] for word in segment["words"])
        fields = ("seq", "text", "start_ms", "end_ms", "lang", "speaker")
        finals = [[frame[name] for name in fields] for frame in self.reader if frame["type"] == "final"]
        assert finals == [[segment[name] for name in fields] for segment in self.transcript]
        shown = ""
        for frame in self.reader:
            if frame["type"] in ("interim", "final"):
                assert frame["text"].startswith(shown), "a painted word never changes"
                shown = "" if frame["type"] == "final" else frame["text"]

    def _differences(self, stored: list[Frame]) -> str:
        """Return where script and transcript part, and which sessions were near."""
        said = self.lecture.words
        got = [word["text"] for word in stored]
        lines = []
        for kind, a, b, c, d in SequenceMatcher(None, [word[0] for word in said], got, autojunk=False).get_opcodes():
            if kind == "equal":
                continue
            lines.append(f"{kind} at {said[min(a, len(said) - 1)][1]:.2f} s: said {said[max(0, a - 3) : b + 3]}")
            lines += [f"   stored {word}" for word in stored[max(0, c - 3) : d + 3]]
        return "\n".join([*lines[:60], *self._sessions()])

    def _sessions(self) -> list[str]:
        return [
            f"session {leg.number}: {leg.audio_s:.2f} s of audio, {leg.ending}, "
            f"first words {' '.join(heard.text for heard in leg.heard[:5])}, "
            f"last ones {' '.join(heard.text for heard in leg.heard[-5:])}"
            for leg in self.legs
        ]


async def give_lecture(server: App, engine: Engine, tap: Tap, lecture: Lecture, rate: int) -> Outcome:
    room = await asyncio.to_thread(server.create_room)
    began, own = time.monotonic(), time.process_time()
    before = cpu_s(server.pid), cpu_s(engine.process.pid)
    async with watch(server, room["slug"]) as reader, speak(server, room, rate=rate) as speaker:
        await speaker.until_type("ready")
        index = 0
        for part in lecture.paragraphs:
            pcm = await asyncio.to_thread(part.audio, rate)
            # As fast as the server takes it: it reads on only while little waits for the engine.
            index = await send_audio(speaker, pcm, rate=rate, first=index, speed=math.inf)
        await speaker.connection.send('{"type":"end"}')
        await until_ended(reader)
        finals = [frame for frame in reader.frames if frame["type"] in ("final", "gap")]
    took = time.monotonic() - began
    server_s, engine_s = cpu_s(server.pid) - before[0], cpu_s(engine.process.pid) - before[1]
    for leg in tap.legs:
        leg.read()
    with urlopen(f"{server.url}/r/{room['slug']}/transcript.json", timeout=20) as response:
        (session,) = json.load(response)["sessions"]
    await assert_late_reader_can_have_all(server, room["slug"], finals)
    figures = (
        f"{lecture.seconds / 60:.1f} minutes, {len(lecture.words)} words, {len(finals)} segments, "
        f"{len(tap.legs)} engine sessions ({sum(bool(leg.error) for leg in tap.legs)} ended by the cap), "
        f"engine audio paid {sum(leg.audio_s for leg in tap.legs) / lecture.seconds:.3f} times; "
        f"wall {took:.1f} s ({lecture.seconds / took:.0f} times life), CPU server {server_s:.1f} s, "
        f"engine {engine_s:.1f} s, speaker and readers {time.process_time() - own:.1f} s"
    )
    return Outcome(lecture, session["segments"], reader.frames, tap.legs, figures)


async def until_ended(reader: Client) -> None:
    """Read until the talk is over, however long that takes while frames come."""
    at = 0
    while True:
        await reader.until(lambda _: True, after=at)
        news, at = reader.frames[at:], len(reader.frames)
        if any(frame["type"] == "state" and frame["state"] == "ended" for frame in news):
            return


async def assert_late_reader_can_have_all(server: App, slug: str, finals: list[Frame]) -> None:
    """The newest finals at once, told as not all of them; the rest by asking for it."""
    async with watch(server, slug) as late, watch(server, slug, f"?after=1.{len(finals) // 3}") as back:
        snapshot = await late.until_type("snapshot")
        assert snapshot["finals"] == finals[-SNAPSHOT_FINALS:]
        assert snapshot["complete"] is (len(finals) <= SNAPSHOT_FINALS)
        assert snapshot["seq"] == len(finals)
        snapshot = await back.until_type("snapshot")
        assert snapshot["finals"] == finals[len(finals) // 3 :]
        assert snapshot["complete"]


@pytest.fixture
def give(
    app: Apps, scripted_engine: Engines, database: dict[str, str], record_property: Callable[[str, object], None]
) -> Give:
    """Give a lecture on a server and an engine of its own, and note the figures."""

    async def run(lecture: Lecture, *, rate: int, cap_s: int) -> Outcome:
        engine = scripted_engine({"listen": "bursts", "vocabulary": TEXTS}, f"--session-s={cap_s}")
        async with tap_on(engine) as tap:
            server = app(env=tap.env | database | {"GRADIUM_SESSION_S": str(cap_s)})
            outcome = await give_lecture(server, engine, tap, lecture, rate)
        name = "PostgreSQL" if database else "SQLite"
        record_property("figures", f"{name}, {rate} Hz, sessions of {cap_s} s: {outcome.figures}")
        return outcome

    return run


@pytest.mark.timeout(400)  # half a minute on a machine that is not busy
async def test_an_hour_is_stored_as_it_was_said(give: Give) -> None:
    outcome = await give(write_lecture(60), rate=RATE, cap_s=GRADIUMS_CAP_S)
    outcome.assert_equals_script()
    assert len(outcome.legs) >= 13
    assert len(outcome.transcript) > SNAPSHOT_FINALS


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("rate", "cap_s", "seed"), [(24_000, GRADIUMS_CAP_S, 2), (16_000, 30, 3), (8_000, 15, 4)])
async def test_other_hours_are_stored_as_they_were_said(give: Give, rate: int, cap_s: int, seed: int) -> None:
    lecture = write_lecture(60, seed=seed)
    outcome = await give(lecture, rate=rate, cap_s=cap_s)
    outcome.assert_equals_script()
    assert len(outcome.legs) > lecture.seconds / cap_s
