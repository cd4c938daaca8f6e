"""The engine's server: Gradium's path, over a pool of decoders or a script."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final
from weakref import WeakKeyDictionary

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from captions.engine.connection import Connection, Terms
from captions.engine.hearing import Recogniser
from captions.engine.pool import DecoderPool
from captions.engine.script import Plan, Script
from captions.engine.scripted import ScriptedRecogniser
from captions.gradium.setup import LANGUAGES

PATH: Final = "/api/speech/asr"
MODEL_NAME: Final = "demo-pocketsphinx-en-us"
SCRIPTED_MODEL_NAME: Final = "demo-scripted"
DEFAULT_SESSION_S: Final = 300.0
DEFAULT_DECODERS: Final = 4
"""A running talk needs one, and a second one for moments at each seam; each takes about 100 MB."""
_MAX_MESSAGE_BYTES: Final = 1024 * 1024
_MAX_QUEUED: Final = 8
"""Messages read ahead of the recogniser; beyond that the client's socket has to wait."""


@asynccontextmanager
async def run_engine(
    host: str,
    port: int,
    *,
    session_s: float = DEFAULT_SESSION_S,
    decoders: int = DEFAULT_DECODERS,
    api_key: str | None = None,
    script: Script | None = None,
) -> AsyncIterator[str]:
    """Serve while the context is open; gives the URL for clients. Port 0 takes a free one.

    Raises OSError when it cannot listen there, and RecogniserError when the recogniser does not start.
    """
    script = Script() if script is None else script
    speech = script.listen == "speech"
    terms = Terms(
        model_name=MODEL_NAME if speech else SCRIPTED_MODEL_NAME,
        languages=frozenset({"en", "any"} if speech else LANGUAGES),
        session_s=session_s,
        api_key=api_key,
    )
    pool = DecoderPool(decoders)
    counter = itertools.count()
    plans: WeakKeyDictionary[ServerConnection, Plan] = WeakKeyDictionary()

    async def lend(plan: Plan, wait_s: float) -> Recogniser:
        return await pool.lend(wait_s) if speech else ScriptedRecogniser(script, plan)

    def receive(socket: ServerConnection, request: Request) -> Response | None:
        if request.path.partition("?")[0] != PATH:
            return socket.respond(HTTPStatus.NOT_FOUND, f"Speech recognition is at {PATH}.\n")
        plan = script.plan(next(counter))
        if plan.refuse_status is not None:
            return socket.respond(HTTPStatus(plan.refuse_status), "This refusal is part of the script.\n")
        plans[socket] = plan
        return None

    async def handle(socket: ServerConnection) -> None:
        await Connection(socket, terms, plans[socket], lend).run()

    try:
        if speech:
            await pool.start()
        async with serve(
            handle,
            host,
            port,
            process_request=receive,
            compression=None,
            max_size=_MAX_MESSAGE_BYTES,
            max_queue=_MAX_QUEUED,
            # A pong waits in line behind the audio of a client that sends ahead: a late one says nothing about it.
            ping_interval=None,
            close_timeout=10 if speech else 1,
        ) as server:
            name = f"[{host}]" if ":" in host else host
            yield f"ws://{name}:{next(iter(server.sockets)).getsockname()[1]}{PATH}"
    finally:
        await pool.close()
