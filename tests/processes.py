"""Real processes for tests: started with a time limit, their output kept, ended for sure."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent.parent
MANAGE = [sys.executable, str(ROOT / "manage.py")]
START_S = 40.0  # generous: a loaded machine with two cores
STOP_S = 20.0
PR_SET_PDEATHSIG = 1
# What a developer may have set for himself must not change what is tested.
OWN_PREFIXES = (
    "CAPTIONS_",
    "GRADIUM_",
    "DJANGO_",
    "ALLOWED_HOSTS",
    "CSRF_",
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "DEBUG",
)
OWN_NAMES = ("PORT", "HOST", "MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")  # of `make test` itself
# Nothing listens here, so that a test which names no engine never reaches for the internet.
NO_ENGINE = "ws://127.0.0.1:9/api/speech/asr"

running: dict[int, Process] = {}  # by pid: what a failed test shows


def free_port() -> int:
    """Return a port that the operating system has just handed out, on 127.0.0.1."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def clean_env(**values: str) -> dict[str, str]:
    """Return this process's environment without any setting of Captions, plus ``values``."""
    env = {
        name: value for name, value in os.environ.items() if not name.startswith(OWN_PREFIXES) and name not in OWN_NAMES
    }
    return env | {"PYTHONUNBUFFERED": "1", "GRADIUM_URL": NO_ENGINE, "GRADIUM_API_KEY": "test-key"} | values


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """A child process in a process group of its own, with stdout and stderr in one file."""

    def __init__(
        self, name: str, command: Sequence[str], *, env: Mapping[str, str], log_path: Path, cwd: Path = ROOT
    ) -> None:
        self.name = name
        self.command = list(command)
        self.env = dict(env)
        self.log_path = log_path
        self.cwd = cwd
        self.popen: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.popen is not None, f"{self.name} is not started"
        return self.popen.pid

    @property
    def log(self) -> str:
        """What it has written so far."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    @property
    def alive(self) -> bool:
        return self.popen is not None and self.popen.poll() is None

    def launch(self) -> None:
        """Start it without waiting until it is ready."""
        assert not self.alive, f"{self.name} runs already"
        # The death signal follows the thread that forks: only the main thread lives as long as the tests.
        from_main = threading.current_thread() is threading.main_thread() and sys.platform == "linux"
        with self.log_path.open("ab") as log:
            self.popen = subprocess.Popen(
                self.command,
                env=self.env,
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent if from_main else None,
            )
        running[self.popen.pid] = self

    def wait_until(self, ready: Callable[[], bool], *, what: str, seconds: float = START_S) -> None:
        """Wait until ``ready()`` is true; fails with the log when the process ends or the time is over."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.alive:
                raise AssertionError(f"{self.name} ended before {what}:\n{self.log[-4000:]}")
            if time.monotonic() > deadline:
                log = self.log[-4000:]
                self.kill()
                raise AssertionError(f"{self.name}: no {what} within {seconds:g} s:\n{log}")
            time.sleep(0.05)

    def wait(self, seconds: float = STOP_S) -> int:
        """Wait for its end and return the exit code."""
        assert self.popen is not None, f"{self.name} is not started"
        code = self.popen.wait(seconds)
        running.pop(self.popen.pid, None)
        return code

    def signal(self, number: int) -> None:
        """Send a signal to the process, not to its children."""
        if self.alive:
            os.kill(self.pid, number)

    def stop(self, seconds: float = STOP_S) -> int:
        """End it in the ordinary way (SIGTERM), by force after ``seconds``; returns the exit code."""
        if self.popen is None:
            return 0
        self.signal(signal.SIGTERM)
        try:
            return self.wait(seconds)
        except subprocess.TimeoutExpired:
            return self.kill()
        finally:
            self._kill_group()

    def kill(self) -> int:
        """End it and its children without a warning (SIGKILL), as a crash or a power cut would."""
        if self.popen is None:
            return 0
        self._kill_group()
        return self.wait(5)

    def _kill_group(self) -> None:
        assert self.popen is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)


def port_open(port: int) -> bool:
    """Say whether something listens on a port of 127.0.0.1."""
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0


def answers(url: str) -> bool:
    """Say whether a GET of ``url`` gives 200."""
    try:
        with urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def attempt(*args: str, env: Mapping[str, str], seconds: float = START_S) -> subprocess.CompletedProcess[str]:
    """Run a management command to its end, whatever that is; stderr is in stdout."""
    return subprocess.run(
        [*MANAGE, *args],
        env=dict(env),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
    )


