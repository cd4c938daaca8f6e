"""What happens to a speaker's machine and page while he speaks: sleep, a slow line, a reload, another tab."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser import Chromium
from tests.cable import Cable, cable_to
from tests.chaos.machine import LEAD_S, Captured, Machine, microphone_of
from tests.chaos.reader import Reader, reading
from tests.chaos.truth import reader_told_s, written
from tests.consumers.talk import BURSTS, make_talk
from tests.e2e.speaker_page import SLOW_MS
from tests.heard import assert_heard_exactly, assert_heard_in_pieces, count_words, stored_words
from tests.processes import App, Apps, Engine
from tests.sockets import Frame, end_talk, speak

Engines = Callable[..., Engine]
Figure = Callable[[str], None]
SLEEP_S = 15.0
BYTES_PER_S = 48_000
TALK = make_talk(80)


@pytest.fixture
def server(app: Apps, scripted_engine: Engines) -> App:
    return app(env=scripted_engine(BURSTS).env)


@pytest.fixture
def room(server: App) -> Frame:
    return server.create_room("hall", title="Harbour Room")


@pytest.fixture
def microphone(tmp_path: Path) -> Path:
    return microphone_of(TALK, tmp_path / "talk.wav")


@pytest.fixture
async def cable(server: App) -> AsyncIterator[Cable]:
    async with cable_to(server.port) as laid:
        yield laid


@pytest.fixture
async def reader(server: App, room: Frame) -> AsyncIterator[Reader]:
    async with reading(server, room["slug"]) as reader:
        yield reader


@pytest.fixture
async def machine(chromium: Chromium, cable: Cable, room: Frame, microphone: Path) -> Machine:
    machine = await Machine.open(await chromium(microphone=microphone), cable, room)
    await machine.speaker.start()
    return machine


def texts(stored: list[Frame]) -> list[str]:
    return [word["text"] for word in stored]


async def finish(machine: Machine, reader: Reader) -> Captured:
    await machine.until_captured(LEAD_S + TALK.seconds)
    await machine.speaker.end(seconds=60)
    await reader.until(lambda frame: frame.get("state") == "ended")
    return await machine.captured()


async def test_a_machine_that_sleeps(
    chromium: Chromium, server: App, machine: Machine, reader: Reader, figure: Figure
) -> None:
    await machine.until_captured(LEAD_S + 8)
    slept = time.time()
    chromium.freeze()
    await asyncio.sleep(SLEEP_S)
    chromium.wake()
    captured = await finish(machine, reader)
    stored = await asyncio.to_thread(stored_words, server, "hall")
    figure(f"page, machine asleep for {SLEEP_S:g} s: {count_words(captured.texts, texts(stored))}")
    lost = reader_told_s(reader, slept, lambda *state: state == ("reconnecting", "speaker_lost"))
    figure(f"  told to readers after {written(lost)}; a gap of {captured.holes} s")
    assert_heard_exactly(captured.words, stored)
    assert reader.words == captured.texts
    gaps = [(entry["start_ms"], entry["end_ms"]) for entry in reader.entries if entry["type"] == "gap"]
    # A busy machine may drop some sound of its own accord: that is marked, too.
    assert len(gaps) == len(captured.holes) >= 1
    for gap, hole in zip(gaps, captured.holes, strict=True):
        assert gap == pytest.approx((1000 * hole[0], 1000 * hole[1]), abs=1.5)
    assert max(end - start for start, end in gaps) > 1000 * (SLEEP_S - 1)


async def test_a_slow_line(server: App, machine: Machine, cable: Cable, reader: Reader, figure: Figure) -> None:
    await machine.until_captured(LEAD_S + 4)
    cable.narrow(BYTES_PER_S / 2)
    await machine.speaker.says("Catching up")
    await expect(machine.page.locator("#band-text")).to_have_text(
        "Your connection is slow. Keep talking: nothing is lost so far.", timeout=SLOW_MS
    )
    await expect(machine.page.locator("#band-aside")).to_have_text(re.compile("^[0-9]+ s behind$"))
    await expect(machine.page.locator("#fact-1")).to_have_text("Slow")
    await machine.until_captured(LEAD_S + 24)
    figure(
        f"page, slow line: {await machine.page.locator('#band-aside').inner_text()} after 20 s at half of what it takes"
    )
    cable.narrow(None)
    await machine.speaker.says("You are live")
    captured = await finish(machine, reader)
    stored = await asyncio.to_thread(stored_words, server, "hall")
    figure(f"page, slow line: {count_words(captured.texts, texts(stored))}")
    assert_heard_exactly(captured.words, stored)
    assert reader.words == captured.texts


async def test_a_page_loaded_again(server: App, machine: Machine, reader: Reader, figure: Figure) -> None:
    machine.page.on("dialog", lambda dialog: dialog.accept())
    await machine.until_captured(LEAD_S + 12)
    before = await machine.captured()
    await machine.page.reload()
    await machine.speaker.start()
    after = await finish(machine, reader)
    heard = texts(await asyncio.to_thread(stored_words, server, "hall"))
    # What was captured between the look at it and the reload is written, too.
    more = heard[len(before.texts) : len(heard) - len(after.texts)]
    figure(f"page, loaded again: {count_words(before.texts + after.texts, heard)}, {len(more)} said just before")
    assert heard[: len(before.texts) - 1] == before.texts[:-1]
    assert heard[len(heard) - len(after.texts) :] == after.texts
    numbers = [int(word[1:]) for word in (*before.texts[:-1], *more) if word != "uh"]
    assert numbers == sorted(set(numbers))
    assert reader.words == heard


async def test_another_tab_takes_over_and_gives_back(
    server: App, machine: Machine, room: Frame, reader: Reader, figure: Figure
) -> None:
    await machine.until_captured(LEAD_S + 8)
    other = await Machine.open(machine.page.context, server, room)
    await other.speaker.ready()
    await other.speaker.main.click()
    await other.speaker.says("Somebody is already speaking in this room")
    await other.page.get_by_role("button", name="Take over").click()
    await machine.speaker.says("Somebody is speaking from another device now")
    one = await machine.captured()
    await other.until_captured(LEAD_S + 12)
    await machine.page.get_by_role("button", name="Take it back").click()
    await other.speaker.says("Somebody is speaking from another device now")
    two = await other.captured()
    three = await finish(machine, reader)
    heard = texts(await asyncio.to_thread(stored_words, server, "hall"))
    figure(f"page, another tab: {count_words(one.texts + two.texts + three.texts, heard)}")
    assert_heard_in_pieces([one.texts, two.texts, three.texts], heard)
    assert reader.words == heard
    echo = " ".join(await machine.speaker.lines.all_inner_texts()).split()
    assert echo == heard, "what the other tab's speaker said is here, too"


async def test_a_tab_that_was_away_while_another_took_over(
    server: App, machine: Machine, cable: Cable, room: Frame
) -> None:
    await machine.until_captured(LEAD_S + 3)
    await machine.page.context.set_offline(offline=True)
    await cable.cut()
    await machine.speaker.says("Reconnecting")
    async with speak(server, room, take_over=True) as elsewhere:
        await elsewhere.until_type("ready")
        await expect(machine.page.locator("#band-aside")).to_have_text(
            re.compile("^[4-9] s kept here$"), timeout=SLOW_MS
        )
        await cable.mend()
        await machine.page.context.set_offline(offline=False)
        await machine.speaker.says("Somebody is speaking from another device now")
        await expect(machine.page.locator("#band-text")).to_have_text(
            re.compile(
                "^This page has stopped sending. The last [0-9]+ s of your words had not arrived, and are missing.$"
            )
        )
        await expect(machine.page.get_by_role("button", name="Take it back")).to_be_visible()
        await end_talk(elsewhere)
