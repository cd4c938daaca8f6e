"""Plays every world with many seeds and tells what came of it: ``python -m tests.gradium.sweep [SEEDS] [NAME]``."""

from __future__ import annotations

import sys
import time

from tests.gradium.world import Run
from tests.gradium.worlds import WORLDS, judge

COLUMNS = ("words", "legs", "missing", "doubled", "foreign", "stuck", "off s", "tape s", "paid x", "cpu s")


def main() -> None:
    """Write a line per world; those that went wrong come with their seeds."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    tell(f"{'world':42}", *(f"{column:>8}" for column in COLUMNS))
    for name, world in WORLDS.items():
        if only not in name:
            continue
        started = time.process_time()
        results = [Run(world, seed).play() for seed in range(seeds)]
        verdicts = [judge(result) for result in results]
        wrong = [
            seed
            for seed, (result, verdict) in enumerate(zip(results, verdicts, strict=True))
            if not verdict.is_clean or result.done_at is None or result.lost
        ]
        counts = (
            sum(len(result.spoken) for result in results),
            sum(result.legs for result in results),
            sum(len(verdict.missing) for verdict in verdicts),
            sum(len(verdict.doubled) for verdict in verdicts),
            sum(len(verdict.foreign) for verdict in verdicts),
            sum(result.done_at is None for result in results),
        )
        measures = (
            max(verdict.time_off_s for verdict in verdicts),
            max(result.longest_tape_s for result in results),
            sum(result.sent_s for result in results) / (world.talk_s * seeds),
            time.process_time() - started,
        )
        cells = [*(f"{count:8}" for count in counts), *(f"{measure:8.2f}" for measure in measures)]
        tell(f"{name:42}", *cells, f"  wrong: {wrong}" if wrong else "")


def tell(*cells: str) -> None:
    sys.stdout.write("".join(cells) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
