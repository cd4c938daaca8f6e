"""Sound for a fake microphone, and the comparison of what was read with what was said."""

from __future__ import annotations

import array
import re
import wave
from difflib import SequenceMatcher
from pathlib import Path

from tests.processes import ROOT

SAMPLE = ROOT / "captions/audio/sample"
LEAD_S = 3.0
"""Silence at the start of every file: it plays from the moment a page opens the microphone, before Start is pressed."""
RATE = 24_000


def write_wav(path: Path, pcm: bytes, *, lead_s: float = LEAD_S) -> Path:
    """Write 16-bit mono PCM of 24 kHz after some silence."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(bytes(2 * round(lead_s * RATE)) + pcm)
    return path


def sentences() -> list[tuple[str, bytes]]:
    """Return the shipped minute's sentences, each with its sound and the silence after it."""
    with wave.open(str(SAMPLE / "minute.wav")) as file:
        assert file.getframerate() == RATE
        samples = array.array("h", file.readframes(file.getnframes()))
    texts = (SAMPLE / "minute.txt").read_text().splitlines()
    # The file is made of sentences with 0.7 s of nothing after each; the voice's own pauses are shorter.
    silence, parts, start, quiet = round(0.65 * RATE), [], 0, 0
    heard = False
    for at, sample in enumerate(samples):
        quiet = 0 if abs(sample) > 2 else quiet + 1
        heard = heard or quiet == 0
        if heard and quiet == silence:
            parts.append(samples[start:at].tobytes())
            start, heard = at, False
    assert len(parts) == len(texts), f"{len(parts)} pieces of sound for {len(texts)} sentences"
    return list(zip(texts, parts, strict=True))


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower().replace("’", "'"))


def share_in_order(spoken: str, read: str) -> float:
    """Return which share of the spoken words was read, in their order."""
    said, seen = words(spoken), words(read)
    blocks = SequenceMatcher(None, said, seen, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / len(said)
