"""The speaker's page: what it says and does in every situation a speaker meets."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import BrowserContext, Dialog, expect

from tests import processes
from tests.browser import Chromium
from tests.e2e.speaker_page import SIZES, SpeakerPage, check_accessibility
from tests.processes import App, Apps

# What browsers do that cannot be had from a headless one, put in before the page's own scripts.
NO_HTTPS = "Object.defineProperty(window, 'isSecureContext', { value: false })"
NO_WORKLET = "delete window.AudioWorkletNode"
# (On about:blank, where every page begins, there are no media devices.)
NO_DEVICE = """
if (isSecureContext) {
  navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("none", "NotFoundError"));
}
"""
NO_TIMEOUT_SIGNAL = "delete AbortSignal.timeout"  # Safari 15
KEEP_TRACKS = """
window.tracks = [];
if (isSecureContext) {
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wish) => {
    const stream = await open(wish);
    window.tracks.push(stream.getAudioTracks()[0]);
    return stream;
  };
}
"""
# Keeps what the tab's title is each time it is set, whether to something new or not.
WATCH_TITLE = """
() => {
  window.titles = [document.title];
  const watch = new MutationObserver(() => titles.push(document.title));
  watch.observe(document.querySelector("title"), { childList: true, characterData: true, subtree: true });
}
"""
UNPLUG = "() => { const track = tracks.at(-1); track.stop(); track.dispatchEvent(new Event('ended')); }"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Iterator[App]:
    """A server with an engine that hears "word 1 word 2 ..." whatever is sent."""
    folder = tmp_path_factory.mktemp("speaker")
    script = folder / "script.json"
    script.write_text(json.dumps({"listen": "words", "words": [[f"word{n}", n, n + 0.5] for n in range(1, 300)]}))
    apps = Apps(folder, migrated_sqlite)
    with processes.engine(folder / "engine.log", f"--script={script}") as engine, contextlib.closing(apps):
        yield apps(env=engine.env)


@pytest.fixture
def room(server: App, request: pytest.FixtureRequest) -> dict[str, Any]:
    """A room of the test's own."""
    slug = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())[:60].strip("-")
    return server.create_room(slug, title="Harbour Room")


HEARD = re.compile("Good level|Too loud")  # Chromium's beep is at full scale
Opener = Callable[..., Awaitable[SpeakerPage]]


@pytest.fixture
def speak(chromium: Chromium, server: App, room: dict[str, Any]) -> Opener:
    """Open the room's speaker page; ``script`` runs before the page's own."""

    async def open_page(
        context: BrowserContext | None = None, *, script: str = "", fragment: str | None = None, **options: Any
    ) -> SpeakerPage:
        context = context or await chromium(**options)
        if script:
            await context.add_init_script(script)
        return await SpeakerPage.open(context, server, room, fragment=fragment)

    return open_page


