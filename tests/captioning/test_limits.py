"""Rooms that run out of time or of caption lines: real server, sockets, engine and database."""

from __future__ import annotations

import asyncio
import contextlib
import json
import urllib.request
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.consumers.talk import BURSTS, Talk, make_talk
from tests.processes import App, Apps, Engine
from tests.sockets import Client, end_talk, send_audio, speak, watch

Engines = Callable[..., Engine]
LIMIT_MS = 8_000
RATE = 24_000


@pytest.fixture
def engine_env(scripted_engine: Engines) -> dict[str, str]:
    return scripted_engine(BURSTS).env


def ask(server: App, expression: str) -> Any:
    code = f"import json; from captions.models import *; print(json.dumps({expression}))"
    return json.loads(server.manage("shell", "-v0", "--no-imports", "-c", code).strip().splitlines()[-1])


def transcript(server: App, slug: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{server.url}/r/{slug}/transcript.json", timeout=10) as answer:
        segments: list[dict[str, Any]] = json.load(answer)["sessions"][-1]["segments"]
    return segments


def codes(speaker: Client) -> list[str]:
    return [frame["code"] for frame in speaker.of_type("error")]


def cut(talk: Talk, after_s: float) -> int:
    """Return a sample of silence in the talk, at or after ``after_s``, on a frame."""
    start, end = next(
        (before, after)
        for (_, _, before), (_, after, _) in zip(talk.words, talk.words[1:], strict=False)
        if before >= after_s and after - before > 0.5
    )
    return int((start + end) / 2 / 0.08) * 1920


async def test_a_room_out_of_time_stops_and_goes_on_when_it_gets_more(app: Apps, engine_env: dict[str, str]) -> None:
    server = app(env=engine_env | {"CAPTIONS_ROOM_HOURS_PER_DAY": str(LIMIT_MS / 3_600_000)})
    room = server.create_room("hall")
    talk = make_talk(70, pause_every=5)
    stream = uuid.uuid4()
    async with watch(server, "hall") as viewer, speak(server, room, stream=stream) as speaker:
        await speaker.until_type("ready")
        sending = asyncio.create_task(send_audio(speaker, talk.pcm))
        await viewer.until_type("state", state="paused", detail="budget")
        await speaker.until_type("error", code="budget", fatal=False)
        assert codes(speaker) == ["budget_soon", "budget"]
        stopped = len(viewer.frames)
        paid_ms = await asyncio.to_thread(ask, server, "Session.objects.get().paid_ms")
        assert paid_ms <= LIMIT_MS + 1_000
        hours = "Room.objects.update(hours_per_day=1)"
        await asyncio.to_thread(ask, server, hours)
        await viewer.until(lambda frame: frame["type"] == "state" and frame["state"] == "live", after=stopped)
        await sending
        acks = [ack["next_sample"] for ack in speaker.of_type("ack")]
        await end_talk(speaker)
        assert acks == sorted(acks)
        assert speaker.of_type("ack")[-1]["next_sample"] == len(talk.pcm) // 2
        await viewer.until_type("state", state="ended")
        [gap] = viewer.of_type("gap")

    assert gap["reason"] == "budget"
    segments = transcript(server, "hall")
    heard = [word["text"] for segment in segments for word in segment["words"]]
    whole = [(text, start, end) for text, start, end in talk.words if text in heard]
    assert [text for text in heard if text != "uh"] == [text for text, _, _ in whole], "once each, in order"
    for text, start, end in talk.words:
        inside = gap["start_ms"] - 80 <= end * 1000 and start * 1000 <= gap["end_ms"] + 80
        assert inside or text in heard, f"{text} is missing outside the gap"
    assert {"w1", "w70"} <= set(heard)
    assert gap["start_ms"] >= LIMIT_MS - 5_000, "nearly all of the time was used"
    paid = await asyncio.to_thread(ask, server, "[Session.objects.get().paid_ms, Usage.objects.get().paid_ms]")
    assert paid[0] == paid[1]
    spoken_ms = talk.seconds * 1000 - (gap["end_ms"] - gap["start_ms"])
    assert paid[0] >= spoken_ms - 500


async def test_a_room_that_is_out_of_time_opens_no_engine_session_at_all(app: Apps, engine_env: dict[str, str]) -> None:
    server = app(env=engine_env | {"CAPTIONS_MINUTES_PER_MONTH": "1"})
    room = server.create_room("hall")
    server.create_room("attic")
    spend = (
        "Usage.objects.create(room=Room.objects.get(slug='attic'), room_slug='attic',"
        " day=__import__('datetime').datetime.now(__import__('datetime').UTC).date(), paid_ms=60000).pk"
    )
    ask(server, spend)
    talk = make_talk(6)
    async with watch(server, "hall") as viewer, speak(server, room) as speaker:
        await speaker.until_type("ready")
        told = await speaker.until_type("error", code="budget_month")
        assert "This month’s time for captions is used up." in told["message"]
        await send_audio(speaker, talk.pcm, speed=2)
        await viewer.until_type("state", state="paused", detail="budget_month")
        await end_talk(speaker)
        await viewer.until_type("gap", reason="budget")
        assert not viewer.finals()
    assert ask(server, "Session.objects.get().paid_ms") == 0


async def test_a_room_waits_for_a_line_and_loses_no_word(app: Apps, engine_env: dict[str, str]) -> None:
    server = app(env=engine_env | {"CAPTIONS_CONCURRENT_SESSIONS": "1"})
    hall, attic = server.create_room("hall"), server.create_room("attic")
    first, second = make_talk(12), make_talk(12, seed=2, first=100)
    async with contextlib.AsyncExitStack() as stack:
        viewer = await stack.enter_async_context(watch(server, "attic"))
        one = await stack.enter_async_context(speak(server, hall))
        await one.until_type("ready")  # who comes first has the line
        two = await stack.enter_async_context(speak(server, attic))
        await two.until_type("ready")
        await asyncio.gather(send_audio(one, first.pcm), send_audio(two, second.pcm))
        busy = await viewer.until_type("state", state="reconnecting", detail="engine_busy")
        assert busy in two.of_type("state")
        assert "engine_busy" in codes(two)
        assert not viewer.finals()
        await end_talk(one)
        await viewer.until_type("final")
        await end_talk(two)
        await viewer.until_type("state", state="ended")
        assert viewer.words() == second.texts
        assert not viewer.of_type("gap")
    paid = ask(server, "{s.room.slug: s.paid_ms for s in Session.objects.all()}")
    assert paid["hall"] >= first.seconds * 1000 - 200
    assert paid["attic"] >= second.seconds * 1000 - 200


async def test_a_crash_forgets_a_few_seconds_at_most(app: Apps, engine_env: dict[str, str]) -> None:
    server = app(env=engine_env | {"CAPTIONS_ROOM_HOURS_PER_DAY": "1"})
    room = server.create_room("hall")
    talk = make_talk(40)
    stream, middle = uuid.uuid4(), cut(talk, 11.0)
    async with speak(server, room, stream=stream) as speaker:
        await speaker.until_type("ready")
        await send_audio(speaker, talk.pcm[: 2 * middle])
        server.kill()
    before_ms = ask(server, "Session.objects.get().paid_ms")
    assert before_ms >= middle * 1000 // RATE - 6_000
    server.start()
    async with speak(server, room, stream=stream) as speaker:
        first = (await speaker.until_type("ready"))["next_sample"]
        await send_audio(speaker, talk.pcm[2 * first :], first=first, speed=2)
        await end_talk(speaker)
    after_ms, usage_ms = ask(server, "[Session.objects.get().paid_ms, Usage.objects.get().paid_ms]")
    assert after_ms == usage_ms
    assert after_ms - before_ms >= talk.seconds * 1000 - first * 1000 // RATE - 200
