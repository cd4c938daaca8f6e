"""One client's connection to the engine: messages in, audio to the recogniser, messages out."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from captions.engine.framing import AudioError
from captions.engine.hearing import Recogniser, RecogniserError
from captions.engine.reply import DEFAULT_DELAY_IN_FRAMES, Reply
from captions.engine.request import Request
from captions.engine.script import Incident, Plan
from captions.gradium.messages import (
    INTERNAL,
    POLICY,
    Audio,
    ClientMessage,
    EndOfStream,
    ErrorMessage,
    Flush,
    Flushed,
    ProtocolError,
    Ready,
    ServerMessage,
    Start,
    read_client_message,
)
from captions.gradium.messages import write_message as write
from captions.gradium.setup import FRAME_S

logger = logging.getLogger(__name__)

MODEL_SAMPLE_RATE: Final = 24_000
"""What ``ready`` says, whatever the input's rate: the rate of Gradium's model, in Hz."""
_MAX_RETRY_S: Final = 60.0
_MAX_REASON_BYTES: Final = 120
_FAREWELL_S: Final = 10.0

Lend = Callable[[Plan, float], Awaitable[Recogniser]]
"""Finds a recogniser for a connection with this plan, waiting up to some seconds; raises RecogniserError."""


class FailureError(Exception):
    """The connection ends with this error message and close code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class _Over(Exception):
    """The connection is over; nothing more is to be sent."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What an engine offers to every connection."""

    model_name: str
    languages: frozenset[str]
    session_s: float
    api_key: str | None = None


