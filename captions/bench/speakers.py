"""``python -m captions.bench.speakers SERVER FILE CYCLES``: speaks in all rooms of FILE at once, in real time.

As lean as can be, for it runs beside the engine on one core. Words are counted in the transcripts the server gives out
at the end; on the sockets only their delay is taken.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit
from urllib.request import urlopen
from uuid import uuid4

import uvloop

from captions.bench import talk
from captions.bench.events import tell
from captions.bench.wire import BINARY, CLOSE, PING, PONG, TEXT, Reader, frame, upgrade_request
from captions.fanout import events
from captions.speaking import messages
from captions.speaking.link import SpeakerLink
from captions.speaking.ticket import fetch_ticket


class Speaker(asyncio.Protocol):
    """One speaker's socket."""

    transport: asyncio.Transport

    def __init__(self, link: SpeakerLink, ticket: str) -> None:
        self.link = link
        self.tally = talk.Tally()
        self.ready = asyncio.Event()
        self.over = asyncio.Event()
        self.ended = False
        self._ticket = ticket
        self._reader = Reader()
        self._upgraded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for a WebSocket."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's own, which is none by name
        url = urlsplit(self.link.socket_url)
        self.transport.write(upgrade_request(url.netloc, url.path))

    def connection_lost(self, exc: Exception | None) -> None:
        """Let nobody wait any longer."""
        del exc
        self.ready.set()
        self.over.set()

    def data_received(self, data: bytes) -> None:
        """Say hello; then listen."""
        if not self._upgraded:
            if self._reader.head(data) is None:
                return
            self._upgraded, data = True, b""
            hello = messages.hello(
                ticket=self._ticket, stream=uuid4(), sample_rate=talk.RATE, take_over=False, after=None
            )
            self._send(hello)
        for opcode, _, payload in self._reader.frames(data):
            if opcode == TEXT:
                self._take(payload)
            elif opcode == PING:
                self.transport.write(frame(PONG, payload, masked=True))
            elif opcode == CLOSE:
                self.transport.write(frame(CLOSE, payload, masked=True))
                self.transport.close()

    def _take(self, payload: bytes) -> None:
        message = messages.read(payload.decode())
        match message:
            case messages.Ready():
                self.ready.set()
            case events.Interim(text=text) | events.Final(text=text):
                self.tally.shown(text.rpartition(" ")[2], time.monotonic())
            case events.State(state="ended"):
                self.ended = True
            case messages.Error(message=reason):
                sys.exit(f"The server refused a speaker: {reason}")

    def _send(self, text: str) -> None:
        self.transport.write(frame(TEXT, text.encode(), masked=True))

    async def speak(self, first_at: float, frames: int) -> None:
        """Give the talk; return when the server has written all down."""
        silence, sound = bytes(talk.FRAME_BYTES), os.urandom(talk.FRAME_BYTES)
        step = talk.FRAME_BYTES // 2
        async for number in talk.pace(first_at, frames):
            pcm = sound if talk.sounds(number) else silence
            self.transport.write(frame(BINARY, (number * step).to_bytes(8, "little") + pcm, masked=True))
        self._send(messages.control("end"))
        await self.over.wait()

    def read_transcript(self) -> None:
        """Count the finals that are stored."""
        with urlopen(f"{self.link.server}/r/{self.link.slug}/transcript.json?words=0", timeout=30) as response:  # noqa: S310 - a server of our own
            for session in json.load(response)["sessions"]:
                for segment in session["segments"]:
                    self.tally.final(segment["text"])


async def _connect(server: str, slug: str, token: str) -> Speaker:
    link = SpeakerLink(server, slug, token)
    ticket = await asyncio.to_thread(fetch_ticket, link)
    url = urlsplit(server)
    _, speaker = await asyncio.get_running_loop().create_connection(
        lambda: Speaker(link, ticket), url.hostname or "", url.port or 80
    )
    await speaker.ready.wait()
    return speaker


async def main(server: str, rooms: list[tuple[str, str]], cycles: int) -> None:
    """Speak in all rooms to the end."""
    speakers = [await _connect(server, slug, token) for slug, token in rooms]
    began = time.monotonic()
    tell(event="began", at=began)
    frames, offsets = talk.frames_of(cycles), talk.starts(len(speakers))
    await asyncio.gather(*(speaker.speak(began + at, frames) for speaker, at in zip(speakers, offsets, strict=True)))
    broken = sum(not speaker.ended for speaker in speakers)
    if broken:
        sys.exit(f"{broken} of {len(speakers)} speakers' sockets closed before their talk had ended.")
    for speaker in speakers:
        await asyncio.to_thread(speaker.read_transcript)
    tell(**talk.summary((speaker.tally for speaker in speakers), cycles))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], json.loads(Path(sys.argv[2]).read_text()), int(sys.argv[3])))
