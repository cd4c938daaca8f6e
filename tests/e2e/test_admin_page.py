from __future__ import annotations

import re

from playwright.async_api import expect

from tests.browser import Chromium
from tests.e2e.speaker_page import SpeakerPage
from tests.processes import Apps


async def test_staff_log_in_and_make_a_room_and_its_speaker_link(app: Apps, chromium: Chromium) -> None:
    server = app()
    server.manage(
        "shell",
        "-v0",
        "-c",
        "from django.contrib.auth import get_user_model as model;"
        ' model().objects.create_superuser("ines", password="a long password")',
    )
    page = await (await chromium()).new_page()
    await page.goto(f"{server.url}/admin/")
    await page.get_by_label("Username").fill("ines")
    await page.get_by_label("Password").fill("a long password")
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("heading", name="Site administration")).to_be_visible()

    await page.goto(f"{server.url}/admin/captions/room/add/")
    await page.get_by_label("Title").fill("The gauge")
    await page.get_by_label("Slug").fill("harbour")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator(".messagelist .success")).to_contain_text("The gauge")

    await page.goto(f"{server.url}/admin/captions/accesslink/add/")
    await page.get_by_label("Room").select_option(index=1)
    await page.get_by_label("Kind").select_option("speaker")
    await page.get_by_role("button", name="Save", exact=True).click()
    told = await page.locator(".messagelist .info").inner_text()
    link = re.search(r"http\S+/r/harbour/speak/#\S+", told)
    assert link is not None, told

    await page.goto(link[0])
    await SpeakerPage(page).ready()
