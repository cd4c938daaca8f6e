"""The speaker page's own arithmetic, run in the browser it is for."""

from __future__ import annotations

import asyncio
import mimetypes
from typing import Any

import pytest
from playwright.async_api import Page, Route

from tests.browser import Chromium
from tests.processes import ROOT

ORIGIN = "http://modules.test"

# Give the resampler a sine, in blocks, and measure what comes out at 24 kHz after it has settled: the level of the same
# sine in decibels, and the level of everything else.
SINE = """
async ([rate, frequency]) => {
  const { Resampler } = await import("/js/speaker/resampler.js");
  const resampler = new Resampler(rate, 24000);
  const out = [];
  for (let at = 0; at < rate; at += 128) {
    const block = new Float32Array(Math.min(128, rate - at));
    for (let i = 0; i < block.length; i += 1) block[i] = Math.sin((2 * Math.PI * frequency * (at + i)) / rate);
    const count = resampler.process(block);
    for (let i = 0; i < count; i += 1) out.push(resampler.output[i]);
  }
  const settled = out.slice(-12000);
  let [cosine, sine, power] = [0, 0, 0];
  settled.forEach((value, i) => {
    const angle = (2 * Math.PI * frequency * i) / 24000;
    cosine += (2 * value * Math.cos(angle)) / settled.length;
    sine += (2 * value * Math.sin(angle)) / settled.length;
    power += value * value;
  });
  let rest = 0;
  settled.forEach((value, i) => {
    const angle = (2 * Math.PI * frequency * i) / 24000;
    rest += (value - cosine * Math.cos(angle) - sine * Math.sin(angle)) ** 2;
  });
  const decibels = (ratio) => 10 * Math.log10(Math.max(ratio, 1e-20));
  const n = settled.length / 2;
  return { gain: decibels(cosine ** 2 + sine ** 2), all: decibels(power / n), rest: decibels(rest / n) };
}
"""


@pytest.fixture
async def modules(chromium: Chromium) -> Page:
    """A page at an origin that serves the static folder."""

    async def serve(route: Route) -> None:
        path = ROOT / "static" / route.request.url.removeprefix(f"{ORIGIN}/")
        if path.is_file():
            await route.fulfill(path=path, content_type=mimetypes.guess_type(path.name)[0])
        else:
            await route.fulfill(body="<!doctype html><title>Modules</title>", content_type="text/html")

    page = await (await chromium()).new_page()
    await page.route(f"{ORIGIN}/**", serve)
    await page.goto(f"{ORIGIN}/")
    return page


async def test_resampling_keeps_what_speech_is_made_of(modules: Page) -> None:
    for rate in (8_000, 16_000, 22_050, 24_000, 44_100, 48_000, 96_000):
        top = 0.9 * min(rate, 24_000) / 2
        for step in range(1, 11):
            # Whole numbers of turns in the half second that is measured.
            frequency = 2 * round(top * step / 20)
            heard = await modules.evaluate(SINE, [rate, frequency])
            assert abs(heard["gain"]) < 0.1, f"{frequency} Hz at {rate} Hz"
            assert heard["rest"] < -60, f"{frequency} Hz at {rate} Hz"


async def test_resampling_lets_nothing_fold_back(modules: Page) -> None:
    for rate in (32_000, 44_100, 48_000, 96_000):
        for step in range(11):
            frequency = 12_000 + step * (rate / 2 - 12_000) / 10.5
            heard = await modules.evaluate(SINE, [rate, frequency])
            assert heard["all"] < -60, f"{frequency} Hz at {rate} Hz"