class Connection:
    """Serves one WebSocket until it is over.

    Messages are handled one at a time, so a client that sends faster than its audio can be heard finds the socket's
    buffers full: memory stays bounded.
    """

    def __init__(self, socket: ServerConnection, terms: Terms, plan: Plan, lend: Lend) -> None:
        self._socket = socket
        self._terms = terms
        self._plan = plan
        self._lend = lend
        self._session_s = terms.session_s if plan.cap_s is None else plan.cap_s
        self._clock = asyncio.get_running_loop().time
        self._idle_until = self._clock() + self._session_s
        self._requests: dict[str | None, Request] = {}
        self._first = True
        self._silenced = False

    async def run(self) -> None:
        """Serve until the client leaves, the last request ends, or something is wrong."""
        failure: FailureError | None = None
        ids: list[str | None] = []
        try:
            await self._serve()
        except FailureError as error:
            failure = error
        except (ConnectionClosed, _Over):
            pass
        finally:
            ids += self._requests
            for request in list(self._requests.values()):
                await self._close(request)
        if failure is not None:
            await self._fail(failure, ids or [None])

    async def _serve(self) -> None:
        key = self._socket.request.headers.get("x-api-key") if self._socket.request else None
        if self._terms.api_key is not None and key != self._terms.api_key:
            raise FailureError(POLICY, "API key is revoked or expired")
        while True:
            try:
                async with asyncio.timeout_at(self._deadline()):
                    frame = await self._socket.recv()
            except TimeoutError:
                await self._reach_cap()
            try:
                message = read_client_message(frame)
            except ProtocolError as error:
                raise FailureError(POLICY, str(error)) from error
            try:
                await self._handle(message)
            except AudioError as error:
                raise FailureError(POLICY, str(error)) from error
            except RecogniserError as error:
                raise FailureError(INTERNAL, str(error)) from error

    def _deadline(self) -> float:
        """Return when the wall clock has used up the session of a request, or of a socket that waits for one."""
        return min((request.deadline for request in self._requests.values()), default=self._idle_until)

    # Messages -----------------------------------------------------------------------------------------------------

    async def _handle(self, message: ClientMessage) -> None:
        if isinstance(message, Start):
            await self._open(message)
            return
        request = self._find(message.client_req_id)
        match message:
            case Audio(data):
                await self._hear(request, data)
            case Flush(flush_id):
                await self._flush(request, Flushed(flush_id))
            case EndOfStream():
                await self._finish(request)
        if self._clock() >= request.deadline:
            await self._reach_cap()

    def _find(self, client_req_id: str | None) -> Request:
        """Return the request a message belongs to; without an id it is the only one."""
        if not self._requests:
            raise FailureError(POLICY, "The first message must be setup.")
        if client_req_id is None and len(self._requests) == 1:
            return next(iter(self._requests.values()))
        request = self._requests.get(client_req_id)
        if request is None:
            raise FailureError(POLICY, "client_req_id is not that of a request under way.")
        return request

    async def _open(self, start: Start) -> None:
        if start.client_req_id in self._requests:
            raise FailureError(POLICY, "setup: a request is under way; give this one a client_req_id of its own.")
        self._check(start)
        if self._plan.ready_after_s:
            await asyncio.sleep(self._plan.ready_after_s)
        for incident in self._plan.incidents:
            if incident.at_s is None:
                await self._strike(incident)
        recogniser = await self._lend(self._plan, min(start.retry_for_s or 0.0, _MAX_RETRY_S, self._session_s))
        delay = DEFAULT_DELAY_IN_FRAMES if start.setup.delay_in_frames is None else start.setup.delay_in_frames
        request = Request(
            start,
            secrets.token_hex(8),
            recogniser,
            Reply(delay, self._plan.late_s),
            # The first request has been waited for since the socket was opened.
            deadline=self._idle_until if self._first else self._clock() + self._session_s,
            incidents=sorted(
                (incident for incident in self._plan.incidents if incident.at_s is not None),
                key=lambda incident: incident.at_s or 0.0,
            ),
        )
        self._requests[start.client_req_id] = request
        self._first = False
        await request.open()
        logger.info("request %s: %s, delay %d", request.request_id, start.setup.input_format, delay)
        frame_size = round(MODEL_SAMPLE_RATE * FRAME_S)
        ready = Ready(request.request_id, self._terms.model_name, MODEL_SAMPLE_RATE, frame_size, delay)
        await self._send(request, [ready])

    def _check(self, start: Start) -> None:
        """Refuse what Gradium offers and this engine does not."""
        setup = start.setup
        if setup.model_name not in ("default", self._terms.model_name):
            raise FailureError(POLICY, f"setup: this engine has no model {setup.model_name!r}; ask for default.")
        if not setup.input_format.startswith(("pcm", "wav")):
            raise FailureError(
                POLICY, f"setup: the demo recogniser does not take {setup.input_format}; send pcm or wav."
            )
        if setup.language is not None and setup.language not in self._terms.languages:
            message = f"setup: the demo recogniser knows English only, not language {setup.language!r}; use en."
            raise FailureError(POLICY, message)

    async def _hear(self, request: Request, data: bytes) -> None:
        for frame in await request.frames(data):
            await self._send(request, await request.hear(frame))
            while request.incidents and (request.incidents[0].at_s or 0.0) <= request.audio_s:
                await self._strike(request.incidents.pop(0))
            if request.audio_s >= self._session_s:
                await self._reach_cap()

    async def _flush(self, request: Request, answer: Flushed) -> None:
        text = await request.rest()
        if self._plan.trailing_s:
            await self._send(request, [answer])
            await asyncio.sleep(self._plan.trailing_s)
            await self._send(request, text)
        else:
            await self._send(request, [*text, answer])

    async def _finish(self, request: Request) -> None:
        await self._send(request, [*await request.rest(), EndOfStream()])
        await self._close(request)
        if request.start.close_ws_on_eos and not self._requests and not self._silenced:
            await self._socket.close()
            raise _Over

    async def _close(self, request: Request) -> None:
        if self._requests.pop(request.start.client_req_id, None) is not None:
            logger.info("request %s: over after %.1f s of audio", request.request_id, request.audio_s)
            self._idle_until = self._clock() + self._session_s
            await request.recogniser.close()

    # Endings ------------------------------------------------------------------------------------------------------

    async def _send(self, request: Request, messages: Iterable[ServerMessage]) -> None:
        if self._silenced:
            return
        try:
            # A client that does not read must not hold a decoder for longer than one that does.
            async with asyncio.timeout_at(request.deadline):
                for message in messages:
                    await self._socket.send(write(message, request.start.client_req_id))
        except TimeoutError as error:
            self._socket.transport.abort()
            raise _Over from error

    async def _fail(self, failure: FailureError, ids: Iterable[str | None]) -> None:
        logger.info("A connection failed with %d: %s", failure.code, failure.message)
        if self._silenced:
            await self._socket.wait_closed()
            return
        try:
            async with asyncio.timeout(_FAREWELL_S):
                for client_req_id in ids:
                    await self._socket.send(write(ErrorMessage(failure.message, failure.code), client_req_id))
                await self._close_socket(failure.code, failure.message)
        except ConnectionClosed:
            pass
        except TimeoutError:
            self._socket.transport.abort()

    async def _close_socket(self, code: int, message: str) -> None:
        await self._socket.close(code, message.encode()[:_MAX_REASON_BYTES].decode(errors="ignore"))

    async def _reach_cap(self) -> None:
        message = f"The session has reached its limit of {self._session_s:g} seconds."
        await self._strike(Incident(self._plan.cap_ends_by, code=INTERNAL, message=message))

    async def _strike(self, incident: Incident) -> None:
        """Let an incident happen; raises what ends the connection, if it does."""
        match incident.do:
            case "error":
                raise FailureError(incident.code, incident.message)
            case "close":
                await self._close_socket(incident.code, incident.message)
                raise _Over
            case "abort":
                self._socket.transport.abort()
                raise _Over
            case "hang":
                self._silenced = True
            case "half_open":
                # The kernel still acknowledges what comes, until its buffer is full; nobody reads or answers it.
                self._socket.transport.pause_reading()
                await self._socket.wait_closed()
                raise _Over
            case "garbage":
                await self._socket.send('{"type":"text","text":')
