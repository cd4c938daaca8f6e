"""The short way against a real server of the websockets library: nothing is lost or out of order on it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from captions.gradium.wire import Wire

LIMIT_S = 20
Handler = Callable[[ServerConnection], Awaitable[None]]


@contextlib.asynccontextmanager
async def wired(handler: Handler, **options: object) -> AsyncIterator[Wire]:
    """A server that does what ``handler`` says, and a wire to it."""
    async with asyncio.timeout(LIMIT_S), serve(handler, "127.0.0.1", 0, compression=None, **options) as server:
        port = server.sockets[0].getsockname()[1]
        async with connect(
            f"ws://127.0.0.1:{port}", compression=None, proxy=None, max_queue=64, create_connection=Wire
        ) as wire:
            assert isinstance(wire, Wire)
            yield wire


async def echo(server: ServerConnection) -> None:
    async for message in server:
        await server.send(message)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 300_000])
async def test_messages_of_every_length_go_out_and_come_back(size):
    async with wired(echo) as wire:
        await wire.send_text(b"a" * size)
        assert await wire.receive() == "a" * size


async def test_text_is_text_in_every_script_and_binary_is_bytes():
    async def answer(server: ServerConnection) -> None:
        assert await server.recv() == "größer 東京"
        await server.send("größer 東京")
        await server.send(b"\x00\xff")

    async with wired(answer) as wire:
        await wire.send_text("größer 東京".encode())
        assert await wire.receive() == "größer 東京"
        assert await wire.receive() == b"\x00\xff"


async def test_fragments_are_joined_and_keep_their_place():
    async def answer(server: ServerConnection) -> None:
        await server.send("before")
        await server.send(["gr", "ö", "ßer"])
        await server.send("after")

    async with wired(answer) as wire:
        assert [await wire.receive() for _ in range(3)] == ["before", "größer", "after"]


async def test_text_that_is_no_utf8_comes_as_bytes():
    async def answer(server: ServerConnection) -> None:
        await server.send(b"\xff\xfe", text=True)

    async with wired(answer) as wire:
        assert await wire.receive() == b"\xff\xfe"


async def test_pings_are_answered_and_may_be_asked():
    async def answer(server: ServerConnection) -> None:
        await (await server.ping())
        await server.send("pong came")
        await server.wait_closed()

    async with wired(answer) as wire:
        assert await wire.receive() == "pong came"
        await (await wire.ping())


async def test_what_came_before_the_end_is_received_before_the_end_is_told():
    async def answer(server: ServerConnection) -> None:
        for number in range(5):
            await server.send(str(number))
        await server.close(1011, "Told why.")

    async with wired(answer) as wire:
        await wire.wait_closed()
        assert [await wire.receive() for _ in range(5)] == list("01234")
        for _ in range(2):
            with pytest.raises(ConnectionClosed) as closed:
                await wire.receive()
            assert closed.value.rcvd is not None
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1011, "Told why.")
        with pytest.raises(ConnectionClosed):
            await wire.send_text(b"too late")
        assert not wire.send_now(b"too late")


async def test_whoever_waits_learns_of_an_abort():
    async def answer(server: ServerConnection) -> None:
        await server.recv()
        server.transport.abort()

    async with wired(answer) as wire:
        await wire.send_text(b"go")
        with pytest.raises(ConnectionClosed):
            await wire.receive()


async def test_a_receiver_that_is_slow_stops_the_sender_and_loses_nothing():
    sent = 0
    stopped = asyncio.Event()

    async def answer(server: ServerConnection) -> None:
        nonlocal sent
        for number in range(3_000):
            sending = asyncio.ensure_future(server.send(f"{number} " + "x" * 10_000))
            done, _ = await asyncio.wait([sending], timeout=1.0)
            if not done:
                stopped.set()
            await sending
            sent += 1
        await server.wait_closed()

    async with wired(answer) as wire:
        await stopped.wait()
        assert sent < 3_000
        numbers = [int(str(await wire.receive()).split()[0]) for _ in range(3_000)]
        assert numbers == list(range(3_000))


async def test_a_slow_network_is_waited_for_and_said():
    go_on = asyncio.Event()

    async def answer(server: ServerConnection) -> None:
        await go_on.wait()
        count = 0
        while count < 40:
            count += len(str(await server.recv())) // 1_000_000
        await server.send("all")

    async with wired(answer, max_size=None) as wire:
        million = b"y" * 1_000_000
        sent = 0
        while wire.send_now(million):
            sent += 1
        assert 0 < sent < 40
        rest = asyncio.ensure_future(_send(wire, million, 40 - sent))
        go_on.set()
        await rest
        assert await wire.receive() == "all"


async def _send(wire: Wire, payload: bytes, times: int) -> None:
    for _ in range(times):
        await wire.send_text(payload)


async def test_closing_with_much_unread_is_quick():
    filled = asyncio.Event()

    async def answer(server: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            for _ in range(2_000):
                await server.send("z" * 1_000)
                filled.set()
            await server.wait_closed()

    async with wired(answer) as wire:
        await filled.wait()
        await wire.close()
        assert wire.protocol.close_rcvd is not None, "the server's close frame did not come through"


async def test_masks_differ_from_message_to_message():
    masks = set()

    async def answer(server: ServerConnection) -> None:
        for _ in range(2_000):
            await server.recv()
        await server.send("all")

    async with wired(answer) as wire:
        write = wire.transport.write

        class Tap:
            def __getattr__(self, name: str) -> object:
                return getattr(transport, name)

            def write(self, data: bytes) -> None:
                masks.add(data[2:6])
                write(data)

        transport, wire.transport = wire.transport, Tap()  # type: ignore[assignment]
        for _ in range(2_000):
            await wire.send_text(b"m")
        wire.transport = transport
        assert await wire.receive() == "all"
    assert len(masks) > 1_990
