from __future__ import annotations

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from tests.browser import Chromium
from tests.processes import App, Apps


@pytest.fixture
def rooms(app: Apps) -> App:
    server = app()
    server.manage(
        "shell",
        "-v0",
        "-c",
        'from captions.models import Room; Room.objects.create(slug="harbour", title="The gauge", listed=True)',
    )
    return server


async def test_from_a_mistyped_code_to_the_captions(rooms: App, chromium: Chromium) -> None:
    page = await (await chromium(viewport={"width": 390, "height": 844})).new_page()
    await page.goto(rooms.url)
    await page.get_by_label("Room code").fill("harbor")
    await page.keyboard.press("Enter")
    field = page.get_by_label("Room code")
    await expect(field).to_have_value("harbor")
    await expect(field).to_be_focused()
    await expect(field).to_have_accessible_description(
        "No room is called harbor. Did you mean harbour? It is on the screen or the wall of the room. "
        "Capitals don’t matter. You need no account."
    )
    await page.get_by_role("link", name="harbour", exact=True).click()
    await expect(page.get_by_role("heading", name="The gauge")).to_be_visible()


async def test_an_open_front_page_keeps_its_marks_true(rooms: App, chromium: Chromium) -> None:
    page = await (await chromium()).new_page()
    await page.clock.install()
    await page.goto(rooms.url)
    await expect(page.locator(".now-room p")).to_have_text("English · Not started")
    rooms.manage(
        "shell",
        "-v0",
        "-c",
        "from captions.models import *; from django.utils import timezone as t; n = t.now();"
        "room = Room.objects.get();"
        'Session.objects.create(room=room, number=1, started_at=n, state_at=n, ended_at=n, state="ended")',
    )
    await page.clock.run_for(10_000)
    await expect(page.locator(".now-room p")).to_have_text("English · Ended")
    await expect(page.locator(".now-room .mark")).to_have_attribute("data-state", "ended")


@pytest.mark.parametrize("theme", ["light", "dark", "contrast"])
async def test_no_accessibility_fault(rooms: App, chromium: Chromium, theme: str) -> None:
    for width in (390, 1440):
        page = await (await chromium(viewport={"width": width, "height": 900})).new_page()
        for path in ("/?", "/?code=harbor&", "/r/nowhere/?"):
            await page.goto(f"{rooms.url}{path}theme={theme}")
            results = await Axe().run(page)
            assert results.violations_count == 0, f"{path} at {width}:\n{results.generate_report()}"
