"""``python -m captions.bench.stream_rooms URL ROOMS CYCLES``: rooms in a bare process, from audio in to finals out.

What Pipecat's service does, and nothing else: no Django, no sockets to speakers, nothing stored.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time

import uvloop

from captions.bench import talk
from captions.bench.events import tell
from captions.captioning.segmenter import Finished, Piece, Segmenter
from captions.gradium.actions import Output, UtteranceEnd, Word, WordEnd
from captions.gradium.messages import Start
from captions.gradium.runner import Opening, StreamRunner
from captions.gradium.session import Target
from captions.gradium.setup import Setup
from captions.gradium.stream import Settings, Stream


class Room:
    """One stream and its words."""

    def __init__(self, url: str) -> None:
        self.tally = talk.Tally()
        self._segmenter = Segmenter()
        core = Stream(Settings(language="en"), now=asyncio.get_running_loop().time())
        setup = Setup(language="en", delay_in_frames=10)
        self.runner = StreamRunner(core, Opening(Target(url), Start(setup)), self._hear)

    async def speak(self, first_at: float, frames: int) -> None:
        """Give the talk; return when all words are out."""
        silence, sound = bytes(talk.FRAME_BYTES), os.urandom(talk.FRAME_BYTES)
        async for number in talk.pace(first_at, frames):
            self.runner.audio(sound if talk.sounds(number) else silence)
        self.runner.end()
        await self.runner.done.wait()
        self._count(self._segmenter.utterance_end())
        await self.runner.close()

    def _hear(self, output: Output) -> None:
        match output:
            case Word(text, start_ms):
                self.tally.shown(text, time.monotonic())
                self._count(self._segmenter.word(text, start_ms))
            case WordEnd(end_ms):
                self._count(self._segmenter.word_end(end_ms))
            case UtteranceEnd():
                self._count(self._segmenter.utterance_end())

    def _count(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            if isinstance(piece, Finished):
                self.tally.final(piece.text)


async def main(url: str, count: int, cycles: int) -> None:
    """Run all rooms to their end."""
    rooms = [Room(url) for _ in range(count)]
    began = time.monotonic()
    tell(event="began", at=began)
    frames = talk.frames_of(cycles)
    offsets = talk.starts(count)
    await asyncio.gather(*(room.speak(began + at, frames) for room, at in zip(rooms, offsets, strict=True)))
    tell(**talk.summary((room.tally for room in rooms), cycles))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
