"""The app under uvicorn (production) and under Daphne (what it is also tested with)."""

from __future__ import annotations

import contextlib
import logging
import os
import resource
import signal
import socket
from typing import Any

from captions.serving.parent import end_with_parent

# Frames up to this size reach the app, which answers one over its own 64 KiB in words before it closes.
MAX_FRAME_BYTES = 128 * 1024
GRACE_S = 15  # at a stop: time for speakers' last words and for close frames


def worker_application() -> Any:  # noqa: ANN401 - ASGI has no one type
    """Return the ASGI application in a worker process, which ends when the process that started it does."""
    end_with_parent(signal.SIGTERM)
    from captions.asgi import application  # noqa: PLC0415 - sets Django up, in the worker

    logging.getLogger(__name__).info("Worker %d has started.", os.getpid())
    return application


def run_uvicorn(sockets: list[socket.socket], *, workers: int) -> bool:
    """Serve until a signal stops it; False when the app did not start."""
    import uvicorn  # noqa: PLC0415 - not needed under Daphne
    from uvicorn.supervisors import Multiprocess  # noqa: PLC0415

    raise_file_limit()
    several = workers > 1
    config = uvicorn.Config(
        "captions.serving.servers:worker_application" if several else "captions.asgi:application",
        factory=several,
        workers=workers,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        # Caption frames are too short to gain from it, and it costs memory per viewer.
        ws_per_message_deflate=False,
        ws_max_size=MAX_FRAME_BYTES,
        lifespan="on",
        # Django's own logging; and no list of addresses, which would hold who asked for what. At "info" every socket
        # would be listed, too.
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    if several:
        # This process serves no sockets. It says when a worker dies or is replaced.
        logging.getLogger("uvicorn.error").setLevel(logging.NOTSET)
        Multiprocess(config, sockets=sockets).run()
        return True
    # uvicorn repeats the signal once it has stopped cleanly; that is no failure.
    signal.signal(signal.SIGTERM, lambda *_: None)
    server = uvicorn.Server(config)
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=sockets)
    return server.started


def run_daphne(sockets: list[socket.socket]) -> bool:
    """Serve until a signal stops it."""
    # The import picks Twisted's asyncio reactor, so it must come before anything else of Twisted.
    from daphne.server import Server  # noqa: PLC0415, I001
    from daphne.endpoints import build_endpoint_description_strings  # noqa: PLC0415

    from captions.asgi import application  # noqa: PLC0415

    raise_file_limit()
    # Twisted opens its own sockets: these were the proof that it can.
    addresses = [listener.getsockname()[:2] for listener in sockets]
    for listener in sockets:
        listener.close()
    Server(
        application=application,
        endpoints=[
            endpoint
            for host, port in addresses
            for endpoint in build_endpoint_description_strings(host=host, port=port)
        ],
        websocket_timeout=-1,  # its default closes every socket after a day, as if for good
        websocket_max_message_size=MAX_FRAME_BYTES,
        websocket_max_frame_size=MAX_FRAME_BYTES,
        application_close_timeout=GRACE_S,
        server_name="",
        verbosity=0,
    ).run()
    return True


def raise_file_limit() -> None:
    """Let this process hold as many sockets as it may; a common default of 1024 is less than a hall of viewers."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        with contextlib.suppress(ValueError, OSError):  # macOS names a limit it does not grant
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
