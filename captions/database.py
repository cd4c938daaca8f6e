"""Database work of the live path, on threads of its own.

Channels runs all synchronous work of its sockets on one thread per process; a slow page there would hold up captions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

from django.db import close_old_connections
from django.db.backends.base.base import BaseDatabaseWrapper

P = ParamSpec("P")
R = TypeVar("R")

_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="captions-db")


# A process that is frozen in mid-transaction keeps its locks: whoever goes on with its room would wait as long.
FROZEN_S = 10


def bound_transactions(connection: BaseDatabaseWrapper, **_: Any) -> None:  # noqa: ANN401 - Django's own signature
    """Let PostgreSQL end transactions in which nothing happens any more. To be connected to ``connection_created``."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET idle_in_transaction_session_timeout = '{FROZEN_S}s'")


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