def marked(value: str) -> list[int]:
    """Return the pids of all processes with ``value`` in their environment: a family, however it has split up."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                ended = (folder / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
                if not ended and value.encode() in (folder / "environ").read_bytes():
                    found.append(int(folder.name))
    return found


def wait_for(condition: Callable[[], bool], *, what: str, seconds: float = START_S) -> None:
    """Wait until ``condition()`` is true; fails when the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"no {what} within {seconds:g} s"
        time.sleep(0.05)


def manage(*args: str, env: Mapping[str, str], seconds: float = START_S) -> str:
    """Run a management command to its end and return its stdout; fails when it does."""
    done = subprocess.run([*MANAGE, *args], env=dict(env), cwd=ROOT, capture_output=True, text=True, timeout=seconds)
    assert done.returncode == 0, f"manage.py {' '.join(args)} gave {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout


@dataclass
class App:
    """One running server: ``manage.py serve`` on a port of its own."""

    process: Process
    port: int
    data_dir: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def log(self) -> str:
        return self.process.log

    @property
    def env(self) -> dict[str, str]:
        """Its environment, for management commands that belong to the same installation."""
        return self.process.env

    def start(self) -> None:
        self.process.launch()
        self.process.wait_until(lambda: answers(f"{self.url}/healthz"), what="answer of /healthz")

    def stop(self) -> int:
        return self.process.stop()

    def kill(self) -> None:
        self.process.kill()

    def restart(self) -> None:
        """Stop (if it runs) and start again on the same port with the same data."""
        self.stop()
        self.start()

    def manage(self, *args: str) -> str:
        """Run a management command on this app's data and return its stdout."""
        return manage(*args, env=self.env)

    def create_room(self, slug: str = "hall", **options: object) -> dict[str, Any]:
        """Make a room; ``options`` as of the command: title, language, delay. Returns its links and speaker token."""
        settings = {"title": slug.title(), "language": "en", "delay": 10} | options
        args = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
        output = self.manage("create_room", f"--slug={slug}", *args, "--json")
        room: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
        return room


@dataclass
class Apps:
    """Starts apps and ends all of them."""

    folder: Path
    migrated: Path  # an SQLite file with all tables
    started: list[App] = field(default_factory=list)

    def __call__(
        self,
        *,
        env: Mapping[str, str] | None = None,
        data_dir: Path | None = None,
        workers: int = 1,
        server: str = "uvicorn",
    ) -> App:
        """Start an app. With another app's ``data_dir``, or its DATABASE_URL, both are servers of one installation."""
        number = len(self.started) + 1
        if data_dir is None:
            data_dir = self.folder / f"data{number}"
            data_dir.mkdir()
            shutil.copyfile(self.migrated, data_dir / "captions.sqlite3")
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        environment = clean_env(CAPTIONS_DATA_DIR=str(data_dir), CAPTIONS_PUBLIC_URL=url, SECRET_KEY="tests " * 10)
        process = Process(
            f"app {number}",
            [*MANAGE, "serve", "--host=127.0.0.1", f"--port={port}", f"--workers={workers}", f"--server={server}"],
            env=environment | dict(env or {}),
            log_path=self.folder / f"app{number}.log",
        )
        app = App(process, port, data_dir)
        self.started.append(app)
        app.start()
        return app

    def close(self) -> None:
        for app in self.started:
            app.process.signal(signal.SIGTERM)  # all at once: they finish side by side
        for app in self.started:
            app.stop()


@dataclass
class Engine:
    """A running speech engine."""

    process: Process
    port: int

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/api/speech/asr"

    @property
    def env(self) -> dict[str, str]:
        """What an app needs to use it."""
        return {"GRADIUM_URL": self.url, "GRADIUM_API_KEY": "test-key"}

    @property
    def log(self) -> str:
        return self.process.log


@contextlib.contextmanager
def engine(log_path: Path, *args: str) -> Iterator[Engine]:
    """Run ``manage.py engine`` with more arguments, until the block ends."""
    port = free_port()
    env = clean_env(CAPTIONS_DATA_DIR=str(log_path.parent))
    process = Process(f"engine {port}", [*MANAGE, "engine", f"--port={port}", *args], env=env, log_path=log_path)
    process.launch()
    try:
        process.wait_until(lambda: port_open(port), what="listening")
        yield Engine(process, port)
    finally:
        process.stop()
