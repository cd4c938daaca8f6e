"""The shipped minute of speech, and how much of it was heard."""

from __future__ import annotations

import difflib
import re
import wave
from array import array
from pathlib import Path

import captions

SAMPLE = Path(captions.__file__).parent / "audio" / "sample"
WAV = SAMPLE / "minute.wav"
SENTENCES = (SAMPLE / "minute.txt").read_text().splitlines()


def words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def share_heard(wanted: list[str], got: list[str]) -> float:
    """Return the share of the wanted words that stand in ``got``, in order."""
    matcher = difflib.SequenceMatcher(None, wanted, got, autojunk=False)
    return sum(block.size for block in matcher.get_matching_blocks()) / len(wanted)


def pcm(seconds: float | None = None) -> tuple[bytes, int]:
    """Return the first seconds of the sample as 16-bit PCM, and its rate."""
    with wave.open(str(WAV)) as wav:
        rate = wav.getframerate()
        return wav.readframes(wav.getnframes() if seconds is None else round(seconds * rate)), rate


def stretches_s() -> list[tuple[float, float]]:
    """Return where the sample is loud: start and end of each stretch between pauses of half a second or more."""
    data, rate = pcm()
    samples = array("h", data)
    block = rate // 200
    loud = [
        at / 200 for at in range(len(samples) // block) if max(map(abs, samples[at * block : (at + 1) * block])) > 300
    ]
    stretches = [[loud[0], loud[0]]]
    for at in loud:
        if at - stretches[-1][1] > 0.5:
            stretches.append([at, at])
        stretches[-1][1] = at + 0.005
    return [(start, end) for start, end in stretches]
