from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import BrowserContext, Locator, Page, expect

from tests.browser import Chromium
from tests.e2e.wire import Wire, edit, final, gap, interim, snapshot, state
from tests.processes import App, Apps

WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 390, "height": 844}
SENTENCE = "The first winter we ran it, nineteen of the forty-one turned out to be lying to us every single night."

# Where each painted word stands, by line: [[seq, word, left, top, width], ...].
WORD_BOXES = """() => [...document.querySelectorAll(".line")].flatMap((line) => {
  const text = line.querySelector(".line-text").firstChild;
  return [...text.data.matchAll(/\\S+/g)].map((word) => {
    const range = document.createRange();
    range.setStart(text, word.index);
    range.setEnd(text, word.index + word[0].length);
    const { left, top, width } = range.getBoundingClientRect();
    return [line.dataset.seq, word[0], left, top, width];
  });
})"""
WATCH_SHIFTS = """() => {
  window.shifts = [];
  new PerformanceObserver((list) => shifts.push(...list.getEntries().map((entry) => entry.value)))
    .observe({ type: "layout-shift" });
}"""
TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Iterator[App]:
    """A server with a room, "hall", that was never used."""
    apps = Apps(tmp_path_factory.mktemp("viewer"), migrated_sqlite)
    with contextlib.closing(apps):
        server = apps()
        server.create_room("hall", title="The gauge that went quiet", speaker="Ines Okafor")
        yield server


@pytest.fixture
async def context(chromium: Chromium) -> BrowserContext:
    return await chromium(viewport=WIDE, color_scheme="light", timezone_id="Europe/Berlin")


@pytest.fixture
async def wired(hall: App, context: BrowserContext) -> tuple[Page, Wire]:
    """The viewer page of the room, its socket in the test's hands and just opened."""
    return await open_wired(context, f"{hall.url}/r/hall/")


async def open_wired(context: BrowserContext, url: str, *, clock: bool = False) -> tuple[Page, Wire]:
    """Open a viewer page with its socket, and with ``clock`` its time, in the test's hands."""
    page, wire = await context.new_page(), Wire()
    if clock:
        await page.clock.install()
    await wire.take_over(page)
    await page.goto(url)
    await wire.connection()
    return page, wire


def store(server: App, slug: str, count: int, *, first: int = 1, number: int = 1) -> None:
    """Write finals into a room's session ``number`` as a captioner would have; a room that is not there is made."""
    code = f"""
from datetime import datetime, timezone
from captions.models import Room, Segment, Session
room, _ = Room.objects.get_or_create(slug="{slug}", defaults=dict(title="{slug}", speaker_name="Ines Okafor"))
at = datetime(2026, 3, 1, 14, 0, tzinfo=timezone.utc)
session, _ = Session.objects.get_or_create(
    room=room, number={number}, defaults=dict(started_at=at, state_at=at, ended_at=at, state="ended"))
for seq in range({first}, {first + count}):
    Segment.objects.create(session=session, seq=seq, text=f"Line {{seq}} was said.", start_ms=seq * 20000,
                           end_ms=seq * 20000 + 3000, lang="en", speaker="Ines Okafor")
"""
    server.manage("shell", "-v0", "-c", code)


def lines(page: Page) -> Locator:
    return page.locator(".line .line-text")


def bar(page: Page) -> Locator:
    return page.locator(".bar .state span")


def says(page: Page) -> Locator:
    return page.locator(".says")


def mark(page: Page) -> Locator:
    return page.locator(".edge .mark")


