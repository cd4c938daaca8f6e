"""What every recogniser of the engine does: it takes audio and says which words it heard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Word:
    """A word that will not change any more. Times are seconds of the request's audio."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a piece of audio: words that are now certain, and how long nobody has spoken, in seconds."""

    words: tuple[Word, ...]
    silence_s: float


class RecogniserError(Exception):
    """The recogniser failed; its request is over, another may go well."""


class Recogniser(Protocol):
    """One request's ear. Every method may raise RecogniserError, except close."""

    async def open(self, sample_rate: int) -> None:
        """Get ready for audio at ``sample_rate`` Hz; comes before any audio."""
        ...

    async def hear(self, pcm: bytes) -> Heard:
        """Take the next audio: 16-bit signed little-endian mono PCM, at most a frame of 80 ms."""
        ...

    async def flush(self) -> Heard:
        """Decide on all audio so far."""
        ...

    async def close(self) -> None:
        """Give back what the request held; no other call may follow."""
        ...
