"""``manage.py bench``: what Captions costs on this machine, and how fast it is. docs/benchmarks.md."""

from __future__ import annotations

import sys
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from captions.bench import stream
from captions.bench.parts import BenchError

BENCHMARKS: Final = {"stream": stream}
"""By name: a module with HELP, add_arguments(parser) and run(options, show), False when a figure is missing."""


class Command(BaseCommand):
    help = "Measure what Captions costs on this machine. Everything that is needed is started, and ended."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        names = parser.add_subparsers(dest="benchmark", required=True, metavar="BENCHMARK")
        for name, benchmark in BENCHMARKS.items():
            benchmark.add_arguments(names.add_parser(name, help=benchmark.HELP, description=benchmark.HELP))

    def handle(self, **options: Any) -> None:
        try:
            done = BENCHMARKS[options["benchmark"]].run(options, self.show)
        except BenchError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            sys.exit(130)
        if not done:
            sys.exit(1)

    def show(self, text: str) -> None:
        """Print at once: a run takes its time."""
        self.stdout.write(text)
        self.stdout.flush()