@pytest.mark.parametrize("viewport", [NARROW, WIDE])
async def test_words_grow_at_the_end_and_nothing_painted_moves(
    wired: tuple[Page, Wire], viewport: dict[str, int]
) -> None:
    page, wire = wired
    await page.set_viewport_size(viewport)  # type: ignore[arg-type]
    wire.send(snapshot(seq=2, finals=[final(1, "It isn't floods."), final(2, "That costs eleven bytes a minute.")]))
    await expect(lines(page)).to_have_count(2)
    line_height = await page.locator(".lines").evaluate("(lines) => parseFloat(getComputedStyle(lines).lineHeight)")
    await page.evaluate(WATCH_SHIFTS)
    said = ""
    before = await page.evaluate(WORD_BOXES)
    for word in SENTENCE.split():
        said = f"{said} {word}".strip()
        wire.send(interim(3, said))
        await expect(page.locator(".is-interim .line-text")).to_have_text(said)
        after = await page.evaluate(WORD_BOXES)
        up = {round(was[3] - now[3], 1) for was, now in zip(before, after, strict=False)}
        assert [box[:3] + box[4:] for box in after[: len(before)]] == [box[:3] + box[4:] for box in before]
        assert len(up) <= 1, "the page steps up as one"
        if len(said.split()) > 1:
            assert min(abs(step % line_height - at) for step in up for at in (0, line_height)) < 0.2
        before = after
    node = await page.locator(".is-interim .line-text").evaluate_handle("(element) => element.firstChild")
    wire.send(final(3, SENTENCE))
    await expect(page.locator(".is-interim")).to_have_count(0)
    assert await page.evaluate(WORD_BOXES) == before, "a final moves nothing"
    assert await node.evaluate("(text) => text.isConnected && text.data") == SENTENCE, "it is the same text"
    await page.evaluate(TWO_FRAMES)
    assert max(await page.evaluate("shifts"), default=0) < 0.001


async def test_only_after_a_crash_is_an_unfinished_line_replaced(wired: tuple[Page, Wire]) -> None:
    page, wire = wired
    wire.send(snapshot(), interim(1, "The first wind"), interim(1, "A first winter"))
    await expect(lines(page)).to_have_text(["A first winter"])
    wire.send(final(1, "A first winter passed."), interim(1, "late"), interim(2, "Then"))
    await expect(lines(page)).to_have_text(["A first winter passed.", "Then"])


async def test_markup_is_shown_as_text(wired: tuple[Page, Wire]) -> None:
    page, wire = wired
    evil = "<img src=x onerror=document.title='gone'> <b>bold</b> &amp; <script>1</script>"
    wire.send(snapshot(), interim(1, evil), final(1, evil, speaker="<i>Eve</i>"))
    wire.send(final(2, "before"), edit(2, evil), interim(3, evil))
    await expect(lines(page).first).to_have_text(evil)
    await expect(lines(page).nth(1)).to_contain_text("<script>1</script>")
    await expect(page.locator(".line img, .line script, .line-text b, .line-text i:not(.mark)")).to_have_count(0)
    assert "gauge" in await page.title()


async def test_language_and_direction_stand_on_every_line(hall: App, context: BrowserContext) -> None:
    hall.create_room("any", language="any")
    page, wire = await open_wired(context, f"{hall.url}/r/any/")
    wire.send(snapshot(), interim(1, "Bonjour"))
    line = page.locator(".line")
    await expect(line).to_have_attribute("dir", "auto")
    assert await line.get_attribute("lang") is None, "nobody knows yet"
    wire.send(final(1, "Bonjour.", lang="fr"))
    await expect(line).to_have_attribute("lang", "fr")


async def test_times_stand_where_the_minute_changes_in_the_readers_time(
    hall: App, context: BrowserContext, chromium: Chromium
) -> None:
    store(hall, "minutes", 6)
    page = await context.new_page()
    await page.goto(f"{hall.url}/r/minutes/")
    await expect(page.locator(".line time")).to_have_text(["15:00", "15:01", "15:02"])
    await expect(page.locator(".line-meta b")).to_have_text(["Ines Okafor"])
    no_script = await chromium(java_script_enabled=False)
    plain = await no_script.new_page()
    await plain.goto(f"{hall.url}/r/minutes/")
    await expect(lines(plain)).to_have_count(6)
    await expect(says(plain)).to_contain_text("New ones need JavaScript.", use_inner_text=True)
    await expect(plain.locator(".line time").first).to_have_text("14:00 UTC", use_inner_text=True)


