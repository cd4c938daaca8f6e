"""Chromium for tests, with a WAV file as its microphone."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
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

    def freeze(self) -> None:
        """Stop all processes of the browsers where they are, as a machine does that falls asleep."""
        self._signal(signal.SIGSTOP)

    def wake(self) -> None:
        self._signal(signal.SIGCONT)

    @staticmethod
    def _signal(number: int) -> None:
        """Signal the process groups of this process' browsers; the driver starts each browser in one of its own."""
        family = {os.getpid()}
        groups = set()
        parents = {}
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                with contextlib.suppress(OSError):
                    state = (folder / "stat").read_text().rpartition(")")[2].split()
                    parents[int(folder.name)] = int(state[1]), int(state[2])
        grown = True
        while grown:
            children = {pid for pid, (parent, _) in parents.items() if parent in family} - family
            family |= children
            grown = bool(children)
        for pid in family - {os.getpid()}:
            with contextlib.suppress(OSError):
                if b"chrom" in (Path("/proc") / str(pid) / "comm").read_bytes():
                    groups.add(parents[pid][1])
        assert groups, "no browser is running"
        assert os.getpgrp() not in groups
        for group in groups:
            os.killpg(group, number)

    def _weberror(self, error: WebError) -> None:
        self.page_errors.append(f"{error.page.url if error.page else ''}: {error.error}")

    def _console(self, message: ConsoleMessage) -> None:
        self.console.append(f"{message.type}: {message.text}")
        if message.type == "error" and "Content Security Policy" in message.text:
            self.page_errors.append(message.text)

    async def close(self) -> None:
        for browser in self.browsers.values():
            await browser.close()
