"""``manage.py engine``: the embedded speech engine, a Gradium-compatible server on this machine."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from captions.engine.hearing import RecogniserError
from captions.engine.script import Script, ScriptError, read_script
from captions.engine.server import DEFAULT_DECODERS, DEFAULT_SESSION_S, run_engine
from captions.serving.preflight import NotReady, port_number


def _positive(kind: type[int | float]) -> Any:
    def check(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = 0
        if not 0 < value < float("inf"):
            raise ArgumentTypeError(f"must be a number above 0, not {text}")
        return value

    return check


class Command(BaseCommand):
    help = "Run the embedded speech engine: Gradium's protocol over a demo recogniser (English) on this machine."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        parser.add_argument("--port", default="8100", help="port; 0 takes a free one (default: %(default)s)")
        parser.add_argument(
            "--session-s",
            type=_positive(float),
            default=DEFAULT_SESSION_S,
            help="seconds a session may last, of audio or by the clock (default: %(default)s)",
        )
        parser.add_argument(
            "--decoders",
            type=_positive(int),
            default=DEFAULT_DECODERS,
            help="sessions at once; each needs about 100 MB (default: %(default)s)",
        )
        parser.add_argument("--api-key", default=None, help="the only x-api-key to accept (default: any)")
        parser.add_argument(
            "--script", type=Path, help="JSON file with words and faults, for tests: see docs/engine.md"
        )

    def handle(self, **options: Any) -> None:
        script = self._script(options["script"])
        if script.listen == "speech" and importlib.util.find_spec("pocketsphinx") is None:
            raise CommandError("The engine needs pocketsphinx. Install it with: pip install -r requirements-engine.txt")
        try:
            options["port"] = port_number(options["port"], lowest=0)
            asyncio.run(self._serve(script, options))
        except NotReady as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            where = f"{options['host']}:{options['port']}"
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
            raise CommandError(f"The engine cannot listen on {where}: {reason}. Choose another.") from error
        except RecogniserError as error:
            raise CommandError(f"The engine's recogniser did not start. {error}") from error

    def _script(self, path: Path | None) -> Script:
        if path is None:
            return Script()
        try:
            return read_script(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"The script {path} cannot be read: {getattr(error, 'strerror', error)}.") from error
        except ScriptError as error:
            raise CommandError(f"{path}: {error}") from error

    async def _serve(self, script: Script, options: dict[str, Any]) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        async with run_engine(
            options["host"],
            options["port"],
            session_s=options["session_s"],
            decoders=options["decoders"],
            api_key=options["api_key"],
            script=script,
        ) as url:
            kind = "demo recogniser, English" if script.listen == "speech" else "scripted"
            self.stdout.write(f"Speech engine ({kind}) at {url}")
            self.stdout.flush()
            await stop.wait()