async def test_history_since_the_start_is_above(hall: App, context: BrowserContext) -> None:
    store(hall, "long", 120)
    page = await context.new_page()
    await page.goto(f"{hall.url}/r/long/")
    await expect(lines(page)).to_have_text([f"Line {seq} was said." for seq in range(1, 121)])
    await expect(lines(page).last).to_be_in_viewport()
    await expect(bar(page)).to_have_text("Ended")
    await expect(says(page)).to_have_text("That’s the end. Everything that was said stands above.")


async def test_lines_missing_between_are_filled_in(hall: App, context: BrowserContext) -> None:
    hall.create_room("holes")
    page, wire = await open_wired(context, f"{hall.url}/r/holes/")
    store(hall, "holes", 9)
    wire.send(snapshot(seq=2, finals=[final(1, "Line 1 was said."), final(2, "Line 2 was said.")]))
    await expect(lines(page)).to_have_count(2)
    assert wire.current is not None
    await wire.current.close(code=1013)
    await wire.connection()
    wire.send(snapshot(seq=9, finals=[final(9, "Line 9 was said.")], complete=False))
    await expect(lines(page)).to_have_text([f"Line {seq} was said." for seq in range(1, 10)])


async def test_who_reads_back_keeps_his_place_and_comes_back_to_live(wired: tuple[Page, Wire]) -> None:
    page, wire = wired
    wire.send(snapshot(seq=40, finals=[final(seq, f"Line {seq} was said.") for seq in range(1, 41)]))
    await expect(lines(page)).to_have_count(40)
    await page.mouse.move(720, 450)
    await page.mouse.wheel(0, -900)
    button = page.get_by_role("button", name="Back to live")
    await expect(button).to_have_text("Back to live")
    watched = page.locator(".line[data-seq='26']")
    await expect(watched).to_be_in_viewport()
    place = await watched.bounding_box()
    wire.send(interim(41, SENTENCE), final(41, SENTENCE), gap(42), final(43, SENTENCE), edit(40, SENTENCE + SENTENCE))
    await expect(button).to_have_text("Back to live · 3 new lines")
    now = await watched.bounding_box()
    assert place
    assert now
    assert abs(now["y"] - place["y"]) < 1, "browsers scroll by whole pixels"
    await expect(bar(page)).to_have_text("Live")
    await button.click()
    await expect(button).to_be_hidden()
    await expect(lines(page).last).to_be_in_viewport()
    await expect(page.locator("#captions")).to_be_focused()
    await page.mouse.wheel(0, -900)
    await expect(button).to_have_text("Back to live")
    await page.mouse.wheel(0, 2000)
    await expect(button).to_be_hidden()


async def test_everything_works_with_the_keyboard_alone(wired: tuple[Page, Wire]) -> None:
    page, wire = wired
    wire.send(snapshot(seq=40, finals=[final(seq, f"Line {seq} was said.") for seq in range(1, 41)]))
    await expect(lines(page)).to_have_count(40)
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to captions")).to_be_focused()
    await page.keyboard.press("Enter")
    button = page.get_by_role("button", name="Back to live")
    await page.keyboard.press("PageUp")
    await expect(button).to_be_visible()
    await page.keyboard.press("PageUp")
    await page.keyboard.press("PageDown")
    await expect(button).to_be_visible()
    await page.keyboard.press("End")
    await expect(button).to_be_hidden()

    size = "document.querySelector('.lines').computedStyleMap().get('font-size').value"
    await page.keyboard.press("+")
    assert await page.evaluate(size) == 44
    await page.keyboard.press("-")
    await page.keyboard.press("-")
    assert await page.evaluate(size) == 36
    for _ in range(30):
        await page.keyboard.press("-")
    assert await page.evaluate(size) == 18
    await expect(page.get_by_role("button", name="smaller text")).to_have_attribute("aria-disabled", "true")

    await page.keyboard.press("f")
    await expect(page.locator(".join")).to_contain_text("code hall")
    await expect(page.get_by_role("button", name="larger text")).to_be_hidden()
    assert await page.evaluate(size) == 64, "full screen has a size of its own"
    await page.keyboard.press("f")
    await expect(page.get_by_role("button", name="larger text")).to_be_visible()
    assert await page.evaluate(size) == 18
    await page.get_by_role("button", name="Full screen").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".join")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator(".join")).to_be_hidden()
    await expect(page.get_by_role("button", name="Full screen")).to_be_focused()


