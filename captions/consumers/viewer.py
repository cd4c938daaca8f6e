"""The viewer's socket: snapshot first, then live. A plain ASGI callable without session, user or layer channel."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from typing import Any, Final
from urllib.parse import parse_qs

from django.db import DatabaseError

from captions.captioning.desk import current_desk
from captions.consumers.asgi_socket import Closed, Socket
from captions.fanout.mailbox import Mailbox, MailboxClosedError, ReaderTooSlowError

NO_SUCH_ROOM: Final = 4404
TOO_BIG: Final = 1009
TRY_AGAIN: Final = 1013
MAX_FRAME_CHARS: Final = 2 * 1024

_AFTER: Final = re.compile(r"(\d{1,9})\.(\d{1,9})")

logger = logging.getLogger(__name__)


def read_after(query: bytes) -> tuple[int, int] | None:
    """Return the (session, seq) of ``after=<session>.<seq>``; None when it is left out or cannot be read."""
    values = parse_qs(query.decode("latin-1")).get("after", [])
    match = _AFTER.fullmatch(values[-1]) if values else None
    return (int(match[1]), int(match[2])) if match else None


async def viewer(scope: dict[str, Any], receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's callables
    """Serve one viewer's socket."""
    socket = Socket(receive, send)
    with contextlib.suppress(Closed):
        await socket.accept()
        hub = current_desk().hub
        try:
            joined = await hub.join(scope["url_route"]["kwargs"]["slug"], after=read_after(scope["query_string"]))
        except DatabaseError:
            logger.exception("a viewer could not be let in")
            await socket.close(TRY_AGAIN)
            return
        if joined is None:
            await socket.close(NO_SUCH_ROOM)
            return
        room, mailbox = joined
        reader = asyncio.create_task(_ignore_what_comes(socket, mailbox), name="viewer reads")
        try:
            while True:
                await socket.send_text(await mailbox.take())
        except MailboxClosedError:
            return
        except ReaderTooSlowError:
            await socket.close(TRY_AGAIN)
        finally:
            hub.leave(room, mailbox)
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)


async def _ignore_what_comes(socket: Socket, mailbox: Mailbox) -> None:
    """A viewer has nothing to say; large frames end the connection."""
    try:
        while True:
            text, data = await socket.receive()
            if len(text or data or "") > MAX_FRAME_CHARS:
                await socket.close(TOO_BIG)
                return
    except Closed:
        return
    finally:
        mailbox.close()
