"""``manage.py serve``: the app for real."""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from captions.serving.preflight import (
    NotReady,
    RedisSilent,
    check_database,
    check_engine_address,
    check_redis,
    listening_sockets,
    port_number,
)
from captions.serving.servers import run_daphne, run_uvicorn

LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")


class Command(BaseCommand):
    help = "Run the server: uvicorn in one or more processes, or Daphne. The database must be migrated."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        parser.add_argument("--port", default="8000", help="port to listen on (default: %(default)s)")
        parser.add_argument("--workers", type=int, default=1, help="processes; more than one needs REDIS_URL")
        parser.add_argument("--server", choices=["uvicorn", "daphne"], default="uvicorn", help="(default: %(default)s)")

    def handle(self, **options: Any) -> None:
        host, workers, server = options["host"], options["workers"], options["server"]
        if workers < 1:
            raise CommandError("--workers must be 1 or more.")
        if workers > 1 and server == "daphne":
            raise CommandError("Daphne runs one process. Use --workers 1, or --server uvicorn.")
        if workers > 1 and not settings.REDIS_URL:
            raise CommandError("More than one worker needs Redis, which carries captions between them. Set REDIS_URL.")
        try:
            port = port_number(options["port"])
            check_engine_address(settings.GRADIUM_URL)
            check_database()
            self._check_redis(needed=workers > 1)
            sockets = listening_sockets(host, port)
        except NotReady as error:
            raise CommandError(str(error)) from error
        if host not in LOCAL_HOSTS and not settings.DEBUG and set(settings.ALLOWED_HOSTS) <= {*LOCAL_HOSTS, "[::1]"}:
            self.stderr.write(
                "Note: ALLOWED_HOSTS names this machine only, so visitors from elsewhere get an error. "
                "Set it to the names they will use."
            )
        if options["verbosity"]:
            self._announce(host, port, workers, server)
        started = run_daphne(sockets) if server == "daphne" else run_uvicorn(sockets, workers=workers)
        if not started:
            sys.exit(1)  # the log has said why

    def _announce(self, host: str, port: int, workers: int, server: str) -> None:
        shown = f"[{host}]" if ":" in host else host
        processes = "1 process" if workers == 1 else f"{workers} processes"
        self.stdout.write(f"Captions on http://{shown}:{port} ({server}, {processes}). Ctrl-C stops it.")
        self.stdout.flush()

    def _check_redis(self, *, needed: bool) -> None:
        if not settings.REDIS_URL:
            return
        try:
            check_redis(settings.REDIS_URL)
        except RedisSilent as error:
            if needed:
                raise
            # A single process goes on without it: its own viewers are served, and Redis may come back.
            self.stderr.write(f"Note: {error}")