async def test_keys_of_the_browser_and_of_fields_are_left_alone(wired: tuple[Page, Wire]) -> None:
    page, wire = wired
    wire.send(snapshot(seq=40, finals=[final(seq, f"Line {seq} was said.") for seq in range(1, 41)]))
    await expect(lines(page)).to_have_count(40)
    # What the page takes for itself, nobody else gets.
    await page.evaluate(
        """() => {
          window.taken = [];
          window.addEventListener("keydown", ({ key, defaultPrevented }) => defaultPrevented && taken.push(key));
        }"""
    )
    press = """([selector, options]) => {
      const target = document.querySelector(selector);
      for (const key of ["+", "=", "-", "f", "PageUp", "PageDown", "End", "Escape"]) {
        target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...options }));
      }
    }"""
    for held in ("ctrlKey", "metaKey", "altKey"):
        await page.evaluate(press, ["#captions", {held: True}])
    for field in ("<input>", "<select></select>", "<textarea></textarea>", "<p contenteditable><b>text</b></p>"):
        await page.evaluate("(html) => document.body.insertAdjacentHTML('beforeend', html)", field)
    for selector in ("input", "select", "textarea", "[contenteditable] b"):
        await page.evaluate(press, [selector, {}])
    assert await page.evaluate("taken") == []
    await page.keyboard.press("+")
    assert await page.evaluate("taken") == ["+"]


async def test_the_text_size_is_kept_on_the_device(hall: App, chromium: Chromium) -> None:
    context = await chromium(viewport=NARROW)
    page = await context.new_page()
    await page.goto(f"{hall.url}/r/hall/")
    await page.get_by_role("button", name="larger text").click()
    await page.reload()
    assert await page.locator(".lines").evaluate("(lines) => getComputedStyle(lines).fontSize") == "30px"


@pytest.mark.parametrize(
    ("told", "shape", "word", "sentence"),
    [
        (state("idle"), "idle", "Not started", "Not started yet. You can leave this open."),
        (state("live"), "live", "Live", ""),
        (
            state("live", "catching_up"),
            "catching",
            "Catching up",
            "Catching up. The words you missed are on their way.",
        ),
        (state("silent"), "silent", "Quiet", "Nobody is speaking. Captions start again by themselves."),
        (state("reconnecting"), "reconnecting", "Reconnecting", "Reconnecting. Nothing is lost so far."),
        (
            state("reconnecting", "speaker_lost"),
            "lost",
            "No microphone",
            "The speaker’s microphone is gone. If words are missing, you will see where.",
        ),
        (
            state("reconnecting", "engine_down"),
            "lost",
            "Captions down",
            "Captions are down in this room. Since 15:33. We keep trying.",
        ),
        (
            state("reconnecting", "engine_busy"),
            "reconnecting",
            "Waiting",
            "All caption lines are in use. This room’s starts as soon as one is free.",
        ),
        (state("paused"), "paused", "Paused", "Paused by the speaker. Since 15:33."),
        (
            state("paused", "budget"),
            "paused",
            "Out of time",
            "This room has used its time for today. The host can add more.",
        ),
        (
            state("paused", "budget_month"),
            "paused",
            "Out of time",
            "This month’s time for captions is used up. The host can add more.",
        ),
        (state("paused", "blanked"), "paused", "Hidden", "The host has hidden the captions for a moment."),
        (state("ended"), "ended", "Ended", "That’s the end. Everything that was said stands above."),
    ],
)
async def test_each_state_is_told_by_mark_bar_and_words(
    wired: tuple[Page, Wire], told: dict[str, object], shape: str, word: str, sentence: str
) -> None:
    page, wire = wired
    wire.send(snapshot(seq=1, finals=[final(1, "That costs eleven bytes.")]), told)
    await expect(mark(page)).to_have_attribute("data-state", shape)
    await expect(page.get_by_role("status")).to_have_text(word)
    await expect(says(page)).to_have_text(sentence)
    place = await lines(page).first.bounding_box()
    wire.send(state("live" if sentence else "silent"))
    await expect(says(page)).not_to_have_text(sentence)
    assert await lines(page).first.bounding_box() == place, "the words of a state push nothing"