async def test_resampling_gives_every_sample_whatever_the_blocks(modules: Page) -> None:
    script = """
    async (rate) => {
      const { Resampler } = await import("/js/speaker/resampler.js");
      const input = Float32Array.from({ length: 20000 }, (_, i) => Math.sin(i / 7) * Math.cos(i / 311));
      const run = (sizes) => {
        const resampler = new Resampler(rate, 24000, 2000);
        const out = [];
        for (let at = 0, turn = 0; at < input.length; turn += 1) {
          const block = input.subarray(at, at + sizes[turn % sizes.length]);
          const count = resampler.process(block);
          out.push(...resampler.output.subarray(0, count));
          at += block.length;
        }
        return out;
      };
      const whole = run([2000]);
      const pieces = [run([128]), run([1, 2, 3, 500, 7]), run([441])];
      return { count: whole.length, same: pieces.every((piece) => String(piece) === String(whole)) };
    }
    """
    for rate in (8_000, 11_025, 16_000, 44_100, 48_000, 96_000):
        result = await modules.evaluate(script, rate)
        assert result == {"count": -(-20_000 * 24_000 // rate), "same": True}, f"{rate} Hz"


async def run(modules: Page, body: str) -> Any:
    return await modules.evaluate(f"async () => {{ {body} }}")


async def test_what_is_not_acknowledged_is_sent_again_at_its_place(modules: Page) -> None:
    result = await run(
        modules,
        """
        const { Sender } = await import("/js/speaker/sender.js");
        const sender = new Sender();
        const capture = (n) => {
          for (let i = 0; i < n; i += 1) sender.capture({ buffer: new ArrayBuffer(8 + 3840), samples: 1920 });
        };
        const seen = (items) =>
          items.map((item) => item.type ?? Number(new DataView(item).getBigUint64(0, true)) / 1920);
        sender.connected(0, 0);
        capture(3);
        const first = seen(sender.due(80, 0));
        sender.spool.ack(1920);
        sender.pause();
        const paused = seen(sender.due(160, 0));
        capture(4);
        const nothing = seen(sender.due(240, 0));
        sender.disconnected();
        sender.resume();
        capture(2);
        const cut = seen(sender.due(320, 0));
        sender.connected(3840, 400);
        const again = seen(sender.due(400, 0));
        sender.end();
        const end = seen(sender.due(480, 0));
        return { first, paused, nothing, cut, again, end };
        """,
    )
    assert result == {
        "first": [0, 1, 2],
        "paused": ["pause"],
        "nothing": [],  # said while paused: counted, not sent
        "cut": [],
        "again": [2, "pause", "resume", 7, 8],
        "end": ["end"],
    }


async def test_audio_the_server_has_received_is_kept_until_it_is_safe(modules: Page) -> None:
    result = await run(
        modules,
        """
        const { Sender } = await import("/js/speaker/sender.js");
        const sender = new Sender();
        const capture = (n) => {
          for (let i = 0; i < n; i += 1) sender.capture({ buffer: new ArrayBuffer(8 + 3840), samples: 1920 });
        };
        const seen = (items) =>
          items.map((item) => item.type ?? Number(new DataView(item).getBigUint64(0, true)) / 1920);
        const connect = (nextSample, nowMs) => {
          sender.connected(nextSample, nowMs);
          const waiting = Math.round(sender.waitingS() / 0.08);
          return { waiting, sent: seen(sender.due(nowMs, 0)) };
        };
        capture(6);
        const first = connect(0, 0);
        sender.spool.ack(1920);
        // Back after a blip: the server has heard all but the end of frame 4, and has made none of it safe.
        const blip = connect(4.5 * 1920, 1000);
        capture(1);
        const later = seen(sender.due(1080, 0));
        // Back after a crash, with what was safe.
        const crash = connect(1920, 2000);
        const all = connect(7 * 1920, 3000);
        const lost = sender.lostS;
        sender.spool.ack(7 * 1920);
        return { first, blip, later, crash, all, lost, left: sender.spool.frames.length, kept: sender.spool.kept };
        """,
    )
    assert result == {
        "first": {"waiting": 6, "sent": [0, 1, 2, 3, 4, 5]},
        "blip": {"waiting": 2, "sent": [4, 5]},
        "later": [6],
        "crash": {"waiting": 6, "sent": [1, 2, 3, 4, 5, 6]},
        "all": {"waiting": 0, "sent": []},
        "lost": 0,
        "left": 0,
        "kept": 0,
    }


async def test_a_pause_is_told_again_to_a_server_that_forgot_it(modules: Page) -> None:
    result = await run(
        modules,
        """
        const { Sender } = await import("/js/speaker/sender.js");
        const sender = new Sender();
        const capture = (n) => {
          for (let i = 0; i < n; i += 1) sender.capture({ buffer: new ArrayBuffer(8 + 3840), samples: 1920 });
        };
        const seen = (items) =>
          items.map((item) => item.type ?? Number(new DataView(item).getBigUint64(0, true)) / 1920);
        capture(1);
        sender.pause();
        capture(3);
        sender.resume();
        capture(2);
        sender.connected(0, 0);
        const first = seen(sender.due(0, 0));
        sender.connected(6 * 1920, 1000);
        const blip = seen(sender.due(1000, 0));
        sender.connected(0, 2000);
        const crash = seen(sender.due(2000, 0));
        return { first, blip, crash };
        """,
    )
    told = [0, "pause", "resume", 4, 5]
    assert result == {"first": told, "blip": [], "crash": told}


async def test_catching_up_goes_at_twice_real_time_and_heeds_a_slow_line(modules: Page) -> None:
    result = await run(
        modules,
        """
        const { Sender } = await import("/js/speaker/sender.js");
        const sender = new Sender();
        const frame = () => ({ buffer: new ArrayBuffer(8 + 3840), samples: 1920 });
        for (let i = 0; i < 1000; i += 1) sender.capture(frame());
        sender.connected(0, 0);
        const sent = [];
        for (let s = 0; s <= 20; s += 1) {
          let count = 0;
          for (let ms = 0; ms < 1000; ms += 80) count += sender.due(s * 1000 + ms, 0).length;
          sent.push(count * 0.08);
        }
        sender.connected(0, 30000);
        return { sent, slow: sender.due(30000, 96000).length, waiting: sender.waitingS(48000) };
        """,
    )
    assert sum(result["sent"][:1]) <= 10 + 2
    assert all(seconds <= 2.2 for seconds in result["sent"][1:])
    assert sum(result["sent"]) > 40
    assert result["slow"] == 0
    assert result["waiting"] == pytest.approx(81)


async def test_twice_two_minutes_are_kept_and_what_is_lost_is_counted(modules: Page) -> None:
    result = await run(
        modules,
        """
        const { Sender } = await import("/js/speaker/sender.js");
        const sender = new Sender();
        const frame = () => ({ buffer: new ArrayBuffer(8 + 3840), samples: 1920 });
        const lost = [];
        for (const seconds of [240, 270]) {
          while (sender.index < seconds * 24000) sender.capture(frame());
          lost.push(sender.lostS);
        }
        sender.connected(0, 0);
        const [first] = sender.due(0, 0);
        return { lost, first: Number(new DataView(first).getBigUint64(0, true)) / 24000 };
        """,
    )
    assert result["lost"] == [0, pytest.approx(30)]
    assert result["first"] == pytest.approx(30), "the index says where the hole is"


async def test_what_has_not_arrived_counts_as_waiting(modules: Page) -> None:
    result = await run(
        modules,
        """
        const { Sender } = await import("/js/speaker/sender.js");
        const sender = new Sender();
        const send = (count, nowMs) => {
          for (let i = 0; i < count; i += 1) sender.capture({ buffer: new ArrayBuffer(8 + 3840), samples: 1920 });
          // A second of audio at a time.
          for (let turn = 0; turn < 3; turn += 1) sender.due(nowMs, 0);
        };
        const waiting = () => Math.round(sender.waitingS() / 0.08);
        sender.connected(0, 0);
        send(20, 0);
        const found = [waiting()]; // under way: nothing to speak of
        send(20, 1600);
        found.push(waiting());
        sender.arrived(30 * 1920);
        found.push(waiting());
        sender.disconnected();
        send(1, 3300);
        found.push(waiting());
        sender.connected(38 * 1920, 3400);
        found.push(waiting());
        return { found, next: Number(new DataView(sender.due(3400, 0)[0]).getBigUint64(0, true)) / 1920 };
        """,
    )
    assert result == {"found": [0, 40, 0, 11, 3], "next": 38}


async def test_sound_that_never_came_is_noticed_where_it_is_missing(modules: Page) -> None:
    result = await run(
        modules,
        """
        const { CaptureClock } = await import("/js/speaker/capture-clock.js");
        // Frames come a little early and late; `late` says by how many ms more frame i does.
        const listen = (late) => {
          const clock = new CaptureClock(24000);
          const came = [];
          let held = 0;
          for (let i = 0; i < 200; i += 1) {
            const now = clock.take({ number: i, samples: 1920, at: 1e12 + 80 * i + (i % 3) * 10 + late(i) });
            came.push(...now);
            held = Math.max(held, i + 1 - came.length);
          }
          came.push(...clock.rest());
          const whole = came.length === 200 && came.every(({ frame }, place) => frame.number === place);
          const holes = came.filter(({ missing }) => missing > 0);
          return { whole, held, holes: holes.map(({ frame, missing }) => [frame.number, missing / 24000]) };
        };
        const hole = (ms) => (i) => (i >= 100 ? ms : 0);
        const trickle = () => {
          const clock = new CaptureClock(24000);
          let missing = 0;
          for (let i = 0; i < 2000; i += 1) {
            for (const timed of clock.take({ samples: 1920, at: 1e12 + 80.5 * i })) missing += timed.missing;
          }
          return missing / 24000;
        };
        return {
          none: listen(hole(0)),
          short: listen(hole(150)),
          long: listen(hole(2000)),
          // Frame 100 and the three after it come 600 ms late, all at once, then all is as it was.
          burst: listen((i) => (i >= 100 && i < 104 ? 600 - 80 * (i - 100) : 0)),
          trickle: trickle(),
        };
        """,
    )
    assert result == {
        "none": {"whole": True, "held": 0, "holes": []},
        "short": {"whole": True, "held": 0, "holes": []},
        "long": {"whole": True, "held": 7, "holes": [[100, pytest.approx(2, abs=0.1)]]},
        "burst": {"whole": True, "held": 4, "holes": []},
        "trickle": 0,
    }


async def test_reconnecting_waits_by_chance_and_never_long(modules: Page) -> None:
    result = await run(
        modules,
        """
        const { afterClose, retryDelay } = await import("/js/speaker/retry.js");
        return {
          least: [1, 2, 3, 4, 9].map((attempt) => retryDelay(attempt, 0)),
          most: [1, 2, 3, 4, 9].map((attempt) => retryDelay(attempt, 1)),
          retry: [1006, 1011, 1012, 1013].map(afterClose),
          stop: [1000, 1009, 4400, 4401, 4404, 4409, 4410, 4429].map(afterClose),
        };
        """,
    )
    assert result["least"] == [0, 1000, 1000, 1000, 2500]
    assert result["most"] == [1000, 2000, 2000, 2000, 5000]
    assert set(result["retry"]) == {"retry"}
    assert set(result["stop"]) == {"stop"}


async def test_a_ticket_that_never_comes_is_given_up_in_older_browsers_too(modules: Page) -> None:
    asked = asyncio.Event()

    async def never_answer(_: Route) -> None:
        asked.set()

    await modules.route(f"{ORIGIN}/ticket/", never_answer)
    await modules.clock.install()
    await modules.evaluate(
        """async (ticketUrl) => {
          delete AbortSignal.timeout; // Safari has it from 16 on
          const { Link } = await import("/js/speaker/link.js");
          window.check = new Link({ ticketUrl, socketUrl: "", token: "token", on: {} }).check();
        }""",
        f"{ORIGIN}/ticket/",
    )
    await asyncio.wait_for(asked.wait(), 10)
    await modules.clock.fast_forward(10_000)
    assert await modules.evaluate("check") == {"code": "unreachable", "message": ""}


async def test_the_meter_tells_quiet_good_and_loud_apart(modules: Page) -> None:
    result = await run(
        modules,
        """
        const { Level } = await import("/js/speaker/level.js");
        const hear = (rms, peak, frames = 150) => {
          const level = new Level();
          for (let i = 0; i < frames; i += 1) level.push(rms, peak, 0.08);
          return [level.word, level.tip, level.deadS >= 10];
        };
        return {
          off: hear(0, 0),
          room: hear(0.0005, 0.002),
          whisper: hear(0.005, 0.02),
          voice: hear(0.07, 0.4),
          short: hear(0.005, 0.02, 20),
          shout: hear(0.4, 0.9),
          clipped: hear(0.07, 1),
        };
        """,
    )
    assert result == {
        "off": ["none", None, True],
        "room": ["none", None, False],
        "whisper": ["quiet", "quiet", False],
        "voice": ["good", None, False],
        "short": ["quiet", None, False],
        "shout": ["loud", "loud", False],
        "clipped": ["loud", "loud", False],
    }
