"""No orphans: a process that asks the kernel to be ended together with its parent."""

from __future__ import annotations

import ctypes
import sys

PR_SET_PDEATHSIG = 1  # prctl(2)


def end_with_parent(signal_number: int) -> None:
    """Have the kernel send this process a signal when the thread that started it ends. Linux only; else nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal_number)