async def test_before_the_first_words(wired: tuple[Page, Wire]) -> None:
    page, wire = wired
    wire.send(snapshot(session=0, state="idle"))
    await expect(says(page).locator(".mark")).to_have_attribute("data-state", "idle")
    wire.send(state("live"))
    await expect(says(page)).to_have_text("The first words appear here.")
    wire.send(interim(1, "Good"))
    await expect(lines(page)).to_have_text(["Good"])
    await expect(says(page)).to_have_text("")
    await expect(says(page).locator(".mark")).to_be_hidden()


async def test_live_is_not_claimed_when_nothing_arrives(hall: App, context: BrowserContext) -> None:
    page, wire = await open_wired(context, f"{hall.url}/r/hall/", clock=True)
    wire.send(snapshot(seq=1, finals=[final(1, "One.")]))
    await expect(bar(page)).to_have_text("Live")
    await page.clock.run_for(20_000)
    wire.send({"type": "ping", "at": "2026-03-01T14:33:00+00:00"})
    await page.evaluate(TWO_FRAMES)
    await page.clock.run_for(24_000)
    await expect(bar(page)).to_have_text("Live")
    await page.clock.run_for(1_500)
    await expect(bar(page)).to_have_text("Offline")
    await expect(mark(page)).to_have_attribute("data-state", "reconnecting")
    await expect(says(page)).to_have_text("You are offline. Trying again.")
    await page.clock.run_for(1_000)
    await wire.connection()
    assert wire.afters == [None, "1.1"]
    wire.send(snapshot(seq=5, finals=[final(seq, f"Line {seq}.") for seq in range(2, 6)]))
    await expect(says(page)).to_have_text("Back. 4 lines were added.")
    await expect(bar(page)).to_have_text("Live")
    await page.clock.run_for(5_100)
    await expect(says(page)).to_have_text("")


async def test_waits_between_attempts_grow_to_eight_seconds(wired: tuple[Page, Wire]) -> None:
    page, _ = wired
    longest = await page.evaluate(
        """async () => {
          const { waitBefore } = await import("/static/js/viewer/connection.js");
          return [0, 1, 2, 3, 4, 5, 9].map((attempt) => waitBefore(attempt, 1));
        }"""
    )
    assert longest == [1000, 1000, 2000, 4000, 8000, 8000, 8000]


async def test_comes_back_at_once_when_the_network_does(hall: App, context: BrowserContext) -> None:
    page, wire = await open_wired(context, f"{hall.url}/r/hall/", clock=True)
    wire.send(snapshot(seq=1, finals=[final(1, "One.")]))
    await expect(bar(page)).to_have_text("Live")
    await page.clock.pause_at(await page.evaluate("Date.now() + 1000"))
    await context.set_offline(True)
    await expect(says(page)).to_have_text("You are offline. Trying again.")
    await context.set_offline(False)
    await wire.connection()
    wire.send(snapshot(seq=1))
    await expect(says(page)).to_have_text("Back. No lines were added.")


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (4404, "There is no such room any more. Check the code on the screen."),
        (4401, "This room asks for a word. It is on the invitation."),
    ],
)
async def test_a_refusal_is_told_and_not_asked_again(
    hall: App, context: BrowserContext, code: int, sentence: str
) -> None:
    page, wire = await open_wired(context, f"{hall.url}/r/hall/", clock=True)
    assert wire.current is not None
    await wire.current.close(code=code)
    await expect(says(page)).to_have_text(sentence)
    await expect(bar(page)).to_have_text("Closed")
    await page.clock.run_for(60_000)
    assert len(wire.afters) == 1


