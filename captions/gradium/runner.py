"""Runs a stream: carries out its actions on real sessions and hands what it tells to a listener."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from captions.gradium.actions import Action, Close, Done, Open, Output, Send, SendEnd, SendFlush
from captions.gradium.editions import Settings
from captions.gradium.messages import Ready, ServerMessage, Start
from captions.gradium.session import GradiumError, GradiumPolicyError, GradiumSession, Target, open_session
from captions.gradium.stream import Stream

TICK_S: Final = 0.1
# Flow control keeps 3 s of audio under way; a queue longer than this is a socket that takes nothing any more.
QUEUE_FRAMES: Final = 128

logger = logging.getLogger(__name__)

Job = Send | SendFlush | SendEnd
ACTIONS: Final = (Send, Open, Close, SendFlush, SendEnd)


@dataclass(frozen=True, slots=True)
class Opening:
    """Where a session is opened, and what it begins with."""

    target: Target
    start: Start


class StreamRunner:
    """One stream, its legs' tasks and its clock. All methods are called on the event loop.

    ``listener`` gets what the stream tells, in order, synchronously.
    """

    def __init__(self, stream: Stream, opening: Opening, listener: Callable[[Output], None]) -> None:
        self.stream = stream
        self._openings = {stream.settings.edition: opening}
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._legs: dict[int, asyncio.Task[None]] = {}
        self._jobs: dict[int, asyncio.Queue[Job]] = {}
        self._idle: dict[int, GradiumSession] = {}  # sessions with nothing queued: they are written to at once
        self._ticker = self._loop.call_later(TICK_S, self._tick)
        self.done = asyncio.Event()

    def audio(self, pcm: bytes) -> None:
        """Take samples that follow the newest."""
        self.stream.audio(pcm, self._loop.time())
        self._carry_out()

    def skip_to(self, index: int) -> None:
        """Leave out samples up to ``index``."""
        self.stream.skip_to(index, self._loop.time())
        self._carry_out()

    def rest(self) -> None:
        """Hear out what there is, then leave the engine."""
        self.stream.rest(self._loop.time())
        self._carry_out()

    def break_off(self) -> None:
        """Hear out all but a word that may be cut."""
        self.stream.break_off(self._loop.time())
        self._carry_out()

    def change(self, settings: Settings, opening: Opening) -> None:
        """Let other settings, with a new ``edition``, hold from now on."""
        self._openings[settings.edition] = opening
        self.stream.change(settings, self._loop.time())
        self._carry_out()

    def try_again(self) -> None:
        """Ask the engine again at once, also one that has refused."""
        self.stream.try_again(self._loop.time())
        self._carry_out()

    def hold(self, *, reason: str, keep: bool) -> None:
        """Hear out what was said, then open no session; see ``Stream.hold``."""
        self.stream.hold(self._loop.time(), reason=reason, keep=keep)
        self._carry_out()

    def go_on(self) -> None:
        """Sessions may be opened again."""
        self.stream.go_on(self._loop.time())
        self._carry_out()

    def end(self) -> None:
        """Hear out what there is; ``done`` is set when all words are out."""
        self.stream.end(self._loop.time())
        self._carry_out()

    async def close(self) -> None:
        """Drop all sessions at once; words still under way do not come."""
        self._ticker.cancel()
        tasks = list(self._legs.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _tick(self) -> None:
        if not self.done.is_set():
            self._ticker = self._loop.call_later(TICK_S, self._tick)
            self.stream.tick(self._loop.time())
            self._carry_out()

    def _carry_out(self) -> None:
        for item in self.stream.take():
            if isinstance(item, ACTIONS):
                self._act(item)
            else:
                self._listener(item)
                if isinstance(item, Done):
                    self.done.set()

    def _act(self, action: Action) -> None:
        if isinstance(action, Open):
            self._jobs[action.leg] = asyncio.Queue(QUEUE_FRAMES)
            self._legs[action.leg] = self._loop.create_task(
                self._run_leg(action.leg, self._openings[action.edition]), name=f"leg {action.leg}"
            )
        elif isinstance(action, Close):
            task = self._legs.get(action.leg)
            if task is not None:
                task.cancel()
        elif action.leg in self._jobs:
            session = self._idle.get(action.leg)
            if session is not None and isinstance(action, Send) and session.send_audio_now(action.pcm):
                return
            self._idle.pop(action.leg, None)
            try:
                self._jobs[action.leg].put_nowait(action)
            except asyncio.QueueFull:
                # The core keeps the audio: a new leg gets it again.
                logger.warning("the speech engine takes no audio, leaving this session")
                self._legs[action.leg].cancel()
                self._loop.call_soon(self._closed, action.leg, "", "The speech engine takes no audio.")

    def _closed(self, leg: int, refused: str, why: str) -> None:
        self.stream.closed(leg, self._loop.time(), refused=refused, why=why)
        self._carry_out()

    async def _run_leg(self, leg: int, opening: Opening) -> None:
        refused = why = ""
        try:
            async with open_session(opening.target, opening.start) as session:
                self._ready(leg, session.ready)
                await self._talk(leg, session)
        except GradiumPolicyError as error:
            logger.error("the speech engine refuses: %s", error)
            refused = str(error) or "The speech engine refuses."
        except GradiumError as error:
            logger.warning("speech session ended: %s", error)
            why = str(error)
        except Exception:
            # A fault of ours in one leg must not silence the room: the next leg hears the audio again.
            logger.exception("speech session failed")
        finally:
            self._legs.pop(leg, None)
            self._jobs.pop(leg, None)
            self._idle.pop(leg, None)
        self._closed(leg, refused, why)

    async def _talk(self, leg: int, session: GradiumSession) -> None:
        writer = asyncio.create_task(self._write(leg, session), name=f"leg {leg} writer")
        try:
            async for message in session.messages():
                self._message(leg, message)
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    async def _write(self, leg: int, session: GradiumSession) -> None:
        jobs = self._jobs[leg]
        while True:
            if jobs.empty():
                self._idle[leg] = session
            job = await jobs.get()
            if isinstance(job, Send):
                await session.send_audio(job.pcm)
            elif isinstance(job, SendFlush):
                await session.flush(job.flush_id)
            else:
                await session.end_of_stream()

    def _ready(self, leg: int, ready: Ready) -> None:
        self.stream.ready(leg, ready, self._loop.time())
        self._carry_out()

    def _message(self, leg: int, message: ServerMessage) -> None:
        self.stream.message(leg, message, self._loop.time())
        self._carry_out()
