"""What the speaker page says when captions are limited, by its own module in a browser."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, Route

from tests.browser import Chromium
from tests.processes import ROOT

ORIGIN = "http://modules.test"
WORDS = """
async ([server, warning]) => {
  const { band, note, facts } = await import("/js/speaker/words.js");
  const model = {
    phase: "running", mic: { state: "open", deadS: 0 }, link: { phase: "ready", attempt: 0, stop: null }, server,
    waitingS: 0, lostS: 0, slow: false, heard: true, quietAt: "", tip: null, level: "good", startedAt: "15:00",
    pausedAt: "", wentOn: false, wasReady: true, endedByMe: false, reachable: true, warning, otherMicrophone: null,
    language: "English", screen: { supported: true, held: true },
  };
  return { band: band(model), note: note(model), safe: facts(model)[0][1] };
}
"""


@pytest.fixture
async def modules(chromium: Chromium) -> Page:
    """A page at an origin that serves the scripts."""

    async def serve(route: Route) -> None:
        path = ROOT / "static" / route.request.url.removeprefix(f"{ORIGIN}/")
        if path.is_file():
            await route.fulfill(path=path, content_type="text/javascript")
        else:
            await route.fulfill(body="<!doctype html><title>Words</title>", content_type="text/html")

    page = await (await chromium()).new_page()
    await page.route(f"{ORIGIN}/**", serve)
    await page.goto(f"{ORIGIN}/")
    return page


async def said(page: Page, state: str, detail: str, warning: dict[str, str] | None = None) -> dict[str, Any]:
    words: dict[str, Any] = await page.evaluate(WORDS, [{"state": state, "detail": detail}, warning])
    return words


async def test_a_limit_is_told_in_the_band_and_what_is_left_in_the_note(modules: Page) -> None:
    day = await said(modules, "paused", "budget")
    assert day["band"]["title"] == "Out of time"
    assert day["band"]["text"] == "This room has used its time for today. The host can add more."
    month = await said(modules, "paused", "budget_month")
    assert month["band"]["text"] == "This month’s time for captions is used up. The host can add more."
    busy = await said(modules, "reconnecting", "engine_busy")
    assert busy["band"] == {
        "mark": "reconnecting",
        "title": "Waiting for a caption line",
        "text": "All caption lines are in use; yours starts as soon as one is free. "
        "Keep talking: your words are kept for 2 minutes.",
        "aside": "",
    }
    assert busy["safe"] == "Kept, not written yet"

    soon = {"code": "budget_soon", "message": "About 10 minutes of captions are left.", "at": "15:30"}
    live = await said(modules, "live", "", soon)
    assert live["band"]["title"] == "You are live"
    assert live["note"] == {
        "tone": "care",
        "mark": "catching",
        "title": "Little time is left",
        "text": "About 10 minutes of captions are left. Told at 15:30.",
    }
    other = await said(modules, "live", "", {"code": "anything", "message": "Something.", "at": "15:30"})
    assert (other["note"]["title"], other["note"]["text"]) == ("A word from the server", "Something.")
