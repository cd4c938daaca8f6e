"""The speaker's socket: hello, audio in; acks, captions and state out. A plain ASGI callable.

No Channels consumer: those hop to the one database thread of all sockets at every frame, and audio would wait there.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host
from django.utils import timezone

from captions.captioning.captioner import Captioner, ready_frame
from captions.captioning.desk import ComeAgainError, RoomBusyError, current_desk
from captions.captioning.lease import SessionOverError
from captions.consumers.asgi_socket import Closed, Socket
from captions.consumers.speaker_frames import Audio, FrameError, Hello, read_frame, read_hello
from captions.database import in_database
from captions.fanout.events import State, encode, write_json
from captions.fanout.mailbox import Mailbox, ReaderTooSlowError
from captions.gradium.session import EndpointError
from captions.gradium.setup import SetupError
from captions.models import Room, SpeakerTicket

HELLO_S: Final = 10.0
# A speaker is told within seconds when nobody hears him: by the silence. And how far behind he is: what waits in the
# network no speaker can see.
PING_S: Final = 1.0
# Beyond this much unheard audio the socket is not read on: the speaker keeps it, and nothing is lost.
UNHEARD_S: Final = 100.0
UNHEARD_CHECK_S: Final = 0.1

MOVED: Final = 4410
TRY_AGAIN: Final = 1013

logger = logging.getLogger(__name__)


class SpeakerPort:
    """The captioner's side of one socket: a mailbox, and an end."""

    def __init__(self) -> None:
        self.mailbox = Mailbox()
        self.put = self.mailbox.put
        self.dismissed: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def dismiss(self, *, moved: bool) -> None:
        """End the socket; ``moved``: another speaker took over."""
        if not self.dismissed.done():
            self.dismissed.set_result(moved)


async def speaker(scope: dict[str, Any], receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's callables
    """Serve one speaker's socket."""
    socket = Socket(receive, send)
    with contextlib.suppress(Closed):
        await socket.accept()
        try:
            await _serve(socket, scope)
        except FrameError as error:
            await _refuse(socket, error.code, str(error), error.close)


def _check_origin(scope: dict[str, Any]) -> None:
    """A browser names the page's origin; it must be ours. Programs name none and are told apart by their ticket."""
    headers = dict(scope["headers"])
    origin = headers.get(b"origin", b"").decode("latin-1")
    if not origin or origin in settings.CSRF_TRUSTED_ORIGINS:
        return
    host = split_domain_port(urlsplit(origin).netloc)[0]
    if not host or not validate_host(host, settings.ALLOWED_HOSTS):
        raise FrameError("ticket_refused", 4401, "This page may not speak here. Open the speaker link itself.")


async def _refuse(socket: Socket, code: str, message: str, close: int) -> None:
    await socket.send_text(write_json({"type": "error", "code": code, "message": message, "fatal": True}))
    await socket.close(close)


def _admit(slug: str, hello: Hello) -> Room:
    if not Room.objects.filter(slug=slug).exists():
        raise FrameError("no_such_room", 4404, "There is no such room. Check the speaker link.")
    link = SpeakerTicket.redeem(slug, hello.ticket)
    if link is None:
        raise FrameError("ticket_refused", 4401, "The ticket is wrong, used or older than 30 seconds. Get a new one.")
    return link.room


async def _serve(socket: Socket, scope: dict[str, Any]) -> None:
    _check_origin(scope)
    try:
        async with asyncio.timeout(HELLO_S):
            text, _ = await socket.receive()
    except TimeoutError:
        raise FrameError("hello_late", 4408, "The hello did not come within 10 seconds.") from None
    hello = read_hello(text)
    room = await in_database(_admit, scope["url_route"]["kwargs"]["slug"], hello)
    port = SpeakerPort()
    try:
        captioner = await current_desk().open(
            room,
            port,
            stream=hello.stream,
            sample_rate=hello.sample_rate,
            take_over=hello.take_over,
            after=hello.after,
        )
    except RoomBusyError:
        message = "Somebody is already speaking in this room. Say take_over to speak instead."
        raise FrameError("room_busy", 4409, message) from None
    except (SetupError, EndpointError) as error:
        raise FrameError("bad_setup", 4400, f"The room's settings cannot work: {error}") from None
    except SessionOverError as over:
        await _tell_that_it_is_over(socket, room, over)
        return
    except ComeAgainError:
        await socket.close(TRY_AGAIN)
        return
    try:
        await _converse(socket, port, captioner, hello)
    finally:
        captioner.detach(port)


async def _tell_that_it_is_over(socket: Socket, room: Room, over: SessionOverError) -> None:
    """Answer a speaker whose connection broke before it heard that its talk had ended well."""
    await socket.send_text(write_json(ready_frame(room, over.next_sample)))
    await socket.send_text(write_json({"type": "ack", "next_sample": over.next_sample}))
    await socket.send_text(encode(State("ended", "", over.ended_at.isoformat())))
    await socket.close(1000)


async def _converse(socket: Socket, port: SpeakerPort, captioner: Captioner, hello: Hello) -> None:
    tasks = {
        asyncio.create_task(_read(socket, captioner, port, hello.sample_rate), name="speaker reads"),
        asyncio.create_task(_write(socket, captioner, port), name="speaker writes"),
        asyncio.create_task(_wait_for_the_end(port, captioner), name="speaker end"),
    }
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        error = task.exception()
        if error is not None:
            raise error
    for frame in port.mailbox.rest():
        await socket.send_text(frame)
    if port.dismissed.done():
        moved = port.dismissed.result()
        if moved:
            await socket.send_text(write_json({"type": "moved"}))
        await socket.close(MOVED)
    else:
        await socket.close(1000 if captioner.has_ended else TRY_AGAIN)


async def _read(socket: Socket, captioner: Captioner, port: SpeakerPort, sample_rate: int) -> None:
    while True:
        text, data = await socket.receive()
        if port.dismissed.done():
            return
        if captioner.is_ending:
            continue  # nothing follows an end; the socket is closed when the last words are written
        frame = read_frame(text, data, next_sample=captioner.next_sample, sample_rate=sample_rate)
        if isinstance(frame, Audio):
            captioner.feed(frame.index, frame.pcm)
            # Without an engine the tape bounds itself, and the speaker's pause and end have to be heard.
            while captioner.engine_is_up and captioner.behind_s > UNHEARD_S:
                await asyncio.sleep(UNHEARD_CHECK_S)
                captioner.speaker_waits()
        elif frame.name == "pause":
            captioner.pause()
        elif frame.name == "resume":
            captioner.resume()
        else:
            captioner.end()


async def _write(socket: Socket, captioner: Captioner, port: SpeakerPort) -> None:
    loop = asyncio.get_running_loop()
    ping_at = loop.time() + PING_S
    while True:
        try:
            async with asyncio.timeout_at(ping_at):
                frame = await port.mailbox.take()
        except TimeoutError:
            at = timezone.now().isoformat()
            frame = write_json({"type": "ping", "at": at, "received": captioner.next_sample})
            ping_at = loop.time() + PING_S
        except ReaderTooSlowError:
            await socket.close(TRY_AGAIN)
            raise Closed from None
        await socket.send_text(frame)


async def _wait_for_the_end(port: SpeakerPort, captioner: Captioner) -> None:
    closed = asyncio.ensure_future(captioner.closed.wait())
    waiting: set[asyncio.Future[Any]] = {closed, port.dismissed}
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        closed.cancel()
