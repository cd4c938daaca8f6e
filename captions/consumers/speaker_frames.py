"""What a speaker's socket brings, checked. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias
from uuid import UUID

from captions.gradium.setup import PCM_RATES

HEADER_BYTES: Final = 8
MAX_FRAME_BYTES: Final = 64 * 1024
# No talk has a longer hole than this (h).
MAX_JUMP_H: Final = 24
AFTER: Final = re.compile(r"\d{1,9}\.\d{1,9}")


class FrameError(ValueError):
    """A frame the protocol does not allow: ``code`` of the error, close code, and a sentence."""

    def __init__(self, code: str, close: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.close = close


@dataclass(frozen=True, slots=True)
class Hello:
    """The first frame."""

    ticket: str
    stream: UUID
    sample_rate: int
    take_over: bool
    after: tuple[int, int] | None = None  # session and seq of the newest final the speaker was shown


@dataclass(frozen=True, slots=True)
class Audio:
    """16-bit little-endian mono samples from ``index`` on."""

    index: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class Command:
    """What the speaker wants."""

    name: Literal["pause", "resume", "end"]


Frame: TypeAlias = Audio | Command


def _object(text: str, code: str) -> dict[str, object]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise FrameError(code, 4400, "A text frame must hold a JSON object.")
    return data


def _check_size(size: int) -> None:
    if size > MAX_FRAME_BYTES:
        raise FrameError(
            "too_big", 1009, f"A frame holds at most {MAX_FRAME_BYTES // 1024} KiB; 80 ms of audio is best."
        )


def read_hello(text: str | None) -> Hello:
    """Read the first frame; ``text`` is None for a binary one. Raises FrameError."""
    if text is None:
        raise FrameError("bad_hello", 4400, "The first frame must be the hello, as text; audio comes after ready.")
    _check_size(len(text))
    data = _object(text, "bad_hello")
    ticket, take_over = data.get("ticket"), data.get("take_over", False)
    rate = data.get("sample_rate", 24_000)
    if data.get("type") != "hello" or not isinstance(ticket, str):
        raise FrameError("bad_hello", 4400, 'The first frame must be {"type":"hello","ticket":...,"stream":...}.')
    try:
        stream = UUID(str(data.get("stream")))
    except ValueError:
        raise FrameError("bad_hello", 4400, "hello: stream must be a UUID.") from None
    if not isinstance(rate, int) or rate not in PCM_RATES:
        rates = ", ".join(map(str, PCM_RATES))
        raise FrameError("bad_hello", 4400, f"hello: sample_rate must be one of {rates}.")
    if not isinstance(take_over, bool):
        raise FrameError("bad_hello", 4400, "hello: take_over must be true or false.")
    after = data.get("after")
    if after is not None and not (isinstance(after, str) and AFTER.fullmatch(after)):
        raise FrameError("bad_hello", 4400, 'hello: after must be "session.seq" of the newest final you have.')
    session, _, seq = (after or "").partition(".")
    return Hello(ticket, stream, rate, take_over, (int(session), int(seq)) if after else None)


def read_frame(text: str | None, data: bytes | None, *, next_sample: int, sample_rate: int) -> Frame:
    """Read a frame after the hello. Raises FrameError."""
    if data is not None:
        return _read_audio(data, next_sample=next_sample, sample_rate=sample_rate)
    _check_size(len(text or ""))
    name = _object(text or "", "bad_frame").get("type")
    if name == "pause" or name == "resume" or name == "end":  # noqa: PLR1714 - spelled out for the type checker
        return Command(name)
    raise FrameError("bad_frame", 4400, "A text frame must be pause, resume or end.")


def _read_audio(data: bytes, *, next_sample: int, sample_rate: int) -> Audio:
    _check_size(len(data))
    if len(data) < HEADER_BYTES:
        raise FrameError("bad_frame", 4400, "An audio frame begins with 8 bytes: the index of its first sample.")
    if len(data) % 2:
        raise FrameError("bad_frame", 4400, "Audio is 16-bit samples: a frame has an even number of bytes.")
    index = int.from_bytes(data[:HEADER_BYTES], "little")
    if index > next_sample + MAX_JUMP_H * 3600 * sample_rate:
        raise FrameError("bad_frame", 4400, "The index of this frame is days ahead of the audio before it.")
    return Audio(index, data[HEADER_BYTES:])
