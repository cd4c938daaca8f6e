"""The speaker's socket, against the real server and an engine whose audio carries its words."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import Callable

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.consumers.talk import BURSTS, make_talk
from tests.heard import assert_heard_exactly, assert_interims_grow_into_finals, stored_words
from tests.processes import App, Apps, Engine
from tests.sockets import (
    Client,
    Frame,
    audio_frame,
    end_talk,
    get_ticket,
    open_client,
    post,
    send_audio,
    speak,
    watch,
)

Engines = Callable[..., Engine]


@pytest.mark.parametrize(("rate", "delay"), [(24_000, 10), (8_000, 7), (16_000, 48)])
async def test_every_word_arrives_once_in_order_at_its_time(
    server: App, make_room: Callable[..., Frame], rate: int, delay: int
) -> None:
    room = make_room(delay=delay)
    talk = make_talk(20, seed=delay, rate=rate)
    async with watch(server, room["slug"]) as early, speak(server, room, rate=rate) as speaker:
        ready = await speaker.until_type("ready")
        assert ready == {
            "type": "ready",
            "next_sample": 0,
            "room": room["slug"],
            "language": "en",
            "delay_in_frames": delay,
        }
        assert speaker.frames[0] == ready, "ready comes first"
        await send_audio(speaker, talk.pcm, rate=rate)
        await end_talk(speaker)
        assert await speaker.until_closed() == 1000
        await early.until_type("state", state="ended")

        assert early.words() == talk.texts
        assert [final["seq"] for final in early.finals()] == list(range(1, len(early.finals()) + 1))
        assert_heard_exactly(talk.words, stored_words(server, room["slug"]))
        async with watch(server, room["slug"]) as late:
            snapshot = await late.until_type("snapshot")
        assert snapshot["complete"]
        assert snapshot["finals"] == early.finals()
        assert_interims_grow_into_finals(early)
        acks = [ack["next_sample"] for ack in speaker.of_type("ack")]
        assert acks == sorted(acks)
        assert acks[-1] == len(talk.pcm) // 2


async def test_a_dropped_connection_loses_nothing_and_doubles_nothing(server: App, room: Frame) -> None:
    talk = make_talk(30, pause_every=0)
    stream = uuid.uuid4()
    half = len(talk.pcm) // 4 * 2 // 3840 * 3840
    async with watch(server, room["slug"]) as viewer:
        async with speak(server, room, stream=stream) as speaker:
            await speaker.until_type("ready")
            await send_audio(speaker, talk.pcm[:half])
        await viewer.until_type("state", state="reconnecting", detail="speaker_lost")
        async with speak(server, room, stream=stream) as speaker:
            ready = await speaker.until_type("ready")
            assert ready["next_sample"] == half // 2
            overlap = half - 48_000  # resending what is there already is harmless
            await send_audio(speaker, talk.pcm[overlap:], first=overlap // 2)
            await end_talk(speaker)
        await viewer.until_type("state", state="ended")
        assert viewer.words() == talk.texts
    assert_heard_exactly(talk.words, stored_words(server, room["slug"]))


async def test_a_server_killed_in_mid_sentence_goes_on_after_its_restart(server: App, room: Frame) -> None:
    talk = make_talk(30, pause_every=7)
    stream = uuid.uuid4()
    cut = len(talk.pcm) // 2 // 3840 * 3840
    with contextlib.suppress(Exception):
        async with speak(server, room, stream=stream) as speaker:
            await speaker.until_type("ready")
            await send_audio(speaker, talk.pcm[:cut])
            server.kill()
    server.start()
    async with watch(server, room["slug"]) as viewer, speak(server, room, stream=stream) as speaker:
        ready = await speaker.until_type("ready")
        acked = [ack["next_sample"] for ack in speaker.of_type("ack")]
        assert ready["next_sample"] >= max(acked, default=0)
        assert ready["next_sample"] <= cut // 2
        first = ready["next_sample"]
        await send_audio(speaker, talk.pcm[2 * first :], first=first, speed=2)
        await end_talk(speaker)
        await viewer.until_type("state", state="ended")
        assert viewer.words() == talk.texts
    assert_heard_exactly(talk.words, stored_words(server, room["slug"]))


async def test_pausing_leaves_no_gap_and_keeps_the_clock(server: App, room: Frame) -> None:
    before, after = make_talk(6, first=1), make_talk(6, first=20)
    pause_s = 4
    async with watch(server, room["slug"]) as viewer, speak(server, room) as speaker:
        await speaker.until_type("ready")
        index = await send_audio(speaker, before.pcm)
        await speaker.connection.send('{"type":"pause"}')
        await viewer.until_type("state", state="paused")
        await speaker.connection.send('{"type":"resume"}')
        index = await send_audio(speaker, after.pcm, first=index + pause_s * 24_000)
        await end_talk(speaker)
        await viewer.until_type("state", state="ended")
        assert viewer.words() == before.texts + after.texts
        assert not viewer.of_type("gap")
    first_after = next(word for word in stored_words(server, room["slug"]) if word["text"] == "w20")
    expected_ms = (before.seconds + pause_s + after.words[0][1]) * 1000
    assert abs(first_after["start_ms"] - expected_ms) <= 80


async def test_audio_that_never_comes_is_marked(server: App, room: Frame) -> None:
    before, after = make_talk(6, first=1), make_talk(6, first=20)
    async with watch(server, room["slug"]) as viewer, speak(server, room) as speaker:
        await speaker.until_type("ready")
        index = await send_audio(speaker, before.pcm)
        await send_audio(speaker, after.pcm, first=index + 5 * 24_000)
        await end_talk(speaker)
        await viewer.until_type("state", state="ended")
        numbered = viewer.of_type("final", "gap")
        assert [frame["seq"] for frame in numbered] == list(range(1, len(numbered) + 1))
        (gap,) = viewer.of_type("gap")
        assert gap["reason"] == "audio_lost"
        assert gap["end_ms"] - gap["start_ms"] == 5_000
        place = numbered.index(gap)
        assert " ".join(frame["text"] for frame in numbered[:place]).split() == before.texts
        assert " ".join(frame["text"] for frame in numbered[place + 1 :]).split() == after.texts


async def test_one_speaker_at_a_time_unless_it_takes_over(server: App, room: Frame) -> None:
    first_talk, second_talk = make_talk(4, first=1), make_talk(4, first=20)
    async with watch(server, room["slug"]) as viewer, speak(server, room) as first:
        await first.until_type("ready")
        await send_audio(first, first_talk.pcm)
        async with speak(server, room) as second:
            refused = await second.until_type("error")
            assert (refused["code"], refused["fatal"]) == ("room_busy", True)
            assert await second.until_closed() == 4409
        async with speak(server, room, take_over=True) as second:
            assert await first.until_type("moved")
            assert await first.until_closed() == 4410
            await second.until_type("ready")
            await send_audio(second, second_talk.pcm)
            await end_talk(second)
        await viewer.until_type("state", state="ended")
        assert viewer.words() == first_talk.texts + second_talk.texts
        assert {final["session"] for final in viewer.finals()} == {1}


async def test_a_new_run_of_the_room_has_the_next_number(server: App, room: Frame) -> None:
    for number in (1, 2):
        talk = make_talk(3, first=10 * number)
        async with watch(server, room["slug"], f"?after={number - 1}.1") as viewer, speak(server, room) as speaker:
            await speaker.until_type("ready")
            await send_audio(speaker, talk.pcm)
            await end_talk(speaker)
            final = await viewer.until_type("final")
            assert (final["session"], final["seq"]) == (number, 1)


async def test_a_speaker_who_missed_that_the_talk_ended_is_told(server: App, room: Frame) -> None:
    talk = make_talk(4)
    stream = uuid.uuid4()
    async with watch(server, room["slug"]) as viewer:
        async with speak(server, room, stream=stream) as speaker:
            await speaker.until_type("ready")
            await send_audio(speaker, talk.pcm)
            await speaker.connection.send('{"type":"end"}')
            speaker.connection.transport.abort()
        async with speak(server, room, stream=stream) as speaker:
            ready = await speaker.until_type("ready")
            assert ready["next_sample"] == len(talk.pcm) // 2
            await speaker.until_type("state", state="ended")
            assert await speaker.until_closed() == 1000
        await viewer.until_type("state", state="ended")
        assert viewer.words() == talk.texts
        assert {final["session"] for final in viewer.finals()} == {1}


async def test_a_speaker_who_stays_away_ends_the_session(app: Apps, scripted_engine: Engines) -> None:
    server = app(env=scripted_engine(BURSTS).env | {"CAPTIONS_SPEAKER_GONE_S": "4"})
    room = server.create_room("hall")
    talk = make_talk(5)
    async with watch(server, room["slug"]) as viewer:
        async with speak(server, room) as speaker:
            await speaker.until_type("ready")
            await send_audio(speaker, talk.pcm)
        await viewer.until_type("state", state="reconnecting", detail="speaker_lost")
        await viewer.until_type("state", state="ended")
        assert viewer.words() == talk.texts


async def test_a_crash_in_the_first_words_doubles_none(server: App, room: Frame) -> None:
    talk = make_talk(8, pause_every=2)
    stream = uuid.uuid4()
    async with watch(server, room["slug"]) as viewer:
        with contextlib.suppress(Exception):
            async with speak(server, room, stream=stream) as speaker:
                await speaker.until_type("ready")
                sending = asyncio.create_task(send_audio(speaker, talk.pcm))
                await viewer.until_type("final", seq=1)
                sending.cancel()
                server.kill()
    server.start()
    async with watch(server, room["slug"]) as viewer, speak(server, room, stream=stream) as speaker:
        first = (await speaker.until_type("ready"))["next_sample"]
        await send_audio(speaker, talk.pcm[2 * first :], first=first)
        await end_talk(speaker)
        await viewer.until_type("state", state="ended")
        assert viewer.words() == talk.texts


async def test_a_server_that_is_stopped_writes_down_what_was_said(server: App, room: Frame) -> None:
    talk = make_talk(9, pause_every=0)
    stream = uuid.uuid4()
    with contextlib.suppress(ConnectionClosed):
        async with speak(server, room, stream=stream) as speaker:
            await speaker.until_type("ready")
            await send_audio(speaker, talk.pcm)
            assert await asyncio.to_thread(server.stop) == 0
            assert await speaker.until_closed() == 1012
    server.start()
    stored = [word["text"] for word in stored_words(server, room["slug"])]
    assert stored == talk.texts, "without the speaker's help"
    async with watch(server, room["slug"]) as viewer, speak(server, room, stream=stream) as speaker:
        await speaker.until_type("ready")  # and with it, nothing comes twice
        await end_talk(speaker)
        await viewer.until_type("state", state="ended")
        assert viewer.words() == talk.texts


async def test_a_crash_that_takes_the_speaker_along_is_marked(server: App, room: Frame) -> None:
    before, after = make_talk(12, pause_every=0), make_talk(4, first=40)
    with contextlib.suppress(Exception):
        async with speak(server, room) as speaker:
            await speaker.until_type("ready")
            await send_audio(speaker, before.pcm)
            server.kill()
    server.start()
    async with watch(server, room["slug"]) as viewer, speak(server, room) as speaker:  # a stream of its own
        await speaker.until_type("ready")
        await send_audio(speaker, after.pcm)
        await end_talk(speaker)
        await viewer.until_type("state", state="ended")
    shown = [frame for snapshot in viewer.of_type("snapshot") for frame in snapshot["finals"]]
    shown += viewer.of_type("final", "gap")
    (gap,) = [frame for frame in shown if frame["type"] == "gap"]
    assert gap["reason"] == "speaker_gone"
    place = shown.index(gap)
    heard = " ".join(frame["text"] for frame in shown[:place]).split()
    assert heard == before.texts[: len(heard)]
    assert " ".join(frame["text"] for frame in shown[place + 1 :]).split() == after.texts
    assert [frame["seq"] for frame in shown] == list(range(1, len(shown) + 1))


async def test_a_microphone_that_stops_is_told_though_the_line_is_up(server: App, room: Frame) -> None:
    async with watch(server, room["slug"]) as viewer, speak(server, room) as speaker:
        await speaker.until_type("ready")
        await viewer.until_type("state", state="live")
        await viewer.until_type("state", state="reconnecting", detail="speaker_lost")
        seen = len(viewer.frames)
        await send_audio(speaker, make_talk(2).pcm)
        await viewer.until(lambda frame: frame.get("state") == "live", after=seen)
        await end_talk(speaker)


async def test_a_session_whose_server_died_ends_by_itself(app: Apps, scripted_engine: Engines) -> None:
    server = app(env=scripted_engine(BURSTS).env | {"CAPTIONS_SPEAKER_GONE_S": "3"})
    room = server.create_room("hall")
    with contextlib.suppress(Exception):
        async with speak(server, room) as speaker:
            await speaker.until_type("ready")
            await send_audio(speaker, make_talk(3).pcm)
            server.kill()
    server.start()
    async with watch(server, "hall") as viewer:
        await viewer.until_type("state", state="ended")


# What is refused, and how -------------------------------------------------------------------------------------------


async def refused(server: App, room: Frame, *frames: str | bytes) -> tuple[Frame, int]:
    async with open_client(f"{server.ws_url}/ws/rooms/{room['slug']}/speak/") as client:
        for frame in frames:
            await client.connection.send(frame)
        return await client.until_type("error"), await client.until_closed()


def hello(ticket: str, **changes: object) -> str:
    fields = {"type": "hello", "ticket": ticket, "stream": str(uuid.uuid4()), "sample_rate": 24_000}
    return json.dumps(fields | changes)


async def test_wrong_beginnings_are_refused_in_words(server: App, room: Frame) -> None:
    cases: list[tuple[str | bytes, str, int]] = [
        (audio_frame(0, bytes(3840)), "bad_hello", 4400),
        ("no JSON", "bad_hello", 4400),
        ("[" * 10_000, "bad_hello", 4400),
        ('{"type":"pause"}', "bad_hello", 4400),
        (hello("wrong"), "ticket_refused", 4401),
        (hello("\ud800"), "ticket_refused", 4401),
        (hello(await get_ticket(server, room), sample_rate=44_100), "bad_hello", 4400),
        (hello(await get_ticket(server, room), sample_rate=24_000.0), "bad_hello", 4400),
        (hello(await get_ticket(server, room), stream="no uuid"), "bad_hello", 4400),
    ]
    for frame, code, close in cases:
        error, closed = await refused(server, room, frame)
        assert (error["code"], error["fatal"], closed) == (code, True, close)
        assert error["message"].endswith(".")
    used = await get_ticket(server, room)
    async with open_client(f"{server.ws_url}/ws/rooms/{room['slug']}/speak/") as client:
        await client.connection.send(hello(used))
        await client.until_type("ready")
        error, closed = await refused(server, room, hello(used))
        assert (error["code"], closed) == ("ticket_refused", 4401)
    assert "Traceback" not in server.log
    assert used not in server.log
    assert room["speaker_token"] not in server.log


async def test_wrong_frames_end_their_socket_and_the_room_goes_on(server: App, room: Frame) -> None:
    talk = make_talk(6)
    stream = uuid.uuid4()
    bad: list[tuple[str | bytes, str, int]] = [
        (audio_frame(0, bytes(3841)), "bad_frame", 4400),
        (b"short", "bad_frame", 4400),
        (audio_frame(2**63, bytes(3840)), "bad_frame", 4400),
        ("no JSON", "bad_frame", 4400),
        ('{"type":"dance"}', "bad_frame", 4400),
        (audio_frame(0, bytes(70_000)), "too_big", 1009),
    ]
    async with watch(server, room["slug"]) as viewer:
        for frame, code, close in bad:
            async with speak(server, room, stream=stream) as speaker:
                await speaker.until_type("ready")
                await speaker.connection.send(frame)
                error = await speaker.until_type("error")
                assert (error["code"], await speaker.until_closed()) == (code, close)
        async with speak(server, room, stream=stream) as speaker:
            await speaker.until_type("ready")
            await send_audio(speaker, talk.pcm)
            await end_talk(speaker)
        await viewer.until_type("state", state="ended")
        assert viewer.words() == talk.texts
    assert "Traceback" not in server.log


async def test_a_megabyte_frame_closes_its_socket_only(server: App, room: Frame) -> None:
    async with watch(server, room["slug"]) as viewer, speak(server, room) as speaker:
        await speaker.until_type("ready")
        with contextlib.suppress(Exception):
            await speaker.connection.send(bytes(1 << 20))
        assert await speaker.until_closed() == 1009
        await viewer.until_type("state", detail="speaker_lost")


async def test_a_page_of_another_site_may_not_speak(server: App, room: Frame) -> None:
    ticket = await get_ticket(server, room)
    async with connect(
        f"{server.ws_url}/ws/rooms/{room['slug']}/speak/", origin="https://evil.example", proxy=None
    ) as connection:  # type: ignore[arg-type]
        client = Client(connection)
        with contextlib.suppress(ConnectionClosed):  # refused before it says anything
            await connection.send(hello(ticket))
        assert (await client.until_type("error"))["code"] == "ticket_refused"
        assert await client.until_closed() == 4401


async def test_a_revoked_link_gets_no_ticket(server: App, room: Frame) -> None:
    revoke = f"from captions.models import *; AccessLink.objects.filter(room__slug='{room['slug']}')"
    server.manage("shell", "-c", revoke + ".update(revoked_at='2020-01-01T00:00Z')")
    url = f"{server.url}/r/{room['slug']}/speak/ticket/"
    status, answer = await asyncio.to_thread(post, url, json.dumps({"token": room["speaker_token"]}).encode())
    assert (status, answer["error"]) == (403, "link_refused")


# The engine fails ---------------------------------------------------------------------------------------------------


async def test_a_failing_engine_costs_no_word(app: Apps, scripted_engine: Engines) -> None:
    incidents = [{"incidents": [{"do": what, "at_s": 4.0}]} for what in ("error", "close", "abort", "garbage")]
    server = app(env=scripted_engine(BURSTS | {"sessions": incidents}).env)
    room = server.create_room("hall")
    talk = make_talk(60, pause_every=0)
    async with watch(server, room["slug"]) as viewer, speak(server, room) as speaker:
        await speaker.until_type("ready")
        await send_audio(speaker, talk.pcm)
        await end_talk(speaker)
        await viewer.until_type("state", state="ended")
        assert viewer.words() == talk.texts
    assert_heard_exactly(talk.words, stored_words(server, room["slug"]))


async def test_the_cap_of_a_session_costs_no_word(app: Apps, scripted_engine: Engines) -> None:
    caps = [{"cap_s": 6.0, "cap_ends_by": how} for how in ("error", "close", "abort")]
    server = app(env=scripted_engine(BURSTS | {"sessions": caps}).env | {"GRADIUM_SESSION_S": "6"})
    room = server.create_room("hall")
    talk = make_talk(50, pause_every=9)
    async with watch(server, room["slug"]) as viewer, speak(server, room) as speaker:
        await speaker.until_type("ready")
        await send_audio(speaker, talk.pcm)
        await end_talk(speaker)
        await viewer.until_type("state", state="ended")
        assert viewer.words() == talk.texts
    assert_heard_exactly(talk.words, stored_words(server, room["slug"]))


async def test_a_reload_while_the_engine_is_away_costs_no_word(app: Apps, scripted_engine: Engines) -> None:
    script = BURSTS | {"sessions": [{"incidents": [{"do": "abort", "at_s": 2.0}]}, *[{"refuse_status": 503}] * 5]}
    server = app(env=scripted_engine(script).env)
    room = server.create_room("hall")
    before, after = make_talk(12, pause_every=0), make_talk(12, first=40, pause_every=0)
    async with watch(server, "hall") as viewer:
        async with speak(server, room) as speaker:
            await speaker.until_type("ready")
            await send_audio(speaker, before.pcm)
        async with speak(server, room) as speaker:  # the page was loaded anew: another stream
            await speaker.until_type("ready")
            await send_audio(speaker, after.pcm)
            await end_talk(speaker)
        await viewer.until_type("state", state="ended")
        assert viewer.words() == before.texts + after.texts
        await viewer.until_type("state", detail="engine_down")
        assert not [gap for gap in viewer.of_type("gap") if gap["reason"] == "engine_down"]


async def test_an_engine_that_hangs_is_told_and_costs_no_word(app: Apps, scripted_engine: Engines) -> None:
    script = BURSTS | {"sessions": [{"incidents": [{"do": "hang", "at_s": 2.0}]}]}
    server = app(env=scripted_engine(script).env)
    room = server.create_room("hall")
    talk = make_talk(40, pause_every=0)
    async with watch(server, "hall") as viewer, speak(server, room) as speaker:
        await speaker.until_type("ready")
        await send_audio(speaker, talk.pcm)
        await end_talk(speaker)
        await viewer.until_type("state", state="ended")
        assert viewer.words() == talk.texts
        await viewer.until_type("state", state="reconnecting", detail="engine_down")


async def test_an_engine_that_is_away_is_told_and_waited_for(app: Apps) -> None:
    server = app()  # nothing listens at its engine's address
    room = server.create_room("hall")
    async with watch(server, room["slug"]) as viewer, speak(server, room) as speaker:
        await speaker.until_type("ready")
        await send_audio(speaker, make_talk(4).pcm)
        await viewer.until_type("state", state="reconnecting", detail="engine_down")
        assert not viewer.finals()
