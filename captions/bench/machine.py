"""What a process costs, and where it runs. Linux."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
_IDLE_FIELDS = (3, 4)  # of /proc/stat: idle, iowait


def cpu_s(pid: int) -> float:
    """Return the CPU time of a process with all its threads: utime and stime of /proc/PID/stat, to the nanosecond."""
    return time.clock_gettime((~pid << 3) | 2)  # clock_getcpuclockid(3), as Linux composes it


def rss_bytes(pid: int) -> int:
    """Return the memory a process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def busy_s(core: int) -> float:
    """Return for how long a core has worked, whoever for."""
    for line in Path("/proc/stat").read_text().splitlines():
        name, *ticks = line.split()
        if name == f"cpu{core}":
            return sum(int(value) for place, value in enumerate(ticks[:8]) if place not in _IDLE_FIELDS) / _CLOCK_TICKS
    return 0.0


@dataclass(frozen=True, slots=True)
class Cores:
    """One core for what is measured, another one for the rest; the same if there is only one."""

    measured: int
    rest: int

    @classmethod
    def pick(cls) -> Cores:
        """Take two of the cores this process may use."""
        allowed = sorted(os.sched_getaffinity(0))
        return cls(allowed[0], allowed[-1])

    @property
    def are_two(self) -> bool:
        """What is measured has a core without the load."""
        return self.measured != self.rest


def go_ahead() -> bool:
    """Let this process, and what it starts, run ahead of all ordinary ones; False where it may not."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        return False
    return True


@contextlib.contextmanager
def on_core(core: int) -> Iterator[None]:
    """Let what is started in the block run on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
