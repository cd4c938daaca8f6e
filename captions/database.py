"""Database work of the live path, on threads of its own.

Channels runs all synchronous work of its sockets on one thread per process; a slow page there would hold up captions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import close_old_connections

P = ParamSpec("P")
R = TypeVar("R")

_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="captions-db")


async def in_database(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run ``work`` on a database thread and return what it returns, or raise what it raises."""
    call = partial(work, *args, **kwargs)

    def run() -> R:
        close_old_connections()
        try:
            return call()
        finally:
            close_old_connections()

    return await asyncio.get_running_loop().run_in_executor(_threads, run)
