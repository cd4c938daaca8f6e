"""A speaker's machine: the page in Chromium, what its microphone really heard, and what the page said when."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from playwright.async_api import BrowserContext

from captions.engine.bursts import BurstReader
from tests.cable import Cable
from tests.consumers.talk import Talk
from tests.e2e.speaker_page import SpeakerPage
from tests.e2e.speech import RATE, write_wav
from tests.processes import App
from tests.sockets import Frame

LEAD_S = 6.0
"""Silence before the talk: it is over before the first word when Start is pressed."""
FRAME_S = 0.08

# Bursts do not survive what is made for voices. The frames of the audio thread are kept: the page writes the index of
# its stream into the first 8 bytes of each one that it keeps for the server. And all headings, with their times.
WATCH = """
try {
  const treatment = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  localStorage.setItem("captions.microphone", JSON.stringify({ treatment }));
} catch {
  // A page without storage is not the speaker's.
}
const isFirst = !window.captured; // the context's other pages bring the script once more
window.captured ??= [];
window.told ??= [];
if (isFirst && window.AudioWorkletNode) {
  window.AudioWorkletNode = class extends AudioWorkletNode {
    constructor(...args) {
      super(...args);
      this.port.addEventListener("message", ({ data }) => data.buffer && captured.push(data.buffer));
    }
  };
}
if (isFirst) addEventListener("DOMContentLoaded", () => {
  const [band, title, aside] = ["band", "band-title", "band-aside"].map((id) => document.getElementById(id));
  if (!band) return;
  const look = () => told.push([Date.now() / 1000, title.textContent, aside.textContent]);
  new MutationObserver(look).observe(band, { childList: true, characterData: true, subtree: true });
});
"""
TAKE = """
() => captured.map((buffer) => {
  const bytes = new Uint8Array(buffer);
  let text = "";
  for (let at = 0; at < bytes.length; at += 1) text += String.fromCharCode(bytes[at]);
  return btoa(text);
})
"""


@dataclass(frozen=True)
class Captured:
    """What the microphone gave the page for the server: words and holes, in seconds of the page's stream."""

    words: list[tuple[str, float, float]]
    holes: list[tuple[float, float]]

    @property
    def texts(self) -> list[str]:
        return [text for text, _, _ in self.words]


class Machine:
    """An open speaker's page, raw microphone, watched."""

    def __init__(self, speaker: SpeakerPage) -> None:
        self.speaker = speaker
        self.page = speaker.page

    @classmethod
    async def open(cls, context: BrowserContext, server: App | Cable, room: Frame) -> Self:
        await context.add_init_script(WATCH)
        return cls(await SpeakerPage.open(context, server, room))

    async def until_captured(self, seconds: float, *, within_s: float = 120.0) -> None:
        """Wait until the microphone has played so much of its file, the lead included."""
        await self.page.wait_for_function(
            f"captured.length * {FRAME_S} >= {seconds}", timeout=1000 * within_s, polling=250
        )

    async def captured(self) -> Captured:
        """Return what was captured for the server since the last Start."""
        frames = [base64.b64decode(text) for text in await self.page.evaluate(TAKE)]
        # Frames before Start and in a pause are not for the server: index 0. Each Start begins with 0 anew.
        indexed = [(int.from_bytes(frame[:8], "little"), frame[8:]) for frame in frames]
        rises = [at for at in range(1, len(indexed)) if indexed[at][0] and not indexed[at - 1][0]]
        start = next((at for at in reversed(rises) if indexed[at][0] == len(indexed[at - 1][1]) // 2), 1) - 1
        reader, words, holes, at = BurstReader(RATE), [], [], 0
        for index, pcm in [indexed[start], *((index, pcm) for index, pcm in indexed[start + 1 :] if index)]:
            if index > at:
                holes.append((at / RATE, index / RATE))
                words += reader.read(bytes(2 * (index - at)))
            words += reader.read(pcm)
            at = index + len(pcm) // 2
        words += reader.flush()
        return Captured([(word.text, word.start_s, word.end_s) for word in words], holes)

    async def told(self) -> list[tuple[float, str, str]]:
        """Return the band's headings and asides: [time of day, heading, aside]."""
        rows: list[list[Any]] = await self.page.evaluate("told")
        return [(float(at), str(title), str(aside)) for at, title, aside in rows]

    @staticmethod
    def told_s(
        told: list[tuple[float, str, str]], since: float, *titles: str, until: float = float("inf")
    ) -> float | None:
        """Return the seconds from a time of day to the first of the headings ``titles``; None: not before ``until``."""
        return next((at - since for at, title, _ in told if since <= at < until and title in titles), None)


def microphone_of(talk: Talk, path: Path) -> Path:
    """Write a talk as the sound of a fake microphone, after ``LEAD_S`` of silence."""
    return write_wav(path, talk.pcm, lead_s=LEAD_S)
