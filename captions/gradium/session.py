"""One speech-to-text session over a WebSocket: connect, set up, send audio, read what comes back.

The wire is Gradium's published streaming API. Nothing here retries; the room's stream decides what a failure means.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, cast
from urllib.parse import urlsplit

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from captions.gradium.messages import (
    INTERNAL,
    POLICY,
    EndOfStream,
    ErrorMessage,
    Flush,
    ProtocolError,
    Ready,
    ServerMessage,
    Start,
    read_server_message,
    write_audio,
    write_message,
)
from captions.gradium.wire import Wire

ENDPOINTS: Final = {
    "auto": "wss://api.gradium.ai/api/speech/asr",
    "eu": "wss://eu.api.gradium.ai/api/speech/asr",
    "us": "wss://us.api.gradium.ai/api/speech/asr",
}
"""Regions by name; ``auto`` lets Gradium route to the nearest."""

APPLICATION: Final = "captions"
"""What ``x-api-source`` says."""

logger = logging.getLogger(__name__)
# websockets writes request headers, the key among them, to its log at DEBUG: its logger here never goes below INFO.
_wire_logger = logging.getLogger(f"{__name__}.wire")
_wire_logger.setLevel(logging.INFO)


class GradiumError(Exception):
    """A session that could not be opened or has ended before its end. Trying again may help."""


class GradiumPolicyError(GradiumError):
    """1008: the key, the setup or the format was refused. Trying again with the same does not help."""


class GradiumInternalError(GradiumError):
    """1011: the service failed."""


class EndpointError(ValueError):
    """An endpoint that is neither a known region nor a WebSocket address."""


def endpoint_url(endpoint: str) -> str:
    """Return the address of ``auto``, ``eu``, ``us`` or a ``ws(s)://`` URL; raises EndpointError."""
    if endpoint in ENDPOINTS:
        return ENDPOINTS[endpoint]
    parts = urlsplit(endpoint)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise EndpointError("GRADIUM_URL must be auto, eu, us or an address that begins with ws:// or wss://.")
    return endpoint


@dataclass(frozen=True, slots=True)
class Target:
    """Where sessions are opened and with which key. The key never shows in a repr."""

    url: str
    api_key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and frames a session may take."""

    open_s: float = 10.0
    ready_s: float = 10.0
    close_s: float = 2.0
    incoming_frames: int = 64


Hook = Callable[[], Awaitable[None]]


def _error(message: str, code: int) -> GradiumError:
    if code == POLICY:
        return GradiumPolicyError(message)
    if code == INTERNAL:
        return GradiumInternalError(message)
    return GradiumError(f"{message} ({code})")


def _closed(error: ConnectionClosed) -> GradiumError:
    code = error.rcvd.code if error.rcvd else 1006
    reason = error.rcvd.reason if error.rcvd else ""
    return _error(reason or "The speech engine closed the connection.", code)


def _gibberish(error: ProtocolError) -> GradiumError:
    return GradiumError(f"The speech engine sent something that is no message of the protocol: {error}")


class GradiumSession:
    """An open session. ``ready`` is what the engine answered; iterate over it for its messages."""

    def __init__(self, wire: Wire, ready: Ready) -> None:
        self._wire = wire
        self.ready = ready

    def send_audio_now(self, audio: bytes) -> bool:
        """Send as ``send_audio`` does if the network takes it at once; False: nothing was sent."""
        return self._wire.send_now(write_audio(audio))

    async def send_audio(self, audio: bytes) -> None:
        """Send bytes in the setup's format, best 80 ms at a time; waits while the network is slow."""
        await self._send(write_audio(audio))

    async def flush(self, flush_id: int | str) -> None:
        """Ask for the text of all audio sent so far."""
        await self._send(write_message(Flush(flush_id)).encode())

    async def end_of_stream(self) -> None:
        """Say that no audio follows; the engine finishes, answers ``end_of_stream`` and closes."""
        await self._send(write_message(EndOfStream()).encode())

    async def _send(self, frame: bytes) -> None:
        try:
            await self._wire.send_text(frame)
        except ConnectionClosed as error:
            raise _closed(error) from None

    async def messages(self) -> AsyncIterator[ServerMessage]:
        """Yield messages until ``end_of_stream``; raises GradiumError when the session ends in any other way."""
        try:
            while True:
                message = read_server_message(await self._wire.receive())
                if message is None:
                    continue
                if isinstance(message, ErrorMessage):
                    raise _error(message.message, message.code)
                yield message
                if isinstance(message, EndOfStream):
                    return
        except ConnectionClosed as error:
            raise _closed(error) from None
        except ProtocolError as error:
            raise _gibberish(error) from None


async def _greet(wire: Wire, start: Start) -> Ready:
    await wire.send_text(write_message(start).encode())
    while True:
        message = read_server_message(await wire.receive())
        if isinstance(message, ErrorMessage):
            raise _error(message.message, message.code)
        if isinstance(message, Ready):
            return message
        if message is not None:
            raise GradiumError("The speech engine did not begin with ready.")


@asynccontextmanager
async def open_session(
    target: Target,
    start: Start,
    *,
    limits: Limits = Limits(),
    on_connected: Hook | None = None,
    on_disconnected: Hook | None = None,
) -> AsyncIterator[GradiumSession]:
    """Open a session and close it at the end of the block.

    Raises GradiumPolicyError, GradiumInternalError or GradiumError with a sentence; no message holds the key.
    """
    headers = {"x-api-source": APPLICATION}
    if target.api_key:
        headers["x-api-key"] = target.api_key
    try:
        connection = await connect(
            target.url,
            additional_headers=headers,
            compression=None,
            proxy=None,
            logger=_wire_logger,
            open_timeout=limits.open_s,
            close_timeout=limits.close_s,
            max_queue=limits.incoming_frames,
            create_connection=Wire,
        )
        wire = cast("Wire", connection)
    except InvalidStatus as error:
        status = error.response.status_code
        if status in (401, 403):
            raise GradiumPolicyError(f"The speech engine refused the API key (HTTP {status}).") from None
        raise GradiumError(f"The speech engine answered HTTP {status}.") from None
    except (InvalidHandshake, InvalidURI) as error:
        raise GradiumError(
            f"The address of the speech engine does not speak WebSocket ({type(error).__name__})."
        ) from None
    except (OSError, TimeoutError) as error:
        raise GradiumError(f"The speech engine cannot be reached ({type(error).__name__}).") from None
    try:
        try:
            async with asyncio.timeout(limits.ready_s):
                ready = await _greet(wire, start)
        except TimeoutError:
            raise GradiumError("The speech engine did not get ready in time.") from None
        except ConnectionClosed as error:
            raise _closed(error) from None
        except ProtocolError as error:
            raise _gibberish(error) from None
        logger.info("speech session open, request_id %s, model %s", ready.request_id, ready.model_name)
        if on_connected is not None:
            await on_connected()
        try:
            yield GradiumSession(wire, ready)
        finally:
            if on_disconnected is not None:
                await on_disconnected()
    finally:
        await wire.close()
