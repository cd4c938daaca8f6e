"""The viewer's socket, against the real server."""

from __future__ import annotations

import asyncio

from tests.consumers.talk import make_talk
from tests.processes import App
from tests.sockets import Frame, end_talk, send_audio, speak, watch


async def test_an_idle_room_says_so(server: App, room: Frame) -> None:
    async with watch(server, room["slug"]) as viewer:
        snapshot = await viewer.until_type("snapshot")
        assert snapshot == {
            "type": "snapshot",
            "room": {
                "slug": room["slug"],
                "title": room["slug"].title(),
                "language": "en",
                "track": "en",
                "delay_ms": 800,
                "state": "idle",
                "started_at": None,
            },
            "session": 0,
            "seq": 0,
            "finals": [],
            "interim": None,
            "complete": True,
        }
        await viewer.until_type("state", state="idle")


async def test_after_gives_exactly_what_was_missed(server: App, room: Frame) -> None:
    talk = make_talk(18, pause_every=3)
    slug = room["slug"]
    async with watch(server, slug) as whole, speak(server, room) as speaker:
        await speaker.until_type("ready")
        sending = asyncio.create_task(send_audio(speaker, talk.pcm))
        # A reader that comes and goes while the talk goes on.
        patchwork: list[Frame] = []
        while not sending.done():
            after = f"?after={patchwork[-1]['session']}.{patchwork[-1]['seq']}" if patchwork else ""
            async with watch(server, slug, after) as viewer:
                snapshot = await viewer.until_type("snapshot")
                assert snapshot["complete"]
                await viewer.until_type("final" if len(patchwork) % 2 else "interim")
                patchwork += viewer.finals()
            if len(patchwork) >= 4:
                break
        await sending
        await end_talk(speaker)
        await whole.until_type("state", state="ended")
        async with watch(server, slug, f"?after={patchwork[-1]['session']}.{patchwork[-1]['seq']}") as viewer:
            await viewer.until_type("snapshot")
            patchwork += viewer.finals()
        assert patchwork == whole.finals()
        last = patchwork[-1]
        async with watch(server, slug, f"?after={last['session']}.{last['seq']}") as viewer:
            snapshot = await viewer.until_type("snapshot")
            assert (snapshot["finals"], snapshot["complete"]) == ([], True)
        for older in ("0.5", f"{last['session']}.999"):
            async with watch(server, slug, f"?after={older}") as viewer:
                snapshot = await viewer.until_type("snapshot")
                assert (snapshot["finals"], snapshot["complete"]) == (whole.finals(), False)
        for nonsense in ("x", "1", "1.2.3", "-1.2", "1.%00", "9" * 400 + ".1"):
            async with watch(server, slug, f"?after={nonsense}") as viewer:
                assert (await viewer.until_type("snapshot"))["finals"] == whole.finals()


async def test_a_room_that_does_not_exist_has_a_close_code_of_its_own(server: App) -> None:
    for slug in ("nowhere", "No-Where", "a..b", "%3Cscript%3E", "-", "x" * 99):
        async with watch(server, slug) as viewer:
            assert await viewer.until_closed() == 4404
    assert "Traceback" not in server.log


async def test_what_a_viewer_says_is_ignored_up_to_a_size(server: App, room: Frame) -> None:
    async with watch(server, room["slug"]) as viewer:
        for frame in ("hello", b"\0\1\2", "{" * 2000):
            await viewer.connection.send(frame)
        await viewer.until_type("state", state="idle")
        await viewer.connection.send("x" * 3000)
        assert await viewer.until_closed() == 1009


async def test_markup_in_a_title_stays_text_on_the_wire(server: App) -> None:
    server.create_room("markup", title="<b>Ä & 日本</b>")
    async with watch(server, "markup") as viewer:
        assert (await viewer.until_type("snapshot"))["room"]["title"] == "<b>Ä & 日本</b>"
