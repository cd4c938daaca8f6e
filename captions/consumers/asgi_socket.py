"""A WebSocket of any ASGI server, as text and bytes."""

from __future__ import annotations

from typing import Any


class Closed(Exception):
    """The other side is gone, or this side has closed."""


class Socket:
    """Wraps ASGI's two callables; every method raises Closed once the socket is closed."""

    def __init__(self, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's callables
        self._receive = receive
        self._send = send

    async def accept(self) -> None:
        """Take the connection."""
        event = await self._receive()
        if event["type"] != "websocket.connect":
            raise Closed
        await self._pass_on({"type": "websocket.accept"})

    async def receive(self) -> tuple[str | None, bytes | None]:
        """Return the next frame as (text, bytes); one of the two is None."""
        event = await self._receive()
        if event["type"] == "websocket.disconnect":
            raise Closed
        return event.get("text"), event.get("bytes")

    async def send_text(self, text: str) -> None:
        """Send a text frame; waits while the network is slow."""
        await self._pass_on({"type": "websocket.send", "text": text})

    async def close(self, code: int) -> None:
        """Close with a code; no error if the other side was quicker."""
        try:
            await self._pass_on({"type": "websocket.close", "code": code})
        except Closed:
            return

    async def _pass_on(self, event: dict[str, Any]) -> None:
        try:
            await self._send(event)
        except (OSError, RuntimeError) as error:
            # uvicorn raises an OSError of its own for a client that left, other servers a RuntimeError.
            raise Closed from error
