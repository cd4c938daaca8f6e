"""What tests do on a speaker's page."""

from __future__ import annotations

import re
from typing import Any, Self

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import BrowserContext, Page, expect

from tests.processes import App

SLOW_MS = 30_000
SIZES = ({"width": 390, "height": 844}, {"width": 1440, "height": 900})


class SpeakerPage:
    """A speaker's page in a browser, by what a speaker sees."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.band = page.locator("#band")
        self.title = page.get_by_role("region", name="What is happening").get_by_role("status")
        self.main = page.locator("#main")
        self.end_button = page.get_by_role("button", name="End…")
        self.lines = page.locator("#lines .line-text")

    @classmethod
    async def open(
        cls, context: BrowserContext, app: App, room: dict[str, Any], *, fragment: str | None = None
    ) -> Self:
        """Open the room's speaker link on ``app``, which may be another server than the link names."""
        page = await context.new_page()
        token = room["speaker_token"] if fragment is None else fragment
        await page.goto(f"{app.url}/r/{room['slug']}/speak/#{token}")
        return cls(page)

    async def says(self, words: str) -> None:
        """Wait until the band's heading is ``words``."""
        await expect(self.title).to_have_text(words, timeout=SLOW_MS)

    async def ready(self) -> None:
        """Wait until the microphone is open and the link has been found good."""
        await self.says("Ready when you are")
        await expect(self.page.locator("#fact-1")).to_have_text("Works")

    async def start(self) -> None:
        await self.ready()
        await self.page.get_by_role("button", name="Start captions").click()
        await expect(self.title).to_have_text(re.compile("You are live"), timeout=SLOW_MS)

    async def end(self, *, seconds: float = SLOW_MS / 1000) -> None:
        """End the talk and wait until its last words are written."""
        await self.end_button.click()
        await self.page.get_by_role("button", name="End the talk").click()
        await expect(self.title).to_have_text("You have ended the talk", timeout=1000 * seconds)


async def check_accessibility(page: Page, what: str) -> None:
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        for size in SIZES:
            await page.set_viewport_size(size)
            results = await Axe().run(page)
            assert results.violations_count == 0, f"{what}, {scheme}, {size}: {results.generate_report()}"
            sideways = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
            assert not sideways, f"{what}, {size}: scrolls sideways"