async def test_a_server_that_restarts_is_found_again(app: Apps, context: BrowserContext) -> None:
    server = app()
    store(server, "hall", 3)
    page = await context.new_page()
    await page.goto(f"{server.url}/r/hall/")
    await expect(bar(page)).to_have_text("Ended")
    server.stop()
    await expect(says(page)).to_have_text("You are offline. Trying again.")
    store(server, "hall", 2, first=4)
    server.start()
    await expect(says(page)).to_have_text("Back. 2 lines were added.", timeout=15_000)
    await expect(lines(page)).to_have_text([f"Line {seq} was said." for seq in range(1, 6)])
    await expect(says(page)).to_have_text("That’s the end. Everything that was said stands above.", timeout=10_000)


async def test_a_new_session_starts_anew(wired: tuple[Page, Wire]) -> None:
    page, wire = wired
    wire.send(snapshot(seq=2, finals=[final(1, "Old one."), final(2, "Old two.")]), interim(3, "Old"))
    await expect(lines(page)).to_have_count(3)
    wire.send(interim(1, "New", session=2), final(9, "late", session=1), final(1, "New.", session=2))
    await expect(lines(page)).to_have_text(["New."])
    assert wire.current is not None
    await wire.current.close(code=1012)
    await wire.connection()
    assert wire.afters[-1] == "2.1"
    wire.send(snapshot(session=3, seq=1, finals=[final(1, "Third.", session=3)], complete=False))
    await expect(lines(page)).to_have_text(["Third."])


async def test_gaps_corrections_and_removals_are_told(wired: tuple[Page, Wire]) -> None:
    page, wire = wired
    said = "The furthest one is above the Ogmor, and it takes half a day to reach."
    wire.send(
        snapshot(seq=4, finals=[final(1, said), gap(2), final(3, "Something else."), final(4, "It is a flat line.")])
    )
    await expect(page.locator(".gap")).to_have_text("About 12 seconds are missing. The speech engine did not answer.")
    below = await lines(page).last.bounding_box()
    wire.send(edit(1, said.replace("Ogmor", "Ogmore")), edit(3, "", hidden=True))
    await expect(page.locator(".fixed")).to_have_text("Ogmore,")
    await expect(page.locator(".fix-note")).to_have_text("corrected")
    await expect(lines(page).nth(1)).to_have_text("A line was removed.")
    assert await lines(page).last.bounding_box() == below, "lines below keep still"
    wire.send(edit(3, "Something else.", rev=2), edit(1, said, rev=2))
    await expect(lines(page).nth(1)).to_have_text("Something else.")
    await expect(page.locator(".fix-note")).to_have_count(0)


async def test_a_gap_says_the_same_drawn_by_server_and_by_script(hall: App, context: BrowserContext) -> None:
    from captions.views.room_words import gap_sentence

    page = await context.new_page()
    await page.goto(f"{hall.url}/r/hall/")
    for ms in (1, 1000, 12_400, 89_000, 150_000):
        for reason in ("speaker_gone", "audio_lost", "engine_down", "engine_busy", "budget", "anything"):
            script = await page.evaluate(
                """async (gap) => (await import("/static/js/captions/wording.js")).gapSentence(gap)""",
                {"start_ms": 0, "end_ms": ms, "reason": reason},
            )
            assert script == gap_sentence(0, ms, reason)


