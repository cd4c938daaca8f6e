"""Pipecat's GradiumSTTService against a running engine; runs in a venv that has Pipecat. Prints a line per way of use.

python pipecat_service.py ws://127.0.0.1:PORT/api/speech/asr FILE.wav FILE.txt
"""

# ruff: noqa: T201 - a program that reports what it finds

from __future__ import annotations

import asyncio
import difflib
import re
import sys
import wave
from pathlib import Path

from loguru import logger
from pipecat.frames.frames import (
    EndFrame,
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    TranscriptionFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.gradium.stt import GradiumSTTService
from pipecat.workers.runner import WorkerRunner

WANTED = 0.7
LIMIT_S = 180
FRAME_S = 0.08


class Listener(FrameProcessor):
    """Keeps what the service says."""

    def __init__(self) -> None:
        super().__init__()
        self.interims = 0
        self.finals: list[str] = []
        self.said = asyncio.Event()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InterimTranscriptionFrame):
            self.interims += 1
        elif isinstance(frame, TranscriptionFrame):
            self.finals.append(frame.text)
            self.said.set()
        await self.push_frame(frame, direction)


def words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def in_order(wanted: list[str], got: list[str]) -> float:
    """Return the share of the wanted words that stand in ``got``, in order."""
    matcher = difflib.SequenceMatcher(None, wanted, got, autojunk=False)
    return sum(block.size for block in matcher.get_matching_blocks()) / len(wanted)


async def transcribe(url: str, pcm: bytes, rate: int, *, turn_detection: bool) -> Listener:
    """Send the audio through a pipeline; return what came out once the service has closed its last utterance."""
    listener = Listener()
    service = GradiumSTTService(api_key="any", api_endpoint_base_url=url, enable_turn_detection=turn_detection)
    errors: list[str] = []

    @service.event_handler("on_error")
    async def on_error(_service: GradiumSTTService, frame: ErrorFrame) -> None:
        errors.append(frame.error)

    # Silence before lets turn detection hear one first; silence after lets it end the last turn.
    silence = bytes(2 * rate * 3)
    audio = silence + pcm + silence
    worker = PipelineWorker(
        Pipeline([service, listener]),
        params=PipelineParams(audio_in_sample_rate=rate),
        idle_timeout_secs=None,
        enable_rtvi=False,
    )

    async def speak() -> None:
        size = 2 * round(rate * FRAME_S)
        for at in range(0, len(audio), size):
            await worker.queue_frame(InputAudioRawFrame(audio[at : at + size], rate, 1))
            # Twice real time. Ahead of the recogniser the answers to Pipecat's pings would wait behind the audio.
            await asyncio.sleep(FRAME_S / 2)
        if not turn_detection:
            await worker.queue_frame(VADUserStoppedSpeakingFrame())
        # No pause in the speech is long enough to end a turn: the first final is the last.
        await listener.said.wait()
        await worker.queue_frame(EndFrame())

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    async with asyncio.timeout(LIMIT_S):
        await asyncio.gather(runner.run(), speak())
    if errors:
        sys.exit(f"The service reported errors: {errors}")
    return listener


async def main() -> None:
    url, wav_path, text_path = sys.argv[1:]
    with wave.open(wav_path) as wav:
        pcm, rate = wav.readframes(wav.getnframes()), wav.getframerate()
    wanted = words(Path(text_path).read_text())
    for turn_detection in (False, True):
        way = "turn detection" if turn_detection else "flush by the client"
        listener = await transcribe(url, pcm, rate, turn_detection=turn_detection)
        share = in_order(wanted, words(" ".join(listener.finals)))
        print(f"{way}: {share:.0%} of the words in {len(listener.finals)} finals, {listener.interims} interims")
        if share < WANTED:
            sys.exit(f"Less than {WANTED:.0%} of the words came out: {listener.finals}")


logger.remove()
logger.add(sys.stderr, level="WARNING")
asyncio.run(main())
