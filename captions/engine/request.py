"""One request under way: its audio to the recogniser, what was heard to messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from captions.engine.framing import AudioError, Framer, WavReader
from captions.engine.hearing import Recogniser
from captions.engine.reply import Reply
from captions.engine.script import Incident
from captions.gradium.messages import ServerMessage, Start

SAMPLE_RATES: Final = (8_000, 16_000, 22_050, 24_000, 44_100, 48_000)
"""Sample rates of audio in Hz; the recogniser does best at 16 kHz and more."""


@dataclass(slots=True)
class Request:
    """A request, the recogniser lent to it, and how far it has come."""

    start: Start
    request_id: str
    recogniser: Recogniser
    reply: Reply
    deadline: float
    """When its session's time is used up, on the event loop's clock."""
    incidents: list[Incident]
    """What the script has for it, soonest first."""
    _wav: WavReader | None = field(default=None, init=False)
    _framer: Framer | None = field(default=None, init=False)

    @property
    def audio_s(self) -> float:
        """Seconds of audio heard."""
        return 0.0 if self._framer is None else self._framer.audio_s

    async def open(self) -> None:
        """Get the recogniser ready, as far as the setup says for what; raises AudioError and RecogniserError."""
        rate = self.start.setup.sample_rate
        if rate is None:
            self._wav = WavReader()
        else:
            await self._open_at(rate)

    async def frames(self, data: bytes) -> Iterator[bytes]:
        """Take a message's audio; return the frames it completes, to be heard one by one."""
        if self._wav is not None:
            data = self._wav.read(data)
            if self._framer is None and self._wav.sample_rate is not None:
                await self._open_at(self._wav.sample_rate)
        return iter(()) if self._framer is None else self._framer.cut(data)

    async def hear(self, frame: bytes) -> list[ServerMessage]:
        """Let a frame be heard; return the messages after it."""
        return self.reply.step(await self.recogniser.hear(frame))

    async def rest(self) -> list[ServerMessage]:
        """Return all text of the audio so far."""
        if self._framer is None:
            return []
        pcm = self._framer.rest()
        words = (await self.recogniser.hear(pcm)).words if pcm else ()
        return self.reply.rest([*words, *(await self.recogniser.flush()).words])

    async def _open_at(self, sample_rate: int) -> None:
        if sample_rate not in SAMPLE_RATES:
            rates = ", ".join(map(str, SAMPLE_RATES))
            raise AudioError(f"The demo recogniser takes audio at {rates} Hz, not {sample_rate}.")
        await self.recogniser.open(sample_rate)
        self._framer = Framer(sample_rate)
