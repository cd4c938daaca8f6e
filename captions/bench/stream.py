"""``manage.py bench stream``: what a live room costs, from audio in to finals out, beside what it costs Pipecat."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from captions.bench import talk
from captions.bench.figures import Run, Subject, as_json, rows, write_table
from captions.bench.machine import Cores, busy_s, cpu_s, go_ahead, rss_bytes
from captions.bench.parts import BenchError, Part, part
from captions.management.commands.quickstart import free_port, healthy

HELP: Final = "CPU and memory per live room, audio in to finals out, beside Pipecat's service for Gradium"
START_S: Final = 60.0
END_S: Final = 60.0
POLL_S: Final = 0.1
PIPECAT: Final = settings.BASE_DIR / ".venv-pipecat" / "bin" / "python"
PIPECAT_ROOMS: Final = settings.BASE_DIR / "tests" / "conformance" / "pipecat_rooms.py"
# What this installation is set to must not change what is measured.
OWN_PREFIXES: Final = ("CAPTIONS_", "GRADIUM_", "DATABASE_URL", "REDIS_URL", "DEBUG", "ALLOWED_HOSTS", "CSRF_")

Show = Callable[[str], None]


def add_arguments(parser: ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument(
        "--rooms", type=_numbers, default=[1, 20, 100], help="how many rooms at once, with commas (default: 1,20,100)"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=20.0,
        help=f"of audio measured per run, in steps of {talk.CYCLE_S:g} (default: %(default)g)",
    )
    parser.add_argument("--runs", type=int, default=1, help="of each kind, to see the spread (default: %(default)s)")
    parser.add_argument(
        "--only",
        default="stream,server,pipecat",
        help="what is measured, with commas (default: %(default)s)",
    )
    parser.add_argument(
        "--pipecat-frame-ms",
        type=int,
        default=80,
        help="audio per frame of Pipecat's; 80 costs it least, its transports use 10 to 40 (default: %(default)s)",
    )
    parser.add_argument(
        "--ahead", action="store_true", help="run ahead of all other processes (root only): steadier on a busy machine"
    )
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")


def _numbers(text: str) -> list[int]:
    try:
        numbers = [int(number) for number in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 1:
        raise ArgumentTypeError(f"must be numbers from 1 on with commas between them, not {text!r}")
    return numbers


def run(options: dict[str, Any], show: Show) -> bool:
    """Measure and print; False when words were lost. Raises BenchError."""
    if not sys.platform.startswith("linux"):
        raise BenchError("bench needs Linux: it reads /proc and chooses cores.")
    subjects = [name for name in options["only"].split(",") if name]
    unknown = set(subjects) - {"stream", "server", "pipecat"}
    if unknown or not subjects:
        raise BenchError(f"--only takes stream, server and pipecat, not {options['only']!r}.")
    if options["runs"] < 1 or not options["seconds"] > 0:
        raise BenchError("--runs and --seconds must be more than 0.")
    if "pipecat" in subjects and not (PIPECAT.exists() and PIPECAT_ROOMS.exists()):
        show("Pipecat is not installed here, so there is nothing to compare with. `make conformance` installs it.")
        subjects.remove("pipecat")
    cores = Cores.pick()
    if cores.are_two:
        show(f"Measured on core {cores.measured}; engine and speakers on core {cores.rest}.")
    else:
        show("There is one core only: engine and speakers share it with what is measured, so figures are too high.")
    if options["ahead"] and not go_ahead():
        raise BenchError("--ahead needs root. Without it other processes have their turns, too.")
    cycles = 1 + max(1, round(options["seconds"] / talk.CYCLE_S))
    with tempfile.TemporaryDirectory(prefix="captions-bench-") as folder:
        bench = Bench(Path(folder), cores, cycles, options["pipecat_frame_ms"], show)
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # asked to stop, it takes its processes down with it
        runs = asyncio.run(bench.all_runs(subjects, options["rooms"], options["runs"]))
    whole = rows([done for done in runs if done.is_whole])
    show("")
    show(write_table(whole))
    lost = [done for done in runs if not done.is_whole]
    for done in lost:
        show(
            f"{done.subject}, {done.rooms} rooms: {done.got} of {done.expected} words came, and {done.wrong_rooms} "
            "rooms are not as they should be. A run that loses words is no figure: the machine was too busy, or "
            "there is a fault."
        )
    if options["json"]:
        show(json.dumps(as_json(whole)))
    return not lost


@dataclass(frozen=True, slots=True)
class Bench:
    """All runs of one call; ``folder`` is its own."""

    folder: Path
    cores: Cores
    cycles: int
    pipecat_frame_ms: int
    show: Show

    async def all_runs(self, subjects: list[str], rooms: list[int], times: int) -> list[Run]:
        """Measure every kind ``times`` times, kinds in turn."""
        if "server" in subjects:
            self.show("Making a database with rooms.")
            await self._make_rooms(max(rooms))
        plan = [(subject, count) for _ in range(times) for count in rooms for subject in subjects]
        runs = []
        for place, (subject, count) in enumerate(plan):
            each_s = talk.frames_of(self.cycles) * talk.FRAME_S + talk.starts(count)[-1]
            left_s = (len(plan) - place) * (each_s + START_S / 20)
            self.show(f"{subject}, {count} rooms: {each_s:.0f} s (about {left_s:.0f} s to the end)")
            done = await self._measure(subject, count)  # type: ignore[arg-type] # checked in run()
            runs.append(done)
            self.show(
                f"  {done.ms_per_s:.2f} ms CPU per second of audio, {done.core:.1%} of the core; {done.got} of "
                f"{done.expected} words; engine {done.engine_s / done.window_s:.0%}, speakers "
                f"{done.load_s / done.window_s:.0%}, others on the core {done.foreign:.0%}"
            )
        return runs

    def _env(self, **values: str) -> dict[str, str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith(OWN_PREFIXES)}
        own = {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(settings.BASE_DIR), "SECRET_KEY": "bench " * 10}
        return env | own | values

    async def _make_rooms(self, count: int) -> None:
        env = self._env(CAPTIONS_DATA_DIR=str(self.folder))
        for command in (
            [sys.argv[0], "migrate", "--verbosity=0"],
            ["-m", "captions.bench.rooms", str(count), str(self.folder / "rooms.json")],
        ):
            async with part("database", [sys.executable, *command], env=env, core=self.cores.rest) as database:
                await database.done(START_S)

    async def _measure(self, subject: Subject, rooms: int) -> Run:
        engine_command = [sys.executable, "-m", "captions.bench.engine"]
        async with part("engine", engine_command, env=self._env(), core=self.cores.rest) as engine:
            url = str((await engine.event("listening", START_S))["url"])
            if subject == "server":
                return await self._measure_server(rooms, engine, url)
            python, *program = (
                [sys.executable, "-m", "captions.bench.stream_rooms"]
                if subject == "stream"
                else [str(PIPECAT), str(PIPECAT_ROOMS)]
            )
            command = [python, *program, url, str(rooms), str(self.cycles)]
            if subject == "pipecat":
                command.append(str(self.pipecat_frame_ms))
            async with part(subject, command, env=self._env(), core=self.cores.measured) as measured:
                return await self._watch(subject, rooms, measured=measured, engine=engine, tells=measured)

    async def _measure_server(self, rooms: int, engine: Part, url: str) -> Run:
        async with self._server(url) as (server, address):
            made = json.loads((self.folder / "rooms.json").read_text())[:rooms]
            chosen = self.folder / "chosen.json"
            chosen.write_text(json.dumps(made))
            command = [sys.executable, "-m", "captions.bench.speakers", address, str(chosen), str(self.cycles)]
            async with part("speakers", command, env=self._env(), core=self.cores.rest) as speakers:
                return await self._watch("server", rooms, measured=server, engine=engine, tells=speakers)

    @contextlib.asynccontextmanager
    async def _server(self, engine_url: str) -> AsyncIterator[tuple[Part, str]]:
        """Run the server on a database of its own that has the rooms."""
        data = self.folder / "data"
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir()
        shutil.copyfile(self.folder / "captions.sqlite3", data / "captions.sqlite3")
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        env = self._env(CAPTIONS_DATA_DIR=str(data), GRADIUM_URL=engine_url, CAPTIONS_PUBLIC_URL=address)
        env["GRADIUM_API_KEY"] = "bench"
        command = [sys.executable, sys.argv[0], "serve", f"--port={port}", "--verbosity=0"]
        async with part("server", command, env=env, core=self.cores.measured) as server:
            deadline = time.monotonic() + START_S
            while not await healthy("127.0.0.1", port):
                if server.running.process.returncode is not None or time.monotonic() > deadline:
                    raise BenchError("\n".join(["The server did not start.", *server.log]))
                await asyncio.sleep(POLL_S)
            yield server, address

    async def _watch(self, subject: Subject, rooms: int, *, measured: Part, engine: Part, tells: Part) -> Run:
        """Measure over whole cycles, once all rooms have begun and before the first one ends."""
        began = float((await tells.event("began", START_S + rooms))["at"])
        load = None if tells is measured else tells
        window_s = (self.cycles - 1) * talk.CYCLE_S
        core = self.cores.measured

        def now_used() -> tuple[float, float, float, float]:
            return cpu_s(measured.pid), cpu_s(engine.pid), cpu_s(load.pid) if load else 0.0, busy_s(core)

        await self._until(began + talk.CYCLE_S, tells)
        before = now_used()
        await self._until(began + talk.CYCLE_S + window_s, tells)
        used, engine_used, load_used, busy = (b - a for a, b in zip(before, now_used(), strict=True))
        memory = rss_bytes(measured.pid)
        done = await tells.event("done", END_S)
        return Run(
            subject=subject,
            rooms=rooms,
            window_s=window_s,
            cpu_s=used,
            engine_s=engine_used,
            load_s=load_used,
            foreign=max(0.0, busy - used) / window_s,
            rss_bytes=memory,
            **{name: done[name] for name in ("expected", "got", "wrong_rooms", "finals", "p50_ms", "p99_ms")},
        )

    async def _until(self, at: float, tells: Part) -> None:
        """Wait; raises BenchError as soon as a process has ended."""
        while (left_s := at - time.monotonic()) > 0:
            if tells.running.process.returncode is not None:
                raise BenchError("\n".join([f"The {tells.name} ended too soon.", *tells.log]))
            await asyncio.sleep(min(left_s, 1.0))
