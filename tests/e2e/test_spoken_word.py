"""The main job: what is spoken on one page is read on another."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from playwright.async_api import Page, expect

from captions.engine.bursts import write_bursts
from tests.browser import Chromium
from tests.e2e.speaker_page import SLOW_MS, SpeakerPage
from tests.e2e.speech import sentences, share_in_order, write_wav
from tests.processes import App, Apps, Engine
from tests.services import RedisServer

ENOUGH = 0.7


async def open_viewer(chromium: Chromium, app: App, slug: str) -> Page:
    page = await (await chromium()).new_page()
    await page.goto(f"{app.url}/r/{slug}/")
    return page


async def read(viewer: Page) -> str:
    return " ".join(await viewer.locator("#captions .line-text").all_inner_texts())


async def test_a_reader_gets_the_spoken_words(
    app: Apps, speech_engine: Engine, chromium: Chromium, tmp_path: Path
) -> None:
    server = app(env=speech_engine.env)
    room = server.create_room("hall")
    minute = sentences()
    spoken = " ".join(text for text, _ in minute)
    microphone = write_wav(tmp_path / "minute.wav", b"".join(sound for _, sound in minute))
    viewer = await open_viewer(chromium, server, "hall")
    speaker = await SpeakerPage.open(await chromium(microphone=microphone), server, room)
    await speaker.start()

    # The last words are "Thank you very much"; when they are read, or the sound is over, all has been said.
    await expect(speaker.title).to_have_text("No sound from your microphone", timeout=120_000)
    await speaker.end()

    await expect(viewer.get_by_text("That’s the end.").first).to_be_visible(timeout=SLOW_MS)
    text = await read(viewer)
    assert share_in_order(spoken, text) >= ENOUGH, text
    echo = " ".join(await speaker.lines.all_inner_texts())
    assert echo.split() == text.split(), "the speaker sees what readers see"


async def test_the_words_go_over_redis_to_another_server(
    app: Apps, speech_engine: Engine, redis_server: RedisServer, chromium: Chromium, tmp_path: Path
) -> None:
    env = speech_engine.env | redis_server.env
    speaking = app(env=env)
    reading = app(env=env, data_dir=speaking.data_dir)
    room = speaking.create_room("hall")
    some = sentences()[:5]
    spoken = " ".join(text for text, _ in some)
    microphone = write_wav(tmp_path / "some.wav", b"".join(sound for _, sound in some))
    viewer = await open_viewer(chromium, reading, "hall")
    speaker = await SpeakerPage.open(await chromium(microphone=microphone), speaking, room)
    await speaker.start()
    await expect(viewer.locator(".is-interim, .line").first).to_be_visible(timeout=SLOW_MS)
    assert not await viewer.get_by_text("That’s the end.").first.is_visible(), "words are read while they are spoken"

    await expect(speaker.title).to_have_text("No sound from your microphone", timeout=90_000)
    await speaker.end()

    await expect(viewer.get_by_text("That’s the end.").first).to_be_visible(timeout=SLOW_MS)
    text = await read(viewer)
    assert share_in_order(spoken, text) >= ENOUGH, text


async def test_words_spoken_while_the_server_was_gone_arrive_once(
    app: Apps, scripted_engine: Callable[..., Engine], chromium: Chromium, tmp_path: Path
) -> None:
    engine = scripted_engine({"listen": "bursts"})
    server = app(env=engine.env)
    room = server.create_room("hall")
    count = 60
    sound = write_bursts([(n, 0.5 * n, 0.5 * n + 0.35) for n in range(count)], duration_s=0.5 * count)
    viewer = await open_viewer(chromium, server, "hall")
    context = await chromium(microphone=write_wav(tmp_path / "bursts.wav", sound))
    speaker = await SpeakerPage.open(context, server, room)
    await speaker.start()
    await expect(speaker.page.locator("#lines")).to_contain_text("w8", timeout=SLOW_MS)

    server.kill()
    await speaker.says("Reconnecting")
    await expect(speaker.page.locator("#fact-0")).to_have_text(re.compile(r"^[5-9] s waiting to be sent"))
    server.start()

    await speaker.says("No sound from your microphone")
    await speaker.end()
    await expect(viewer.get_by_text("That’s the end.").first).to_be_visible(timeout=SLOW_MS)
    heard = [int(word[1:]) for word in (await read(viewer)).split() if re.fullmatch(r"w\d+", word)]
    assert heard == sorted(set(heard)), "no word comes twice or out of its order"
    # The fake microphone itself drops a few milliseconds now and then, which spoils the burst it falls in.
    assert len(heard) >= 0.9 * count, heard
