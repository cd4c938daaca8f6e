"""The main job: what is spoken on one page is read on another."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Page, expect

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
