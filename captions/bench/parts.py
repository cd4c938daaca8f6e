"""The processes of a benchmark: started on a core, listened to, ended for sure."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from captions.bench.events import read_event
from captions.bench.machine import on_core
from captions.serving.children import Child

KEPT_LINES: Final = 30


class BenchError(Exception):
    """A benchmark that cannot be run, in a sentence."""


class Part:
    """One running process."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.log: deque[str] = deque(maxlen=KEPT_LINES)
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.child: Child | None = None

    def show(self, line: str) -> None:
        """Take a line of its output."""
        event = read_event(line)
        if event is None:
            self.log.append(line)
        else:
            self._events.put_nowait(event)

    @property
    def running(self) -> Child:
        """The process; it is started."""
        if self.child is None:
            raise BenchError(f"The {self.name} is not running.")
        return self.child

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.running.process.pid

    async def event(self, name: str, within_s: float) -> dict[str, Any]:
        """Wait for an event of that name; raises BenchError with the last lines of the output."""
        event, end = asyncio.create_task(self._events.get()), asyncio.create_task(self.running.ended())
        try:
            await asyncio.wait([event, end], timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
            if event.done() and event.result()["event"] == name:
                return event.result()
            what = f"ended before it said {name}" if end.done() else f"did not say {name} within {within_s:.0f} s"
            raise BenchError("\n".join([f"The {self.name} {what}.", *self.log]))
        finally:
            event.cancel()
            end.cancel()

    async def done(self, within_s: float) -> None:
        """Wait for its end; raises BenchError unless that is a good one."""
        try:
            code = await asyncio.wait_for(self.running.ended(), within_s)
        except TimeoutError:
            code = -1
        if code:
            raise BenchError("\n".join([f"The {self.name} failed.", *self.log]))


@contextlib.asynccontextmanager
async def part(name: str, command: Sequence[str], *, env: Mapping[str, str], core: int) -> AsyncIterator[Part]:
    """Run a process on a core until the block ends."""
    started = Part(name)
    with on_core(core):
        started.child = await Child.start(name, command, env=env, show=started.show)
    try:
        yield started
    finally:
        await asyncio.shield(started.child.stop(at_once=asyncio.Event()))
