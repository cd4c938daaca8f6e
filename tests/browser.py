"""Chromium for tests, with a WAV file as its microphone."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Playwright, WebError

# Quiet flags: no start-up pages, nothing fetched from outside by the browser itself.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WAIT_MS = 20_000


def chromium_path() -> str:
    """Return Debian's Chromium, or what CAPTIONS_TEST_CHROMIUM names."""
    path = os.environ.get("CAPTIONS_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "Chromium is missing: apt-get install chromium"
    return path


@dataclass
class Chromium:
    """Opens browser contexts: ``context = await chromium(microphone=wav)``.

    ``page_errors`` holds uncaught exceptions of all pages and what their content security policy refused; a test fails
    at its end when there are any. ``console`` holds all console lines.
    """

    playwright: Playwright
    page_errors: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    browsers: dict[str, Browser] = field(default_factory=dict)

    async def __call__(
        self,
        *,
        microphone: Path | str | None = None,
        loop_microphone: bool = False,
        allow_microphone: bool = True,
        **options: Any,
    ) -> BrowserContext:
        """Return a new context.

        ``microphone`` is a WAV file that plays, once unless ``loop_microphone``, from the moment a page opens the
        microphone; without it Chromium's beep is heard. ``allow_microphone`` False refuses the page's request.
        ``options`` are Playwright's of ``new_context`` (viewport, locale, color_scheme, ...).
        """
        flags = ["--use-fake-device-for-media-stream"]
        if allow_microphone:
            flags.append("--use-fake-ui-for-media-stream")
        if microphone is not None:
            path = str(Path(microphone).resolve())
            flags.append(f"--use-file-for-fake-audio-capture={path}" + ("" if loop_microphone else "%noloop"))
        key = " ".join(flags)
        if key not in self.browsers:
            self.browsers[key] = await self.playwright.chromium.launch(
                executable_path=chromium_path(), args=[*FLAGS, *flags]
            )
        context = await self.browsers[key].new_context(**options)
        context.set_default_timeout(WAIT_MS)
        context.on("weberror", self._weberror)
        context.on("console", self._console)
        if not allow_microphone:
            await context.clear_permissions()
        return context

    def _weberror(self, error: WebError) -> None:
        self.page_errors.append(f"{error.page.url if error.page else ''}: {error.error}")

    def _console(self, message: ConsoleMessage) -> None:
        self.console.append(f"{message.type}: {message.text}")
        if message.type == "error" and "Content Security Policy" in message.text:
            self.page_errors.append(message.text)

    async def close(self) -> None:
        for browser in self.browsers.values():
            await browser.close()
