"""The messages of Gradium's streaming speech-to-text socket, as values. Pure: text in, values out, and back.

Both directions are here, because the embedded engine is the other end of the same wire. Reading is strict: a message
that lacks a field, or has one of a wrong type, raises ProtocolError instead of being guessed at; unknown fields are
ignored, as a server may add some. Times are seconds on the decoder's clock, which runs ahead of the audio by the
session's ``delay_in_frames`` (Gradium's guides; see ``Ready.lead_s``).
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from captions.gradium.setup import FRAME_S, Setup, SetupError

POLICY: Final = 1008
"""Error and close code for a bad key, setup or format: trying again does not help."""
INTERNAL: Final = 1011
"""Error and close code for a failure of the service: trying again may help."""


class ProtocolError(ValueError):
    """A message that the protocol does not allow. The text never holds the message's audio."""


@dataclass(frozen=True, slots=True)
class Start:
    """``setup``, the first message of a client."""

    setup: Setup
    client_req_id: str | None = None
    close_ws_on_eos: bool = True
    retry_for_s: float | None = None


@dataclass(frozen=True, slots=True)
class Audio:
    """``audio``: bytes in the setup's ``input_format``; 80 ms a message is best."""

    pcm: bytes
    client_req_id: str | None = None


@dataclass(frozen=True, slots=True)
class Flush:
    """``flush``: process what was sent now. The id comes back as it was given, a number or a string."""

    flush_id: int | str
    client_req_id: str | None = None


@dataclass(frozen=True, slots=True)
class EndOfStream:
    """``end_of_stream``, in both directions."""

    client_req_id: str | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """``ready``: the session is open."""

    request_id: str
    model_name: str
    sample_rate: int
    frame_size: int
    delay_in_frames: int | None
    text_stream_names: tuple[str, ...] = ()

    @property
    def lead_s(self) -> float | None:
        """Seconds by which word times run ahead of the audio; None if the server did not say its delay."""
        return None if self.delay_in_frames is None else self.delay_in_frames * FRAME_S


@dataclass(frozen=True, slots=True)
class Text:
    """``text``: usually one word, without separators; never revised later."""

    text: str
    start_s: float
    stream_id: int | None = None


@dataclass(frozen=True, slots=True)
class EndText:
    """``end_text``: when the last ``text`` ended."""

    stop_s: float
    stream_id: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """``step``: one per 80 ms of audio processed, with the likelihood of silence per horizon in seconds."""

    inactivity: Mapping[float, float]
    step_idx: int
    total_duration_s: float
    step_duration_s: float = FRAME_S


@dataclass(frozen=True, slots=True)
class Flushed:
    """``flushed``: all audio before the flush was processed; its text may still trail by a moment."""

    flush_id: int | str


@dataclass(frozen=True, slots=True)
class ErrorMessage:
    """``error``: the request is over."""

    message: str
    code: int


ClientMessage: TypeAlias = Start | Audio | Flush | EndOfStream
ServerMessage: TypeAlias = Ready | Text | EndText | Step | Flushed | EndOfStream | ErrorMessage


# Reading ------------------------------------------------------------------------------------------------------------


