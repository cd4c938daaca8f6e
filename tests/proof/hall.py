"""Many rooms at once on one server, each with a speaker in real time and a reader that notes when words come."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.consumers.talk import Talk
from tests.processes import App
from tests.proof.tap import Leg
from tests.sockets import WAIT_S, Client, Frame, audio_frame, end_talk, speak

FRAME_S = 0.08
RATE = 8_000  # the least that a speaker may send: the words are in it, and it is cheap to hear

_CREATE = """
import json, sys
from django.core.management import call_command
for slug in {slugs!r}:
    call_command("create_room", slug=slug, json=True)
"""


def create_rooms(app: App, slugs: Sequence[str]) -> list[Frame]:
    """Make rooms in one process: a command for each would take longer than the talks."""
    output = app.manage("shell", "--verbosity=0", "-c", _CREATE.format(slugs=list(slugs)))
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


@dataclass
class RoomRun:
    """What happened in a room. Times are the event loop's, in seconds."""

    slug: str
    talk: Talk
    sent_at: list[float] = field(default_factory=list)  # of each 80 ms of audio
    sent_late: list[float] = field(default_factory=list)  # by how much each was behind real time: a busy machine
    seen: list[tuple[float, Frame]] = field(default_factory=list)  # what a reader got, and when
    legs: list[Leg] = field(default_factory=list)  # oldest first; see give_legs
    _raw: list[tuple[float, str | bytes]] = field(default_factory=list)

    # While it runs -----------------------------------------------------------------------------------------------

    async def take_place(self, app: App, room: Frame, *, wait_s: float) -> None:
        """Speak the talk in real time and read along; ``wait_s`` keeps rooms from doing all at the same moment."""
        await asyncio.sleep(wait_s)
        url = f"{app.ws_url}/ws/rooms/{self.slug}/captions/"
        async with connect(url, proxy=None, open_timeout=WAIT_S) as reader:
            reading = asyncio.create_task(self._read(reader))
            async with speak(app, room, rate=RATE) as speaker:
                await speaker.until_type("ready")
                await self._say(speaker)
                await end_talk(speaker)
            await asyncio.wait_for(reading, WAIT_S)
        self.seen = [(at, json.loads(text)) for at, text in self._raw]
        self._raw.clear()

    async def _say(self, speaker: Client) -> None:
        loop = asyncio.get_running_loop()
        size = 2 * round(RATE * FRAME_S)
        began = loop.time()
        for number, at in enumerate(range(0, len(self.talk.pcm), size)):
            due = began + (number + 1) * FRAME_S  # a frame is whole when its last sample is spoken
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
            self.sent_at.append(loop.time())
            self.sent_late.append(self.sent_at[-1] - due)
            await speaker.connection.send(audio_frame(at // 2, self.talk.pcm[at : at + size]))

    async def _read(self, reader: ClientConnection) -> None:
        clock = asyncio.get_running_loop().time
        with contextlib.suppress(ConnectionClosed):
            async for text in reader:
                self._raw.append((clock(), text))
                if '"ended"' in text:
                    return

    # What came of it ---------------------------------------------------------------------------------------------

    @property
    def finals(self) -> list[Frame]:
        """The finals a reader got, in order."""
        return [frame for _, frame in self.seen if frame["type"] == "final"]

    @property
    def words(self) -> list[str]:
        """The words of the finals."""
        return " ".join(frame["text"] for frame in self.finals).split()

    def shown_at(self) -> dict[str, float]:
        """Return when each word was first on a reader's screen, in an interim or a final."""
        shown: dict[str, float] = {}
        for at, frame in self.seen:
            if frame["type"] in ("interim", "final"):
                for word in frame["text"].split():
                    shown.setdefault(word, at)
        return shown


@dataclass(frozen=True)
class Faults:
    """Words that are not as they were spoken."""

    missing: list[str]
    doubled: list[str]
    foreign: list[str]
    moved: list[str]  # all there, but out of order

    @classmethod
    def of(cls, spoken: Sequence[str], got: Sequence[str]) -> Faults:
        """Compare; every word of ``spoken`` is there once."""
        counts, known = Counter(got), set(spoken)
        kept = [word for word in got if word in known]
        first = list(dict.fromkeys(kept))
        order = [word for word in spoken if word in counts]
        return cls(
            missing=[word for word in spoken if word not in counts],
            doubled=[word for word, count in counts.items() if count > 1 and word in known],
            foreign=[word for word in got if word not in known],
            moved=[word for word, right in zip(first, order, strict=True) if word != right],
        )

    def __bool__(self) -> bool:
        return bool(self.missing or self.doubled or self.foreign or self.moved)


def give_legs(rooms: Sequence[RoomRun], legs: Sequence[Leg]) -> list[Leg]:
    """Give each room the engine sessions that heard its words; return those that heard none."""
    whose = {word: room for room in rooms for word in room.talk.texts}
    silent: list[Leg] = []
    for leg in legs:
        leg.read()
        room = next((whose[heard.text] for heard in leg.heard if heard.text in whose), None)
        if room is None:
            silent.append(leg)
        else:
            room.legs.append(leg)
    return silent
