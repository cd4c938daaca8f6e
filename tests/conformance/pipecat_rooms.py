"""Pipecat's GradiumSTTService as ``manage.py bench stream`` measures it; runs in a venv that has Pipecat.

python pipecat_rooms.py URL ROOMS CYCLES FRAME_MS, with the project on PYTHONPATH. One pipeline per room, in the setup
that costs Pipecat least: nothing but the service and what counts its words, no voice detector (the engine tells the
ends of turns), no audio passed on, no observers, metrics, heartbeats or logging, and uvloop.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time

import uvloop
from loguru import logger
from pipecat.frames.frames import (
    EndFrame,
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    TranscriptionFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.gradium.stt import GradiumSTTService
from pipecat.workers.runner import WorkerRunner

from captions.bench import talk
from captions.bench.events import tell

LIMIT_S = 15


class Counter(FrameProcessor):
    """Counts the words that come out."""

    def __init__(self, cycles: int) -> None:
        super().__init__()
        self.tally = talk.Tally()
        self.all_said = asyncio.Event()
        self._wanted = cycles * talk.WORDS

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InterimTranscriptionFrame):
            self.tally.shown(frame.text.rpartition(" ")[2], time.monotonic())
        elif isinstance(frame, TranscriptionFrame):
            self.tally.final(frame.text)
            if len(self.tally.numbers) >= self._wanted:
                self.all_said.set()
        await self.push_frame(frame, direction)


class Room:
    """One pipeline."""

    def __init__(self, url: str, cycles: int) -> None:
        self.service = GradiumSTTService(
            api_key="any", api_endpoint_base_url=url, enable_turn_detection=True, audio_passthrough=False
        )
        self.counter = Counter(cycles)
        self.started = asyncio.Event()
        self.worker = PipelineWorker(
            Pipeline([self.service, self.counter]),
            params=PipelineParams(audio_in_sample_rate=talk.RATE),
            idle_timeout_secs=None,
            enable_rtvi=False,
            enable_turn_tracking=False,
            check_dangling_tasks=False,
        )

        @self.worker.event_handler("on_pipeline_started")
        async def on_started(_worker: PipelineWorker, _frame: Frame) -> None:
            self.started.set()

        @self.service.event_handler("on_error")
        async def on_error(_service: GradiumSTTService, frame: ErrorFrame) -> None:
            sys.exit(f"The service reported an error: {frame.error}")

    async def speak(self, first_at: float, frames: int, frame_s: float) -> None:
        size = round(talk.RATE * frame_s) * 2
        silence, sound = bytes(size), os.urandom(size)
        async for number in talk.pace(first_at, frames, frame_s):
            await self.worker.queue_frame(
                InputAudioRawFrame(sound if talk.sounds(number, frame_s) else silence, talk.RATE, 1)
            )
        try:
            async with asyncio.timeout(LIMIT_S):
                await self.counter.all_said.wait()
        except TimeoutError:
            pass  # what is missing is told in the end
        await self.worker.queue_frame(EndFrame())


async def main(url: str, count: int, cycles: int, frame_ms: int) -> None:
    rooms = [Room(url, cycles) for _ in range(count)]
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(*(room.worker for room in rooms))
    running = asyncio.create_task(runner.run())
    await asyncio.gather(*(room.started.wait() for room in rooms))
    began = time.monotonic()
    tell(event="began", at=began)
    frame_s = frame_ms / 1000
    frames = round(talk.frames_of(cycles) * talk.FRAME_S / frame_s)
    offsets = talk.starts(count)
    await asyncio.gather(*(room.speak(began + at, frames, frame_s) for room, at in zip(rooms, offsets, strict=True)))
    await running
    tell(**talk.summary((room.counter.tally for room in rooms), cycles))


logger.remove()
logger.add(sys.stderr, level="ERROR")
uvloop.run(main(sys.argv[1], *map(int, sys.argv[2:])))
