"""Plays every world with many seeds and prints what came of it: ``python -m tests.gradium.sweep [SEEDS] [NAME]``."""

from __future__ import annotations

import sys
import time

from tests.gradium.world import Run
from tests.gradium.worlds import WORLDS, judge


def main() -> None:
    """Print a line per world."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    print(
        f"{'world':42}{'words':>7}{'legs':>6}{'miss':>6}{'twice':>6}{'alien':>6}{'hang':>5}{'off':>7}{'tape':>6}{'x':>6}{'cpu':>6}"
    )
    for name, world in WORLDS.items():
        if only not in name:
            continue
        words = legs = missing = doubled = foreign = stuck = 0
        off_s = tape_s = sent_s = talk_s = 0.0
        bad: list[int] = []
        started = time.process_time()
        for seed in range(seeds):
            result = Run(world, seed).play()
            verdict = judge(result)
            words += len(result.spoken)
            legs += result.legs
            missing += len(verdict.missing)
            doubled += len(verdict.doubled)
            foreign += len(verdict.foreign)
            stuck += result.done_at is None
            off_s = max(off_s, verdict.time_off_s)
            tape_s = max(tape_s, result.longest_tape_s)
            sent_s += result.sent_s
            talk_s += world.talk_s
            if not verdict.is_clean or result.done_at is None or result.lost:
                bad.append(seed)
        cpu_s = time.process_time() - started
        print(
            f"{name:42}{words:7}{legs:6}{missing:6}{doubled:6}{foreign:6}{stuck:5}{off_s:7.2f}{tape_s:6.0f}"
            f"{sent_s / talk_s:6.2f}{cpu_s:6.1f}  {bad[:8] or ''}",
            flush=True,
        )


if __name__ == "__main__":
    main()
