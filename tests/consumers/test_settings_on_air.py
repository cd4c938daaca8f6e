"""Staff change a room while somebody speaks in it: no word is lost, and everybody sees which settings are in use."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from http.cookiejar import CookieJar
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

from tests.consumers.talk import BURSTS, make_talk
from tests.heard import assert_heard_exactly, stored_words
from tests.processes import App, Apps, Engine
from tests.sockets import Frame, end_talk, send_audio, speak, watch

PASSWORD = "correct horse battery"


def log_in(server: App) -> OpenerDirector:
    server.manage(
        "shell",
        "-c",
        "from django.contrib.auth.models import User; "
        f"User.objects.filter(username='staff').exists() or User.objects.create_superuser('staff', '', '{PASSWORD}')",
    )
    opener = build_opener(HTTPCookieProcessor(CookieJar()))
    send_form(opener, f"{server.url}/admin/login/", username="staff", password=PASSWORD)
    return opener


def send_form(opener: OpenerDirector, url: str, **values: str) -> str:
    """Fill in the form of a page as it stands, but for ``values``, and send it."""
    page = opener.open(url, timeout=10).read().decode()
    form: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", page):
        fields = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if "name" in fields and fields.get("type") not in ("submit", "checkbox"):
            form[fields["name"]] = fields.get("value", "")
    for name, options in re.findall(r'<select name="(\w+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', options)
        form[name] = chosen[1] if chosen else ""
    form |= dict(re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>\s*(.*?)</textarea>', page, re.DOTALL))
    answer = opener.open(url, urlencode(form | values).encode(), timeout=10).read().decode()
    assert "errornote" not in answer, answer
    return answer


def room_page(server: App, opener: OpenerDirector, slug: str) -> str:
    listing = opener.open(f"{server.url}/admin/captions/room/?q={slug}", timeout=10).read().decode()
    found = re.search(r'href="(/admin/captions/room/\d+/change/)', listing)
    assert found, listing
    return server.url + found[1]


def in_use(server: App, opener: OpenerDirector, slug: str) -> str:
    return opener.open(room_page(server, opener, slug), timeout=10).read().decode()


async def until_page_says(server: App, opener: OpenerDirector, slug: str, text: str) -> None:
    async with asyncio.timeout(15):
        while text not in await asyncio.to_thread(in_use, server, opener, slug):  # noqa: ASYNC110 - a page is loaded
            await asyncio.sleep(0.1)


async def test_language_and_delay_change_in_mid_sentence(server: App, room: Frame) -> None:
    talk = make_talk(60, pause_every=0, seed=3)
    opener = await asyncio.to_thread(log_in, server)
    page = await asyncio.to_thread(room_page, server, opener, room["slug"])
    async with watch(server, room["slug"]) as viewer, speak(server, room) as speaker:
        await speaker.until_type("ready")
        sending = asyncio.create_task(send_audio(speaker, talk.pcm))
        await viewer.until(lambda frame: "w8" in str(frame.get("text", "")).split())
        await asyncio.to_thread(send_form, opener, page, language="fr", delay_in_frames="16")
        await until_page_says(server, opener, room["slug"], "French, 1.28 s")
        await viewer.until(lambda frame: "w25" in str(frame.get("text", "")).split())
        await asyncio.to_thread(send_form, opener, page, delay_in_frames="7", vocabulary='["Ogmore"]')
        await until_page_says(server, opener, room["slug"], "French, 0.56 s")
        await sending
        await end_talk(speaker)
        await viewer.until_type("state", state="ended")
        assert viewer.words() == talk.texts
        langs = [final["lang"] for final in viewer.finals()]
        assert langs == sorted(langs), "English first, then French"
        assert set(langs) == {"en", "fr"}
    assert_heard_exactly(talk.words, stored_words(server, room["slug"]))
    async with watch(server, room["slug"]) as late:
        snapshot = await late.until_type("snapshot")
    assert (snapshot["room"]["language"], snapshot["room"]["delay_ms"]) == ("fr", 560)


async def test_a_change_that_another_process_makes_is_found(server: App, room: Frame) -> None:
    """Nobody tells: the captioner looks for itself."""
    talk = make_talk(40, pause_every=7, seed=5)
    async with watch(server, room["slug"]) as viewer, speak(server, room) as speaker:
        await speaker.until_type("ready")
        sending = asyncio.create_task(send_audio(speaker, talk.pcm))
        await viewer.until_type("final")
        code = f"from captions.models import Room; Room.objects.filter(slug='{room['slug']}').update(language='de')"
        await asyncio.to_thread(server.manage, "shell", "-c", code)
        await viewer.until_type("final", lang="de")
        await sending
        await end_talk(speaker)
        await viewer.until_type("state", state="ended")
        assert viewer.words() == talk.texts


async def test_settings_the_engine_refuses_are_told_and_cost_no_word(
    app: Apps, scripted_engine: Callable[..., Engine]
) -> None:
    refusal = {"incidents": [{"do": "error", "code": 1008, "message": "unknown language"}]}
    server = app(env=scripted_engine(BURSTS | {"sessions": [{}, refusal]}).env)
    room = server.create_room("hall")
    talk = make_talk(40, pause_every=0)
    opener = await asyncio.to_thread(log_in, server)
    page = await asyncio.to_thread(room_page, server, opener, "hall")
    async with watch(server, "hall") as viewer, speak(server, room) as speaker:
        await speaker.until_type("ready")
        sending = asyncio.create_task(send_audio(speaker, talk.pcm))
        await viewer.until(lambda frame: "w5" in str(frame.get("text", "")).split())
        await asyncio.to_thread(send_form, opener, page, language="fr")
        await until_page_says(server, opener, "hall", "The new settings are not in use")
        assert "unknown language" in await asyncio.to_thread(in_use, server, opener, "hall")
        await sending
        await end_talk(speaker)
        await viewer.until_type("state", state="ended")
        assert viewer.words() == talk.texts
        assert {final["lang"] for final in viewer.finals()} == {"en"}
    assert_heard_exactly(talk.words, stored_words(server, "hall"))


async def test_a_wrong_key_is_final_and_told_in_words(app: Apps, scripted_engine: Callable[..., Engine]) -> None:
    refusal = {"incidents": [{"do": "error", "code": 1008, "message": "API key is revoked"}]}
    server = app(env=scripted_engine(BURSTS | {"others": refusal}).env)
    room = server.create_room("hall")
    opener = await asyncio.to_thread(log_in, server)
    async with watch(server, "hall") as viewer, speak(server, room) as speaker:
        await speaker.until_type("ready")
        await send_audio(speaker, make_talk(4).pcm)
        warning = await speaker.until_type("error")
        assert (warning["code"], warning["fatal"]) == ("engine_refused", False)
        assert "key" not in warning["message"], "the speaker can do nothing about it"
        await viewer.until_type("state", state="reconnecting", detail="engine_down")
        await until_page_says(server, opener, "hall", "The speech engine refuses this room: API key is revoked")
        await end_talk(speaker)
        gap = await viewer.until_type("gap")
        assert gap["reason"] == "engine_down"
