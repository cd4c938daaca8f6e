from __future__ import annotations

import contextlib
from typing import Any

from captions.consumers.asgi_socket import Closed, Socket

NOTHING_HERE = 4404


async def unknown(_scope: dict[str, Any], receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's callables
    """Close a socket of an address that does not exist, with the code that says so."""
    socket = Socket(receive, send)
    with contextlib.suppress(Closed):
        await socket.accept()
        await socket.close(NOTHING_HERE)
