"""``manage.py quickstart``: what ``make run`` calls."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connections

from captions.serving.children import Children, StartFailed, Stopped, python_command
from captions.serving.demo import Demo, prepare_demo
from captions.serving.preflight import NotReady, check_database, listening_sockets, port_number
from captions.views.links import room_links

READY_S = 60.0
ANY_HOSTS = ("0.0.0.0", "::")  # noqa: S104 - compared with, not listened on
OK_LINE = b"HTTP/1.1 200"


@dataclass(frozen=True)
class Plan:
    """What this start runs: where the app listens, and the embedded engine's port if there is to be one."""

    host: str
    port: int
    engine_port: int | None

    @property
    def local_host(self) -> str:
        """An address of the app for this machine."""
        return "127.0.0.1" if self.host in ANY_HOSTS else self.host

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        host = f"[{self.local_host}]" if ":" in self.local_host else self.local_host
        return f"http://{host}:{self.port}"

    def app_env(self) -> dict[str, str]:
        """Return the environment of the app; what the user has set wins."""
        env = {"CAPTIONS_PUBLIC_URL": self.url} | dict(os.environ)
        if self.engine_port is not None:
            env["GRADIUM_URL"] = f"ws://127.0.0.1:{self.engine_port}/api/speech/asr"
            env["CAPTIONS_DEMO_RECOGNISER"] = "1"
        return env


class Command(BaseCommand):
    help = "Set up a demo room and run everything on this machine, until Ctrl-C."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--host", default=os.environ.get("HOST") or "127.0.0.1", help="(default: HOST or 127.0.0.1)"
        )
        parser.add_argument("--port", default=os.environ.get("PORT") or "8000", help="(default: PORT or 8000)")

    def handle(self, **options: Any) -> None:
        try:
            plan = Plan(options["host"], port_number(options["port"]), None if has_engine() else free_port())
            for listener in listening_sockets(plan.host, plan.port):
                listener.close()  # the app opens its own; this tells a taken port before anything is set up
            demo = self.prepare()
        except NotReady as error:
            raise CommandError(str(error)) from error
        failure = asyncio.run(self.run_children(plan, demo))
        if failure:
            raise CommandError(failure)

    def prepare(self) -> Demo:
        """Bring the database up to date and make the demo room."""
        data_dir: Path = settings.DATA_DIR
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
            if not os.access(data_dir, os.W_OK):
                raise PermissionError(13, "Permission denied")
            try:
                check_database()
            except NotReady:
                call_command("migrate", verbosity=0, interactive=False)
            return prepare_demo(data_dir)
        except OSError as error:
            raise NotReady(
                f"Cannot write to {data_dir} ({error.strerror}). "
                "Give this user the right to, or set CAPTIONS_DATA_DIR to another folder."
            ) from error
        except DatabaseError as error:
            check_database()  # says what is wrong in a sentence, if it is the connection
            raise NotReady(f"The database cannot be set up: {str(error).splitlines()[0]}.") from error
        finally:
            connections.close_all()

    async def run_children(self, plan: Plan, demo: Demo) -> str | None:
        """Run the engine and the app until a signal; a sentence if one of them failed."""
        env = plan.app_env()
        try:
            async with Children() as children:
                # The app is stopped before the engine, so that it can still hear a talk out.
                if plan.engine_port is not None:
                    command = python_command("engine", f"--port={plan.engine_port}", "--verbosity=0")
                    await children.start("engine", command, env=dict(os.environ), show=self.show)
                command = python_command("serve", f"--host={plan.host}", f"--port={plan.port}", "--verbosity=0")
                await children.start("app", command, env=env, show=self.show)
                if plan.engine_port is not None:
                    engine_port = plan.engine_port
                    await children.ready("engine", lambda: port_open("127.0.0.1", engine_port), within_s=READY_S)
                await children.ready("app", lambda: healthy(plan.local_host, plan.port), within_s=READY_S)
                self.show(welcome(plan, demo, env["CAPTIONS_PUBLIC_URL"].rstrip("/")))
                name, code = await children.first_ended()
                return f"The {name} ended by itself (exit code {code}; see above), so everything was stopped."
        except StartFailed as error:
            return str(error)
        except Stopped:
            self.show("Stopped.")
            return None

    def show(self, text: str) -> None:
        """Print, also when nobody listens any more: a closed terminal must not keep the clean-up from being done."""
        with contextlib.suppress(OSError):
            self.stdout.write(text)
            self.stdout.flush()


def has_engine() -> bool:
    """Say whether the user named a speech engine."""
    return bool(os.environ.get("GRADIUM_API_KEY", "").strip() or os.environ.get("GRADIUM_URL", "").strip())


def free_port() -> int:
    """Return a port that is free just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


async def port_open(host: str, port: int) -> bool:
    """Say whether something listens there."""
    try:
        _reader, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


async def healthy(host: str, port: int) -> bool:
    """Say whether the app answers its health check."""
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    try:
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return (await reader.readline()).startswith(OK_LINE)
    except OSError:
        return False
    finally:
        writer.close()


def welcome(plan: Plan, demo: Demo, public_url: str) -> str:
    """Return what a newcomer reads once all is running."""
    python = os.path.relpath(sys.executable) if sys.executable.startswith(str(settings.BASE_DIR)) else sys.executable
    speak = f"{python} manage.py speak {demo.room.slug} --sample"
    if public_url != settings.PUBLIC_URL:
        speak += f" --url {public_url}"
    links = room_links(demo.room, demo.speaker_token, base_url=public_url)
    if demo.new_password:
        password = f"password {demo.new_password}  (shown this once)"
    else:
        password = f"a new password: {python} manage.py changepassword {demo.staff}"
    lines = [
        "",
        "Captions is running.",
        "",
        f"  Read   {links['viewer_url']}",
        f"  Speak  {links['speaker_url']}",
        f"  Staff  {public_url}/admin/  user {demo.staff}, {password}",
        "",
        f"  No microphone? In another terminal: {speak}",
    ]
    if plan.engine_port is not None:
        lines += [
            "",
            "  The built-in recogniser of this machine writes the words: English only, and it mishears.",
            "  For real captions start with a key of Gradium: GRADIUM_API_KEY=... make run",
        ]
    return "\n".join([*lines, "", "Ctrl-C stops everything.", ""])