async def test_a_talk_from_start_to_end_by_keyboard(speak: Opener) -> None:
    speaker = await speak()
    page = speaker.page
    await speaker.ready()
    await expect(page.locator("#level-word")).to_have_text(HEARD)
    await expect(page.locator("#band-text")).to_have_text("Nothing is sent until you press Start.")
    await expect(page.locator("#end")).to_be_hidden()

    await page.keyboard.press("Space")
    await speaker.says("You are live")
    await expect(page.locator("#band-text")).to_have_text("Readers see your words in English.")
    await expect(page.locator("#lines")).to_contain_text("word2")
    await expect(page.locator("#clock")).to_have_text(re.compile(r"^0:0[2-9]$"))
    await expect(page.locator("#fact-0")).to_have_text("All safe")
    await expect(page.locator("#fact-1")).to_have_text("Steady")

    await page.keyboard.press("Space")
    await speaker.says("Paused")
    await expect(page.get_by_text("Your microphone is not being sent.")).to_be_visible()
    await page.keyboard.press("Space")
    await speaker.says("You are live")

    # End asks once; Escape is "no", and Enter on the first button is "no" as well.
    await speaker.end_button.focus()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="End the talk for everyone?")
    await expect(dialog.get_by_role("button", name="Keep talking")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(speaker.end_button).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await expect(dialog.get_by_role("button", name="End the talk")).to_be_focused()
    await page.keyboard.press("Enter")
    await speaker.says("You have ended the talk")
    await expect(speaker.main).to_have_text(re.compile("Start again"))
    await expect(speaker.main).to_be_focused()


async def test_a_browser_without_timeout_signals_can_speak(speak: Opener) -> None:
    speaker = await speak(script=NO_TIMEOUT_SIGNAL)
    await speaker.start()


async def test_space_types_in_a_field_and_starts_nothing(speak: Opener) -> None:
    speaker = await speak()
    await speaker.ready()
    await speaker.page.get_by_text("Sound settings").click()
    noise = speaker.page.get_by_label("Take out noise")
    await noise.focus()
    await speaker.page.keyboard.press("Space")
    await expect(noise).to_be_checked()
    await speaker.says("Ready when you are")


async def test_the_skip_link_leaves_the_speakers_key_alone(speak: Opener) -> None:
    speaker = await speak()
    await speaker.ready()
    address = speaker.page.url
    await speaker.page.get_by_role("link", name="Skip to the buttons").focus()
    await speaker.page.keyboard.press("Enter")
    await expect(speaker.page.get_by_role("button", name="Start captions")).to_be_focused()
    assert speaker.page.url == address
    await speaker.says("Ready when you are")


async def test_space_in_a_box_or_on_a_button_is_theirs(speak: Opener) -> None:
    speaker = await speak()
    page = speaker.page
    await speaker.start()
    # Whether the page took the key for the talk, so that nothing else gets it.
    await page.evaluate(
        """() => {
          window.taken = [];
          window.addEventListener("keydown", (event) => event.key === " " && taken.push(event.defaultPrevented));
        }"""
    )
    # Boxes that scroll: the captions, and the column beside them, to which some browsers give the focus too.
    await page.locator(".dials").evaluate("(box) => { box.tabIndex = 0; }")
    for box in ("#captions", ".dials"):
        await page.locator(box).focus()
        await page.keyboard.press("Space")
    await speaker.end_button.focus()
    await page.keyboard.press("Space")
    # While the question is open, Space is never for the talk behind it, wherever in it was clicked last.
    dialog = page.get_by_role("dialog", name="End the talk for everyone?")
    await expect(dialog).to_be_visible()
    await dialog.get_by_role("heading").click()
    await page.keyboard.press("Space")
    await page.evaluate("document.activeElement.blur()")
    await page.keyboard.press("Space")
    assert await page.evaluate("taken") == [False] * 5
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await speaker.says("You are live")
    # Nothing has the focus: Space is for the talk again.
    await page.evaluate("document.activeElement.blur()")
    await page.keyboard.press("Space")
    assert await page.evaluate("taken") == [False] * 5 + [True]
    await speaker.says("Paused")


async def test_the_tabs_title_is_set_only_when_it_changes(speak: Opener) -> None:
    speaker = await speak()
    await speaker.ready()
    await speaker.page.evaluate(WATCH_TITLE)
    await speaker.start()
    await expect(speaker.page.locator("#lines")).to_contain_text("word2")
    await speaker.main.click()
    await speaker.says("Paused")
    titles: list[str] = await speaker.page.evaluate("titles")
    assert titles[0] == "Ready when you are: Harbour Room, speaker"
    assert titles[-1] == "Paused: Harbour Room, speaker"
    assert all(before != after for before, after in itertools.pairwise(titles))


async def test_sound_settings_are_the_devices_and_are_kept(speak: Opener) -> None:
    speaker = await speak()
    page = speaker.page
    await speaker.ready()
    await page.get_by_text("Sound settings").click()
    echo, noise, gain = (page.get_by_label(name) for name in ("Take out echo", "Take out noise", "Even out loudness"))
    await expect(echo).not_to_be_checked()
    await expect(noise).not_to_be_checked()
    await expect(gain).to_be_checked()
    await noise.check()
    await expect(page.locator("#noiseSuppression-real")).to_have_text("In use.")
    await gain.uncheck()
    await expect(page.locator("#autoGainControl-real")).to_have_text("")
    await page.reload()
    await speaker.ready()
    await page.get_by_text("Sound settings").click()
    await expect(noise).to_be_checked()
    await expect(gain).not_to_be_checked()


async def test_another_microphone_can_be_chosen_while_live(speak: Opener) -> None:
    speaker = await speak()
    await speaker.start()
    chooser = speaker.page.get_by_label("Microphone to use")
    names = await chooser.locator("option").all_inner_texts()
    assert len(names) > 1
    await chooser.select_option(names[-1])
    await expect(chooser.locator("option:checked")).to_have_text(names[-1])
    await speaker.says("You are live")
    await expect(speaker.page.locator("#level-word")).to_have_text(HEARD)


async def test_closing_the_page_while_live_warns(speak: Opener) -> None:
    speaker = await speak()
    asked: list[str] = []

    async def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        await dialog.accept()

    speaker.page.on("dialog", answer)
    await speaker.start()
    await expect(speaker.page.locator("#lines")).to_contain_text("word1")
    await speaker.page.reload()
    assert asked == ["beforeunload"]
    # The link is still in the address, and the talk goes on where it was.
    await speaker.ready()
    await expect(speaker.page.locator("#band-text")).to_have_text(
        "The captions are open already. Press Start to go on."
    )
    await speaker.start()
    await speaker.end()
    asked.clear()
    await speaker.page.reload()
    assert asked == []


async def test_a_second_speaker_is_asked_and_the_first_is_told(speak: Opener, chromium: Chromium) -> None:
    first = await speak()
    await first.start()
    second = await speak(await chromium())
    await second.ready()
    await second.page.keyboard.press("Space")
    await second.says("Somebody is already speaking in this room")
    await first.says("You are live")
    await second.page.keyboard.press("Space")
    await second.says("Somebody is already speaking in this room")
    await second.page.get_by_role("button", name="Take over").click()
    await second.says("You are live")
    await first.says("Somebody is speaking from another device now")
    await expect(first.end_button).to_be_hidden()
    await first.page.get_by_role("button", name="Take it back").click()
    await first.says("You are live")
    await second.says("Somebody is speaking from another device now")


async def test_a_lost_connection_keeps_the_words(speak: Opener) -> None:
    speaker = await speak()
    context = speaker.page.context
    await speaker.start()
    await context.set_offline(offline=True)
    await speaker.says("Reconnecting")
    await expect(speaker.page.locator("#band-text")).to_have_text(re.compile("Keep talking"))
    await expect(speaker.page.locator("#band-aside")).to_have_text(re.compile(r"^[3-9] s kept here$"))
    await expect(speaker.page.locator("#fact-1")).to_have_text(re.compile("Trying again"))
    # Pausing in the meantime is told to the server after the words before it.
    await speaker.main.click()
    await context.set_offline(offline=False)
    await speaker.says("Paused")
    await expect(speaker.page.locator("#fact-0")).to_have_text("All safe")
    await speaker.main.click()
    await speaker.says("You are live")


async def test_a_lost_microphone_is_said_and_another_one_goes_on(speak: Opener) -> None:
    speaker = await speak(script=KEEP_TRACKS)
    await speaker.start()
    await speaker.page.evaluate(UNPLUG)
    await speaker.says("No sound from your microphone")
    await expect(speaker.page.locator("#band-text")).to_have_text(re.compile("choose another one below"))
    chooser = speaker.page.get_by_label("Microphone to use")
    await chooser.select_option((await chooser.locator("option").all_inner_texts())[-1])
    await speaker.says("You are live")


async def test_a_microphone_that_comes_back_is_used_again(speak: Opener) -> None:
    speaker = await speak(script=KEEP_TRACKS)
    await speaker.start()
    await speaker.page.evaluate(UNPLUG)
    await speaker.says("No sound from your microphone")
    await speaker.page.evaluate("navigator.mediaDevices.dispatchEvent(new Event('devicechange'))")
    await speaker.says("You are live")


async def test_a_refused_microphone_is_explained(speak: Opener) -> None:
    speaker = await speak(allow_microphone=False)
    await speaker.says("Your microphone is closed")
    await expect(speaker.page.locator("#band-text")).to_have_text(
        "Your browser is not letting this page hear you. "
        "Press the lock beside the address, allow the microphone, then press Start."
    )
    await speaker.main.click()
    await speaker.says("Your microphone is closed")
    await speaker.page.context.grant_permissions(["microphone"])
    await speaker.main.click()
    await speaker.says("You are live")


@pytest.mark.parametrize(
    ("script", "heading", "advice"),
    [
        (NO_HTTPS, "This address is not secure", "https"),
        (NO_WORKLET, "This browser cannot send sound", "newer Chrome, Edge, Firefox or Safari"),
        (NO_DEVICE, "No microphone found", "Plug one in"),
    ],
    ids=["no https", "no worklet", "no device"],
)
async def test_what_cannot_work_is_said_with_what_to_do(speak: Opener, script: str, heading: str, advice: str) -> None:
    speaker = await speak(script=script)
    await speaker.says(heading)
    await expect(speaker.page.locator("#band-text")).to_contain_text(advice)


@pytest.mark.parametrize(
    ("fragment", "heading", "advice"),
    [
        ("", "This address is not whole", "to its last letter"),
        ("nonsense", "This link cannot be used", "not a speaker link of this room"),
        ("100%", "This link cannot be used", "not a speaker link of this room"),
    ],
    ids=["missing", "wrong", "stray percent sign"],
)
async def test_a_link_that_is_none_says_why(speak: Opener, fragment: str, heading: str, advice: str) -> None:
    speaker = await speak(fragment=fragment)
    await speaker.says(heading)
    await expect(speaker.page.locator("#band-text")).to_contain_text(advice)


@pytest.mark.parametrize(
    ("field", "advice"), [("revoked_at", "This link has been stopped"), ("expires_at", "This link stopped working on")]
)
async def test_a_link_that_is_over_says_why(
    speak: Opener, server: App, room: dict[str, Any], field: str, advice: str
) -> None:
    change = f"AccessLink.objects.filter(room__slug={room['slug']!r}).update({field}=timezone.now())"
    server.manage("shell", "-c", f"from django.utils import timezone; from captions.models import AccessLink; {change}")
    speaker = await speak()
    await speaker.says("This link cannot be used")
    await expect(speaker.page.locator("#band-text")).to_contain_text(advice)
    await expect(speaker.page.locator("#band-text")).to_contain_text("Ask your host for a new one")


async def test_accessible_in_every_state(speak: Opener) -> None:
    speaker = await speak()
    page = speaker.page
    await speaker.ready()
    await page.get_by_text("Sound settings").click()
    await check_accessibility(page, "ready")
    await speaker.start()
    await expect(page.locator("#lines")).to_contain_text("word2")
    await check_accessibility(page, "live")
    await speaker.end_button.click()
    await check_accessibility(page, "asking")
    await page.keyboard.press("Escape")
    await speaker.main.click()
    await speaker.says("Paused")
    await check_accessibility(page, "paused")
    await page.context.set_offline(offline=True)
    await speaker.says("Reconnecting")
    await check_accessibility(page, "reconnecting")
    await page.context.set_offline(offline=False)
    await speaker.says("Paused")
    await speaker.end()
    await check_accessibility(page, "ended")


async def test_accessible_when_the_microphone_is_refused(speak: Opener) -> None:
    speaker = await speak(allow_microphone=False)
    await speaker.says("Your microphone is closed")
    await check_accessibility(speaker.page, "refused")


async def test_time_that_runs_out_is_told_before_and_comes_back(
    server: App, room: dict[str, Any], chromium: Chromium
) -> None:
    def give(hours: float) -> None:
        change = f"from captions.models import Room; Room.objects.filter(slug={room['slug']!r}).update"
        server.manage("shell", "-v0", "--no-imports", "-c", f"{change}(hours_per_day={hours})")

    give(0.003)
    context = await chromium(viewport=SIZES[0])
    page = await SpeakerPage.open(context, server, room)
    note, title = page.page.locator("#note"), page.page.locator("#note-title")
    await page.ready()
    await page.page.get_by_role("button", name="Start captions").click()
    await expect(title).to_have_text("Little time is left")
    await expect(note).to_contain_text("of captions are left for this room today. The host can add more. Told at ")
    await page.says("Out of time")
    await expect(page.page.locator("#band-text")).to_have_text(
        "This room has used its time for today. The host can add more."
    )
    await expect(note).to_contain_text("Captions start again at midnight UTC, or as soon as the host adds more.")
    assert (await Axe().run(page.page)).violations_count == 0
    give(20)
    await page.says("You are live")
    await expect(page.page.get_by_text("Captions start again")).to_be_hidden()
    await page.end()
