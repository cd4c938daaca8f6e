"""Child processes that run together and end together."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Self

from captions.serving.parent import end_with_parent

STOP_S = 20.0  # more than the server's own grace
POLL_S = 0.05
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StartFailed(Exception):
    """A child ended or stayed silent before it was ready; the message says which."""


class Stopped(Exception):
    """A signal asked for the end."""


class Child:
    """One running process. The terminal's Ctrl-C does not reach it: its parent stops it, or the kernel without one."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, show: Callable[[str], None]) -> None:
        self.name = name
        self.process = process
        if process.stdout is None:
            raise ValueError("the process must be started with a pipe for its output")
        self._stdout = process.stdout
        self._output = asyncio.create_task(self._copy_output(show))

    @classmethod
    async def start(
        cls, name: str, command: Sequence[str], *, env: Mapping[str, str], show: Callable[[str], None]
    ) -> Child:
        """Start ``command``; ``show`` gets its output line by line."""
        parent = os.getpid()

        def before_exec() -> None:
            end_with_parent(signal.SIGTERM)
            if os.getppid() != parent:  # it died while this process was being made
                os._exit(1)

        process = await asyncio.create_subprocess_exec(
            *command,
            env=env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=before_exec,
            limit=1024 * 1024,
        )
        return cls(name, process, show)

    async def _copy_output(self, show: Callable[[str], None]) -> None:
        while True:
            try:
                line = await self._stdout.readline()
            except ValueError:  # a line of more than a megabyte: dropped
                continue
            if not line:
                return
            show(line.decode(errors="replace").rstrip())

    async def ended(self) -> int:
        """Wait for its end and the last of its output; return the exit code."""
        code = await self.process.wait()
        # A grandchild may hold the pipe open.
        await asyncio.wait([self._output], timeout=1)
        return code

    async def stop(self, *, at_once: asyncio.Event) -> None:
        """End it, and its own children, by SIGTERM; by force after ``STOP_S`` or as soon as ``at_once`` is set."""
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        end = asyncio.create_task(self.process.wait())
        hurry = asyncio.create_task(at_once.wait())
        await asyncio.wait([end, hurry], timeout=STOP_S, return_when=asyncio.FIRST_COMPLETED)
        hurry.cancel()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        await end
        await asyncio.wait([self._output], timeout=1)


class Children:
    """A set of processes: when one ends, or a signal comes, all end; last started, first stopped."""

    def __init__(self) -> None:
        self._children: dict[str, Child] = {}
        self._signalled = asyncio.Event()
        self._signalled_again = asyncio.Event()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, self._on_signal)
        return self

    async def __aexit__(self, *_: object) -> None:
        for child in reversed(self._children.values()):
            await child.stop(at_once=self._signalled_again)

    def _on_signal(self) -> None:
        (self._signalled_again if self._signalled.is_set() else self._signalled).set()

    async def start(
        self, name: str, command: Sequence[str], *, env: Mapping[str, str], show: Callable[[str], None]
    ) -> None:
        """Start a process; ``show`` gets its output line by line, with its name before it."""
        self._children[name] = await Child.start(name, command, env=env, show=lambda line: show(f"{name:6} | {line}"))

    async def ready(self, name: str, is_ready: Callable[[], Awaitable[bool]], *, within_s: float) -> None:
        """Wait until a process that was started is ready; raises StartFailed or Stopped."""
        child = self._children[name]
        try:
            async with asyncio.timeout(within_s):
                while not await is_ready():
                    if self._signalled.is_set():
                        raise Stopped
                    if child.process.returncode is not None:
                        await child.ended()
                        raise StartFailed(f"The {name} could not start (see above).")
                    await asyncio.sleep(POLL_S)
        except TimeoutError as error:
            raise StartFailed(f"The {name} was not ready within {within_s:g} s.") from error

    async def first_ended(self) -> tuple[str, int]:
        """Wait until a process ends by itself and return its name and exit code; raises Stopped on a signal."""
        ends = {asyncio.create_task(child.ended()): child for child in self._children.values()}
        stop = asyncio.create_task(self._signalled.wait())
        done, pending = await asyncio.wait([*ends, stop], return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        if self._signalled.is_set():
            raise Stopped
        task = done.pop()
        return ends[task].name, task.result()


def python_command(*args: str) -> list[str]:
    """Return the command line of a management command under this very Python."""
    return [sys.executable, sys.argv[0], *args]
