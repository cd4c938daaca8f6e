"""The network between a speaker's page and the server fails, in several ways, for a while."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser import Chromium
from tests.cable import Cable, cable_to
from tests.chaos.faults import TOLD_FROM_S, Fault
from tests.chaos.machine import LEAD_S, Machine, microphone_of
from tests.chaos.truth import reader_told_s, written
from tests.consumers.talk import BURSTS, Talk, make_talk
from tests.e2e.speaker_page import SLOW_MS
from tests.heard import (
    assert_heard_exactly,
    assert_interims_grow_into_finals,
    count_words,
    shown_numbers,
    stored_words,
)
from tests.processes import App, Apps, Engine
from tests.sockets import Frame, watch

Engines = Callable[..., Engine]
Figure = Callable[[str], None]
LIVE = ("You are live", "You are live, and quiet", "Catching up")


Opener = Callable[[Cable, Frame], Awaitable[Machine]]


async def speak_through(server: App, open_machine: Opener, faults: list[Fault], talk: Talk, figure: Figure) -> None:
    """Speak in a room of its own while the faults happen one after another."""
    name = ", ".join(map(str, faults))
    slug = re.sub("[^a-z0-9]+", "", name)
    room = await asyncio.to_thread(server.create_room, slug)
    async with cable_to(server.port) as cable, watch(server, slug) as viewer:
        machine = await open_machine(cable, room)
        await machine.speaker.start()
        times = []
        for fault in faults:
            # In the middle of speech, and in quiet waters after the fault before.
            shown = await machine.speaker.lines.count()
            await expect(machine.speaker.lines).not_to_have_count(shown, timeout=SLOW_MS)
            await expect(machine.speaker.title).to_have_text(re.compile("^You are live"), timeout=SLOW_MS)
            times.append(await fault.happen(cable))
        await machine.until_captured(LEAD_S + talk.seconds, within_s=talk.seconds + 60)
        # The last words come at twice the speed of speech.
        await machine.speaker.end(seconds=30 + max(fault.seconds for fault in faults))
        captured, told = await machine.captured(), await machine.told()
        await viewer.until_type("state", state="ended")
        echo = " ".join(await machine.speaker.lines.all_inner_texts()).split()
    words = viewer.words()
    figure(
        f"page, {name}: {count_words(captured.texts, words)} ({captured.texts.count('uh')} spoilt by the microphone)"
    )
    over = [began for began, _ in times[1:]] + [float("inf")]
    for fault, (began, ended), until in zip(faults, times, over, strict=True):
        marks = [
            reader_told_s(viewer, began, lambda state, _: state == "reconnecting", until=until),
            Machine.told_s(told, began, "Reconnecting", until=until),
            reader_told_s(viewer, ended, lambda state, _: state != "reconnecting", until=until),
            Machine.told_s(told, ended, *LIVE, until=until),
        ]
        lost, seen, back, well = map(written, marks)
        figure(f"  {fault}: told to readers after {lost}, on the page {seen}; its end after {back} and {well}")
        if fault.seconds >= TOLD_FROM_S:
            assert None not in marks
    assert words == captured.texts
    assert echo == words, "the speaker sees what readers see"
    numbers = shown_numbers(viewer)
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(viewer.of_type("gap")) == len(captured.holes), "what is missing, and only that, is marked"
    assert_interims_grow_into_finals(viewer)
    assert_heard_exactly(captured.words, await asyncio.to_thread(stored_words, server, slug))
    assert "uh" not in talk.texts
    assert len(set(talk.texts) & set(words)) > len(talk.texts) / 2, "the microphone works"


async def speak_in_rooms(
    server: App, open_machine: Opener, rooms: list[list[Fault]], talk: Talk, figure: Figure
) -> None:
    async with asyncio.TaskGroup() as group:
        for faults in rooms:
            group.create_task(speak_through(server, open_machine, faults, talk, figure))


@pytest.fixture
def server(app: Apps, scripted_engine: Engines) -> App:
    return app(env=scripted_engine(BURSTS).env)


@pytest.fixture
def opener(chromium: Chromium, tmp_path: Path) -> Callable[[Talk], Opener]:
    """Speakers' machines whose microphones play a talk."""

    def speaking(talk: Talk) -> Opener:
        microphone = microphone_of(talk, tmp_path / "talk.wav")

        async def open_machine(cable: Cable, room: Frame) -> Machine:
            return await Machine.open(await chromium(microphone=microphone), cable, room)

        return open_machine

    return speaking


async def test_a_network_that_fails_for_up_to_half_a_minute(
    server: App, opener: Callable[[Talk], Opener], figure: Figure
) -> None:
    talk = make_talk(90)
    rooms = [
        [Fault("cut", 1), Fault("swallow", 1), Fault("cut", 5), Fault("swallow", 5)],
        [Fault("cut", 30)],
        [Fault("swallow", 30)],
    ]
    await speak_in_rooms(server, opener(talk), rooms, talk, figure)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_network_that_fails_for_two_minutes(
    server: App, opener: Callable[[Talk], Opener], figure: Figure
) -> None:
    talk = make_talk(330)
    await speak_in_rooms(server, opener(talk), [[Fault("cut", 120)], [Fault("swallow", 120)]], talk, figure)
