"""Two speakers of one talk, each in a room and behind a cable of its own: one in a terminal, one on the page."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests.audio.wavs import wav
from tests.browser import Chromium
from tests.cable import Cable, cable_to
from tests.chaos.machine import LEAD_S, Captured, Machine, microphone_of
from tests.chaos.reader import Reader, reading
from tests.chaos.terminal import Terminal, terminal
from tests.chaos.truth import reader_told_s, speaker_told_s, written
from tests.consumers.talk import Talk
from tests.heard import assert_heard_exactly, count_words, stored_words
from tests.processes import App


class Speaking(Protocol):
    """A speaker, whatever with."""

    name: str

    async def until_spoken(self, seconds: float) -> None: ...

    async def finish(self) -> Captured:
        """Speak to the end, end the talk, and return what was captured for the server."""

    async def told_s(self, since: float, *words: str) -> float | None:
        """Return the seconds from a time of day until it says of itself one of these ``words``."""


@dataclass
class InTerminal:
    """``manage.py speak``."""

    program: Terminal
    talk: Talk
    slack_s: float
    name: str = "speak"

    async def until_spoken(self, seconds: float) -> None:
        await self.program.until_position(seconds, seconds=seconds + self.slack_s)

    async def finish(self) -> Captured:
        await self.program.until_end(self.talk.seconds + self.slack_s)
        return Captured(self.talk.words, [])

    async def told_s(self, since: float, *words: str) -> float | None:
        return speaker_told_s(self.program, since, lambda state: state in words)


@dataclass
class OnPage:
    """The page in Chromium."""

    machine: Machine
    talk: Talk
    slack_s: float
    name: str = "page"

    async def until_spoken(self, seconds: float) -> None:
        await self.machine.until_captured(LEAD_S + seconds, within_s=seconds + self.slack_s)

    async def finish(self) -> Captured:
        await self.until_spoken(self.talk.seconds)
        await self.machine.speaker.end(seconds=self.slack_s)
        return await self.machine.captured()

    async def told_s(self, since: float, *words: str) -> float | None:
        return Machine.told_s(await self.machine.told(), since, *words)


@dataclass
class Talker:
    """A speaker, with the readers of its room on every server."""

    speaking: Speaking
    slug: str
    cable: Cable
    readers: list[Reader]
    captured: Captured | None = field(default=None)

    async def finish(self, server: App) -> str:
        """Speak to the end; hold what every reader saw and what ``server`` has stored against it. Returns figures."""
        captured = await self.speaking.finish()
        for reader in self.readers:
            await reader.until(lambda frame: frame.get("state") == "ended")
        stored = await asyncio.to_thread(stored_words, server, self.slug)
        counts = count_words(captured.texts, [word["text"] for word in stored])
        assert [word["text"] for word in stored] == captured.texts, counts
        assert_heard_exactly(captured.words, stored)
        for reader in self.readers:
            assert reader.words == captured.texts
            assert [entry["seq"] for entry in reader.entries] == list(range(1, len(reader.entries) + 1))
            assert len([entry for entry in reader.entries if entry["type"] == "gap"]) == len(captured.holes)
        return f"{self.speaking.name}: {counts}"

    async def truth(self, since: float, states: Sequence[tuple[str, str]], words: Sequence[str]) -> str:
        """Say how soon after a time of day readers were told one of ``states``, and the speaker one of ``words``."""
        readers = [reader_told_s(reader, since, lambda *state: state in states) for reader in self.readers]
        speaker = await self.speaking.told_s(since, *words)
        if None in (*readers, speaker):
            states = [
                (round(at - since, 1), frame["state"], frame["detail"])
                for reader in self.readers
                for frame, at in zip(reader.frames, reader.arrived, strict=True)
                if frame["type"] == "state"
            ]
            raise AssertionError(f"readers were told after {readers}, the speaker after {speaker}: {states}")
        return f"told to readers after {', '.join(map(written, readers))}, to the speaker after {written(speaker)}"


@contextlib.asynccontextmanager
async def two_talkers(
    servers: Sequence[App], chromium: Chromium, talk: Talk, folder: Path, *, slack_s: float = 60.0
) -> AsyncIterator[list[Talker]]:
    """Let both begin, on the first of ``servers``; what they say may come ``slack_s`` late."""
    first = servers[0]
    sound = folder / "talk.wav"
    sound.write_bytes(wav(talk.pcm))
    context = await chromium(microphone=microphone_of(talk, folder / "microphone.wav"))
    async with contextlib.AsyncExitStack() as stack:
        talkers = []
        for slug in ("terminal", "page"):
            room = await asyncio.to_thread(first.create_room, slug)
            cable = await stack.enter_async_context(cable_to(first.port))
            readers = [await stack.enter_async_context(reading(server, slug)) for server in servers]
            if slug == "page":
                machine = await Machine.open(context, cable, room)
                await machine.speaker.start()
                speaking: Speaking = OnPage(machine, talk, slack_s)
            else:
                link = room["speaker_url"].replace(first.url, cable.url)
                speaking = InTerminal(await stack.enter_async_context(terminal(link, sound)), talk, slack_s)
            talkers.append(Talker(speaking, slug, cable, readers))
        yield talkers


async def all_spoken(talkers: list[Talker], seconds: float) -> None:
    """Wait until all have spoken so much of their talk."""
    for talker in talkers:
        await talker.speaking.until_spoken(seconds)
