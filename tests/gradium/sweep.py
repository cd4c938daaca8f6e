"""Plays every world with many seeds and tells what came: ``python -m tests.gradium.sweep [SEEDS] [NAME] [-v]``."""

from __future__ import annotations

import statistics
import sys
import time

from tests.gradium.conditions import World
from tests.gradium.outcome import Result
from tests.gradium.verdict import Verdict, judge
from tests.gradium.world import Run
from tests.gradium.worlds import DENSE, ROUGH, WORLDS

COLUMNS = ("words", "seams", "missing", "doubled", "foreign", "unfit", "stuck", "lost")
MEASURES = ("late p50", "late max", "off s", "tape s", "paid x", "cpu s")


def main() -> None:
    """Write a line per world; those that went wrong come with their seeds, and with -v with the words."""
    told = [argument for argument in sys.argv[1:] if argument != "-v"]
    seeds = int(told[0]) if told else 10
    only = told[1] if len(told) > 1 else ""
    tell(f"{'world':46}", *(f"{column:>8}" for column in COLUMNS), *(f"{column:>9}" for column in MEASURES))
    for name, world in (WORLDS | DENSE | ROUGH).items():
        if only not in name:
            continue
        started = time.process_time()
        results = [Run(world, seed).play() for seed in range(seeds)]
        verdicts = [judge(result, world.shift_s + world.jitter_s) for result in results]
        wrong = [
            seed
            for seed, (result, verdict) in enumerate(zip(results, verdicts, strict=True))
            if not verdict.is_clean or result.done_at is None or result.lost
        ]
        cells = row(world, results, verdicts)
        tell(f"{name:46}", *cells, f"{time.process_time() - started:9.2f}", f"  wrong: {wrong}" if wrong else "")
        for seed in wrong if "-v" in sys.argv else []:
            tell(f"    seed {seed}: {verdicts[seed]}", f" lost {results[seed].lost}" if results[seed].lost else "")


def row(world: World, results: list[Result], verdicts: list[Verdict]) -> list[str]:
    """Return what is known of a world's runs."""
    counts = (
        sum(len(result.spoken) for result in results),
        sum(result.seams for result in results),
        sum(len(verdict.missing) for verdict in verdicts),
        sum(len(verdict.doubled) for verdict in verdicts),
        sum(len(verdict.foreign) for verdict in verdicts),
        sum(len(verdict.wrong_settings) + verdict.disorder for verdict in verdicts),
        sum(result.done_at is None for result in results),
        sum(len(result.lost) for result in results),
    )
    late_s = [late for verdict in verdicts for late in verdict.late_s] or [0.0]
    measures = (
        statistics.median(late_s),
        max(late_s),
        max(verdict.time_off_s for verdict in verdicts),
        max(result.longest_tape_s for result in results),
        sum(result.sent_s for result in results) / (world.talk_s * len(results)),
    )
    return [*(f"{count:8}" for count in counts), *(f"{measure:9.2f}" for measure in measures)]


def tell(*cells: str) -> None:
    sys.stdout.write("".join(cells) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
