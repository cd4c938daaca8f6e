"""The network between a speaker in a terminal and the server fails, in several ways, for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.audio.wavs import wav
from tests.cable import cable_to
from tests.chaos.faults import TOLD_FROM_S, Fault
from tests.chaos.terminal import terminal
from tests.chaos.truth import reader_told_s, speaker_told_s, written
from tests.consumers.talk import BURSTS, Talk, make_talk
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
FAULT_AT_S = 6.0


async def speak_through(server: App, room: Frame, fault: Fault, *, talk: Talk, sound: Path, figure: Figure) -> None:
    """Speak in a room of its own while the fault happens; everything said is written, once, at its time."""
    slug = room["slug"]
    async with cable_to(server.port) as cable, watch(server, slug) as viewer:
        async with terminal(room["speaker_url"].replace(server.url, cable.url), sound) as speaker:
            await speaker.until_position(FAULT_AT_S)
            began, ended = await fault.happen(cable)
            await speaker.until_end(talk.seconds + 60)
        await viewer.until_type("state", state="ended")
    reader_lost = reader_told_s(
        viewer, began, lambda state, detail: (state, detail) == ("reconnecting", "speaker_lost")
    )
    reader_back = reader_told_s(viewer, ended, lambda state, _: state == "live")
    speaker_lost = speaker_told_s(speaker, began, lambda state: state == "reconnecting")
    speaker_back = speaker_told_s(speaker, ended, lambda state: state != "reconnecting")
    words = viewer.words()
    figure(
        f"speak, {fault}: {count_words(talk.texts, words)}; told to readers after {written(reader_lost)}, to the "
        f"speaker after {written(speaker_lost)}; its end after {written(reader_back)} and {written(speaker_back)}"
    )
    assert words == talk.texts
    numbers = shown_numbers(viewer)
    assert numbers == list(range(1, len(numbers) + 1))
    assert not viewer.of_type("gap")
    assert_interims_grow_into_finals(viewer)
    echo = [event["text"] for event in speaker.events if event["type"] == "final"]
    assert " ".join(echo).split() == words, "the speaker sees what readers see"
    assert_heard_exactly(talk.words, await asyncio.to_thread(stored_words, server, slug))
    if fault.seconds >= TOLD_FROM_S:
        assert None not in (reader_lost, reader_back, speaker_lost, speaker_back)


async def speak_in_many_rooms(server: App, faults: list[Fault], talk: Talk, folder: Path, figure: Figure) -> None:
    sound = folder / "talk.wav"
    sound.write_bytes(wav(talk.pcm))
    rooms = [server.create_room(str(fault).replace(" ", "")) for fault in faults]
    async with asyncio.TaskGroup() as group:
        for room, fault in zip(rooms, faults, strict=True):
            group.create_task(speak_through(server, room, fault, talk=talk, sound=sound, figure=figure))


async def test_a_network_that_fails_for_up_to_half_a_minute(
    app: Apps, scripted_engine: Engines, tmp_path: Path, figure: Figure
) -> None:
    server = app(env=scripted_engine(BURSTS).env)
    faults = [Fault(kind, seconds) for seconds in (1, 5, 30) for kind in ("cut", "swallow")]
    await speak_in_many_rooms(server, faults, make_talk(80), tmp_path, figure)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_network_that_fails_for_two_minutes(
    app: Apps, scripted_engine: Engines, tmp_path: Path, figure: Figure
) -> None:
    server = app(env=scripted_engine(BURSTS).env)
    faults = [Fault(kind, 120) for kind in ("cut", "swallow")]
    await speak_in_many_rooms(server, faults, make_talk(300), tmp_path, figure)
