"""Runs a Speaker: fetches tickets, holds the socket, reads the sound in step with the clock."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from time import monotonic
from typing import Final, TypeAlias, TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Origin

from captions.audio.frames import SAMPLE_BYTES
from captions.speaking.link import SpeakerLink
from captions.speaking.messages import Message
from captions.speaking.pacing import Bucket
from captions.speaking.speaker import LOST, Phase, Speaker
from captions.speaking.ticket import Refused, Unreachable, fetch_ticket

OPEN_S: Final = 10.0
CLOSE_S: Final = 2.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection is gone; the next try is in ``retry_s`` seconds."""

    reason: str
    retry_s: float


Event: TypeAlias = Message | Lost


class Driver:
    """Takes one speaker through one talk. ``tell`` hears of everything the server says, and of lost connections."""

    def __init__(self, speaker: Speaker, link: SpeakerLink, tell: Callable[[Event], None] = lambda _: None) -> None:
        self.speaker = speaker
        self._link = link
        self._tell = tell
        self._changed = asyncio.Event()
        self._capture: asyncio.Task[None] | None = None

    async def run(self, pieces: AsyncIterable[bytes], pace: Bucket) -> None:
        """Send all ``pieces`` of 24 kHz PCM as ``pace`` allows, end the session, and return when it has ended.

        ``speaker.failure`` says why it did not end well. An exception of ``pieces`` is raised after what came before it
        is heard out.
        """
        self._capture = asyncio.create_task(self._take(pieces, pace))
        try:
            await self._stay_connected()
        finally:
            self._capture.cancel()
            await asyncio.wait([self._capture])
        if not self._capture.cancelled() and (error := self._capture.exception()) is not None:
            raise error

    def end(self) -> None:
        """Take no more sound, and end the session once what was taken is sent."""
        if self._capture is not None:
            self._capture.cancel()
        self.speaker.end()
        self._change()

    async def _take(self, pieces: AsyncIterable[bytes], pace: Bucket) -> None:
        """Feed the ring, from the first welcome on."""
        ring = self.speaker.ring
        try:
            while self.speaker.ready is None:
                await self._changed.wait()
            async for pcm in pieces:
                samples = len(pcm) // SAMPLE_BYTES
                await asyncio.sleep(pace.wait(samples, monotonic()))
                pace.take(samples, monotonic())
                while ring.room < samples:
                    await self._changed.wait()
                self.speaker.capture(pcm)
                self._change()
        finally:
            self.speaker.end()
            self._change()

    async def _stay_connected(self) -> None:
        speaker = self.speaker
        while speaker.phase is not Phase.OVER:
            try:
                ticket = await off_loop(lambda: fetch_ticket(self._link))
                reason, code = await self._connection(ticket)
                delay = speaker.lost(code, reason, monotonic())
                reason = reason or f"the server closed it with code {code}"
            except Unreachable as error:
                reason = str(error)
                delay = speaker.unreachable(reason, monotonic())
            except Refused as error:
                speaker.refuse(error.code, str(error))
                return
            if delay is not None:
                self._tell(Lost(reason, delay))
                await asyncio.sleep(delay)

    async def _connection(self, ticket: str) -> tuple[str, int]:
        """Hold one connection; return why it ended and its close code."""
        try:
            async with connect(
                self._link.socket_url,
                origin=Origin(self._link.origin),
                compression=None,  # audio does not shrink
                proxy=None,
                open_timeout=OPEN_S,
                close_timeout=CLOSE_S,
                ping_interval=None,  # the server pings in its own frames
            ) as socket:
                return await self._converse(socket, ticket)
        except ConnectionClosed as closed:
            received = closed.rcvd
            return (received.reason, received.code) if received else ("the connection broke", LOST)
        except InvalidStatus as error:
            status = error.response.status_code
            if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise Unreachable(f"the server has trouble of its own (HTTP {status})") from None
            raise Refused("no_server", f"The server will not open the speaker socket (HTTP {status}).") from None
        except (OSError, TimeoutError, InvalidHandshake) as error:
            raise Unreachable(f"no connection to {self._link.server} ({error or 'no answer'})") from None

    async def _converse(self, socket: ClientConnection, ticket: str) -> tuple[str, int]:
        speaker = self.speaker
        await socket.send(speaker.hello(ticket, monotonic()))
        sending = asyncio.create_task(self._send(socket))
        try:
            while speaker.phase is not Phase.OVER:
                async with asyncio.timeout(speaker.quiet_at - monotonic()):
                    frame = await socket.recv()
                if isinstance(frame, str) and (message := speaker.receive(frame, monotonic())) is not None:
                    self._tell(message)
                    self._change()
        except TimeoutError:
            return "the server fell silent", LOST
        finally:
            sending.cancel()
            await asyncio.wait([sending])
        return "", 1000

    async def _send(self, socket: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):  # the receiving side sees it too, and says why
            while True:
                due = self.speaker.due(monotonic())
                if due == 0.0:
                    await socket.send(self.speaker.send(monotonic()))
                    continue
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(due):
                        await self._changed.wait()

    def _change(self) -> None:
        """Wake whoever waits for something to change."""
        self._changed.set()
        self._changed.clear()


async def off_loop(call: Callable[[], T]) -> T:
    """Run a blocking call in a thread that nobody waits for: a read without end must not keep a program alive."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if not future.done():
            future.set_exception(error) if error is not None else future.set_result(result)  # type: ignore[arg-type]

    def work() -> None:
        result, error = None, None
        try:
            result = call()
        except Exception as caught:  # noqa: BLE001 - handed on to whoever awaits
            error = caught
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody awaits any more
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=work, daemon=True).start()
    return await future


async def pieces_of(pcm: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Yield what a blocking iterator yields."""
    while piece := await off_loop(lambda: next(pcm, b"")):
        yield piece