@pytest.mark.parametrize("viewport", [NARROW, WIDE])
@pytest.mark.parametrize("theme", ["light", "dark", "contrast"])
async def test_no_accessibility_fault(hall: App, chromium: Chromium, viewport: dict[str, int], theme: str) -> None:
    context = await chromium(viewport=viewport)
    page, wire = await open_wired(context, f"{hall.url}/r/hall/?theme={theme}")

    async def check(what: str) -> None:
        await page.evaluate(TWO_FRAMES)
        results = await Axe().run(page)
        assert results.violations_count == 0, f"{what}:\n{results.generate_report()}"

    wire.send(snapshot(state="idle", session=0))
    await expect(bar(page)).to_have_text("Not started")
    await check("before the start")
    many = [final(seq, f"Line {seq} was said.") for seq in range(1, 20)]
    wire.send(snapshot(seq=21, finals=[*many, gap(20), final(21, "One more.")], interim=interim(22, SENTENCE)))
    wire.send(edit(19, "Line nineteen was said."), edit(18, "", hidden=True))
    await expect(bar(page)).to_have_text("Live")
    await check("live")
    for name, detail in (("silent", ""), ("paused", ""), ("reconnecting", "engine_down"), ("ended", "")):
        wire.send(state(name, detail))
        await expect(says(page)).to_contain_text(".")
        await check(f"{name} {detail}")
    await page.keyboard.press("PageUp")
    await expect(page.get_by_role("button", name="Back to live")).to_be_visible()
    await check("reading back")
    await page.keyboard.press("f")
    await expect(page.locator(".join")).to_be_visible()
    await check("full screen")


@pytest.mark.parametrize("size", [26, 96])
async def test_no_sideways_scroll_on_a_small_phone(hall: App, chromium: Chromium, size: int) -> None:
    context = await chromium(viewport={"width": 320, "height": 640})
    await context.add_init_script(f"if (location.host) localStorage.setItem('captions.size', '{size}')")
    page, wire = await open_wired(context, f"{hall.url}/r/hall/")
    wire.send(snapshot(), interim(1, SENTENCE + " Donaudampfschifffahrtsgesellschaft"))
    await expect(lines(page)).to_have_count(1)
    for box in ("html", "#captions"):
        assert await page.locator(box).evaluate("(box) => box.scrollWidth - box.clientWidth") == 0


async def test_the_device_chooses_the_theme_unless_the_address_does(hall: App, chromium: Chromium) -> None:
    names = (
        "ground paper ink old soft rule track edge brand on-brand now on-now now-edge "
        "care care-wash bad bad-wash line-w"
    )
    tokens = """(names) => names.split(" ")
      .map((name) => [name, getComputedStyle(document.documentElement).getPropertyValue("--" + name)])"""
    for theme, options in (
        ("light", {"color_scheme": "light"}),
        ("dark", {"color_scheme": "dark"}),
        ("contrast", {"color_scheme": "light", "contrast": "more"}),
    ):
        page = await (await chromium(**options)).new_page()
        await page.goto(f"{hall.url}/r/hall/")
        asked = await page.evaluate(tokens, names)
        other = await (await chromium(color_scheme="light" if theme == "dark" else "dark")).new_page()
        await other.goto(f"{hall.url}/r/hall/?theme={theme}")
        assert await other.evaluate(tokens, names) == asked, theme


async def test_the_address_takes_capitals(hall: App, context: BrowserContext) -> None:
    page = await context.new_page()
    await page.goto(f"{hall.url}/r/HALL/?theme=dark")
    assert page.url == f"{hall.url}/r/hall/?theme=dark"


async def test_the_demo_recogniser_is_named(app: Apps, context: BrowserContext) -> None:
    server = app(env={"CAPTIONS_DEMO_RECOGNISER": "1"})
    server.create_room("hall")
    page = await context.new_page()
    await page.goto(f"{server.url}/r/hall/")
    await expect(page.locator(".ribbon")).to_have_text(
        "Demo: the built-in recogniser is writing these captions. It makes more mistakes than the real engine."
    )
    box = await page.locator("#captions").bounding_box()
    assert box
    assert box["y"] + box["height"] == WIDE["height"], "the ribbon takes its own row"
    assert json.dumps((await Axe().run(page)).response["violations"]) == "[]"