class _Fields:
    """Typed access to one decoded message; every refusal names the message and the field."""

    def __init__(self, kind: str, data: Mapping[str, object]) -> None:
        self.kind = kind
        self.data = data

    def wrong(self, name: str, wanted: str) -> ProtocolError:
        state = "is missing" if name not in self.data else f"must be {wanted}"
        return ProtocolError(f"{self.kind}: {name} {state}.")

    def text(self, name: str) -> str:
        value = self.data.get(name)
        if not isinstance(value, str):
            raise self.wrong(name, "a string")
        return value

    def optional_text(self, name: str) -> str | None:
        return None if self.data.get(name) is None else self.text(name)

    def whole(self, name: str) -> int:
        value = self.data.get(name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.wrong(name, "a whole number")
        return value

    def optional_whole(self, name: str) -> int | None:
        return None if self.data.get(name) is None else self.whole(name)

    def seconds(self, name: str) -> float:
        value = self.data.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self.wrong(name, "a number of seconds")
        return float(value)

    def flush_id(self) -> int | str:
        value = self.data.get("flush_id")
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise self.wrong("flush_id", "a whole number or a string")
        return value


_scan: Final = json.JSONDecoder().raw_decode


def _load(frame: str) -> object:
    """Return what ``json.loads`` returns; without its detours where, as nearly always, no blanks surround the value."""
    try:
        data, end = _scan(frame)
    except ValueError:
        end = -1
    return data if end == len(frame) else json.loads(frame)


def _decode(frame: str | bytes) -> _Fields:
    if not isinstance(frame, str):
        raise ProtocolError("Messages are JSON in text frames; this frame was binary.")
    try:
        data = _load(frame)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("Messages are JSON; this one could not be read.") from error
    if not isinstance(data, dict) or not isinstance(data.get("type"), str):
        raise ProtocolError('Messages are JSON objects with a "type".')
    return _Fields(data["type"], data)


def _read_setup(fields: _Fields) -> Start:
    config = fields.data.get("json_config")
    if isinstance(config, str):
        try:
            config = json.loads(config) if config.strip() else {}
        except (ValueError, RecursionError) as error:
            raise ProtocolError("setup: json_config is a string, but not JSON.") from error
    if config is None:
        config = {}
    if not isinstance(config, dict):
        raise fields.wrong("json_config", "an object, or the same as a JSON string")
    retry_for_s = None if fields.data.get("retry_for_s") is None else fields.seconds("retry_for_s")
    close_ws_on_eos = fields.data.get("close_ws_on_eos", True)
    if not isinstance(close_ws_on_eos, bool):
        raise fields.wrong("close_ws_on_eos", "true or false")
    try:
        setup = Setup.from_wire(
            fields.data.get("model_name", "default"), fields.data.get("input_format", "pcm"), config
        )
    except SetupError as error:
        raise ProtocolError(f"setup: {error}") from error
    return Start(setup, fields.optional_text("client_req_id"), close_ws_on_eos, retry_for_s)


def read_client_message(frame: str | bytes) -> ClientMessage:
    """Read a frame a client sent; raises ProtocolError."""
    fields = _decode(frame)
    match fields.kind:
        case "setup":
            return _read_setup(fields)
        case "audio":
            try:
                pcm = base64.b64decode(fields.text("audio"), validate=True)
            except (binascii.Error, ValueError) as error:
                if isinstance(error, ProtocolError):
                    raise
                raise ProtocolError("audio: audio is not base64.") from error
            return Audio(pcm, fields.optional_text("client_req_id"))
        case "flush":
            return Flush(fields.flush_id(), fields.optional_text("client_req_id"))
        case "end_of_stream":
            return EndOfStream(fields.optional_text("client_req_id"))
    raise ProtocolError("A client sends setup, audio, flush or end_of_stream.")


def _read_ready(fields: _Fields) -> Ready:
    names = fields.data.get("text_stream_names")
    if names is not None and not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        raise fields.wrong("text_stream_names", "a list of names")
    return Ready(
        request_id=fields.text("request_id"),
        model_name=fields.optional_text("model_name") or "",
        sample_rate=fields.optional_whole("sample_rate") or 24_000,
        frame_size=fields.optional_whole("frame_size") or 1_920,
        delay_in_frames=fields.optional_whole("delay_in_frames"),
        text_stream_names=tuple(names or ()),
    )


def _read_step(fields: _Fields) -> Step:
    vad = fields.data.get("vad")
    if not isinstance(vad, list):
        raise fields.wrong("vad", "a list")
    inactivity: dict[float, float] = {}
    for entry in vad:
        if not isinstance(entry, dict):
            raise fields.wrong("vad", "a list of objects")
        horizon, chance = entry.get("horizon_s"), entry.get("inactivity_prob")
        # Steps are most of what comes. Two finite floats, as nearly always, need no closer look.
        if type(horizon) is float and type(chance) is float and math.isfinite(horizon + chance):
            inactivity[horizon] = chance
        else:
            one = _Fields("step", entry)
            inactivity[one.seconds("horizon_s")] = one.seconds("inactivity_prob")
    duration = FRAME_S if fields.data.get("step_duration_s") is None else fields.seconds("step_duration_s")
    return Step(inactivity, fields.whole("step_idx"), fields.seconds("total_duration_s"), duration)


def _visible(text: str) -> str:
    """Return text without control characters and halves of characters: no database and no page can hold those."""
    if text.isprintable():
        return text
    return "".join(char for char in text if unicodedata.category(char) not in ("Cc", "Cs") or char.isspace())


def read_server_message(frame: str | bytes) -> ServerMessage | None:
    """Read a frame a server sent; None for a type of message that is not known yet. Raises ProtocolError."""
    fields = _decode(frame)
    match fields.kind:
        case "ready":
            return _read_ready(fields)
        case "text":
            return Text(_visible(fields.text("text")), fields.seconds("start_s"), fields.optional_whole("stream_id"))
        case "end_text":
            return EndText(fields.seconds("stop_s"), fields.optional_whole("stream_id"))
        case "step":
            return _read_step(fields)
        case "flushed":
            return Flushed(fields.flush_id())
        case "end_of_stream":
            return EndOfStream(fields.optional_text("client_req_id"))
        case "error":
            return ErrorMessage(fields.text("message"), fields.optional_whole("code") or INTERNAL)
    return None


# Writing ------------------------------------------------------------------------------------------------------------

_encode: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def _object(message: ClientMessage | ServerMessage) -> dict[str, object]:
    match message:
        case Start(setup, client_req_id, close_ws_on_eos, retry_for_s):
            fields: dict[str, object] = {
                "type": "setup",
                "model_name": setup.model_name,
                "input_format": setup.input_format,
                "json_config": setup.json_config(),
            }
            if client_req_id is not None:
                fields["client_req_id"] = client_req_id
            if not close_ws_on_eos:
                fields["close_ws_on_eos"] = False
            if retry_for_s is not None:
                fields["retry_for_s"] = retry_for_s
            return fields
        case Audio(pcm):
            return {"type": "audio", "audio": base64.b64encode(pcm).decode("ascii")}
        case Flush(flush_id):
            return {"type": "flush", "flush_id": flush_id}
        case EndOfStream():
            return {"type": "end_of_stream"}
        case Ready():
            return {
                "type": "ready",
                "request_id": message.request_id,
                "model_name": message.model_name,
                "sample_rate": message.sample_rate,
                "frame_size": message.frame_size,
                "delay_in_frames": message.delay_in_frames,
                "text_stream_names": list(message.text_stream_names),
            }
        case Text(text, start_s, stream_id):
            return {"type": "text", "text": text, "start_s": start_s, "stream_id": stream_id}
        case EndText(stop_s, stream_id):
            return {"type": "end_text", "stop_s": stop_s, "stream_id": stream_id}
        case Step():
            return {
                "type": "step",
                "vad": [{"horizon_s": horizon, "inactivity_prob": p} for horizon, p in message.inactivity.items()],
                "step_idx": message.step_idx,
                "step_duration_s": message.step_duration_s,
                "total_duration_s": message.total_duration_s,
            }
        case Flushed(flush_id):
            return {"type": "flushed", "flush_id": flush_id}
        case ErrorMessage(text, code):
            return {"type": "error", "message": text, "code": code}


def write_message(message: ClientMessage | ServerMessage, client_req_id: str | None = None) -> str:
    """Return the text frame of a message, of either direction.

    ``client_req_id`` marks a server's message as part of that request; a client's message holds its own.
    """
    fields = _object(message)
    client_req_id = client_req_id or getattr(message, "client_req_id", None)
    if client_req_id is not None:
        fields["client_req_id"] = client_req_id
    return _encode(fields)


def write_audio(pcm: bytes) -> bytes:
    """Return what ``write_message`` returns for ``Audio(pcm)``, as UTF-8: the frame that is sent most, by far."""
    return b'{"type":"audio","audio":"' + binascii.b2a_base64(pcm, newline=False) + b'"}'
