"""``python -m captions.bench.engine``: Gradium's protocol for load. It hears the words of ``talk``, whatever is said.

Of the audio it reads nothing but the length, so 100 sessions in real time cost it little. It is no test of a client:
the embedded engine (docs/engine.md) is.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Final, cast

import uvloop

from captions.bench import talk
from captions.bench.events import tell
from captions.bench.wire import CLOSE, PING, PONG, TEXT, Reader, frame, unmask, upgrade_answer

PREFIX_BYTES: Final = 48  # holds what stands before the base64 of an audio message
_SILENCE: Final = b"A" * 8  # in base64
SURE_S: Final = 0.5  # silence as long as this is taken for the end of the utterance
_VAD: Final = {
    silent: json.dumps(
        [{"horizon_s": horizon, "inactivity_prob": p} for horizon, p in zip((0.5, 1.0, 2.0, 3.0), chances, strict=True)]
    )
    for silent, chances in ((False, (0.0312, 0.0174, 0.0089, 0.0041)), (True, (0.9921, 0.9713, 0.9342, 0.8815)))
}


def _text(body: str) -> bytes:
    return frame(TEXT, body.encode())


class Session(asyncio.Protocol):
    """One connection."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._reader = Reader()
        self._upgraded = False
        self._frame_bytes = talk.FRAME_BYTES
        self._bytes = 0
        self._steps = 0
        self._heard = self._told = 0  # words that have ended; words that were sent
        self._lead_s = 0.0
        self._begins_s: float | None = None  # where the talk begins: silence may come first

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's own, which is none by name

    def data_received(self, data: bytes) -> None:
        """Answer what is whole."""
        if not self._upgraded:
            head = self._reader.head(data)
            if head is None:
                return
            self._upgraded = True
            self.transport.write(upgrade_answer(head))
            data = b""
        for opcode, mask, payload in self._reader.frames(data):
            if opcode == TEXT:
                self._take(mask, payload)
            elif opcode == PING:
                self.transport.write(frame(PONG, unmask(mask, payload)))
            elif opcode == CLOSE:
                self.transport.write(frame(CLOSE, unmask(mask, payload)))
                self.transport.close()

    def _take(self, mask: bytes, payload: bytes) -> None:
        start = unmask(mask, payload[:PREFIX_BYTES])
        key = start.find(b'"audio"', start.find(b'"audio"') + 1)
        if key >= 0:
            begin = start.index(b'"', key + 7) + 1
            end = payload[-4:]
            padding = unmask(mask, end, len(payload) - len(end)).count(b"=")
            is_silent = unmask(mask, payload[begin : begin + len(_SILENCE)], begin) == _SILENCE
            self._audio((len(payload) - begin - 2) // 4 * 3 - padding, is_silent=is_silent)
            return
        message = json.loads(unmask(mask, payload))
        match message["type"]:
            case "setup":
                self._setup(message)
            case "flush":
                answer = _text(json.dumps({"type": "flushed", "flush_id": message["flush_id"]}))
                self.transport.write(self._words(flush=True) + answer)
            case "end_of_stream":
                end_of_stream = _text('{"type":"end_of_stream"}')
                self.transport.write(self._words(flush=True) + end_of_stream + frame(CLOSE, b"\x03\xe8"))

    def _setup(self, message: dict[str, object]) -> None:
        config = message.get("json_config")
        delay = config.get("delay_in_frames", 10) if isinstance(config, dict) else 10
        rate = int(str(message["input_format"]).partition("_")[2] or talk.RATE)
        self._frame_bytes = round(rate * talk.FRAME_S) * 2
        self._lead_s = delay * talk.FRAME_S
        ready: dict[str, object] = {
            "type": "ready",
            "request_id": "bench",
            "model_name": "default",
            "sample_rate": talk.RATE,
            "frame_size": talk.FRAME_BYTES // 2,
            "delay_in_frames": delay,
            "text_stream_names": [],
        }
        self.transport.write(_text(json.dumps(ready)))

    def _audio(self, size: int, *, is_silent: bool) -> None:
        if self._begins_s is None and not is_silent:
            self._begins_s = self._bytes // self._frame_bytes * talk.FRAME_S - talk.FIRST_SOUND_S
        self._bytes += size
        out = b""
        while (self._steps + 1) * self._frame_bytes <= self._bytes:
            self._steps += 1
            at_s = self._steps * talk.FRAME_S
            spoken_s = at_s - self._begins_s if self._begins_s is not None else 0.0
            while talk.word_starts_s(self._heard) + talk.SPOKEN_S <= spoken_s:
                self._heard += 1
            vad = _VAD[talk.silence_s(spoken_s, self._heard) >= SURE_S]
            out += _text(
                f'{{"type": "step", "vad": {vad}, "step_idx": {self._steps - 1}, '
                f'"step_duration_s": 0.08, "total_duration_s": {at_s:.2f}}}'
            )
            out += self._words(flush=False)
        if out:
            self.transport.write(out)

    def _words(self, *, flush: bool) -> bytes:
        """Return the texts that are due: those the decoder has read far enough behind, at a flush all."""
        out = b""
        while self._told < self._heard:
            start_s = (self._begins_s or 0.0) + talk.word_starts_s(self._told) + self._lead_s
            if not flush and start_s > self._steps * talk.FRAME_S:
                break
            word = talk.write_word(self._told, time.monotonic())
            self._told += 1
            out += _text(f'{{"type": "text", "text": "{word}", "start_s": {start_s:.3f}, "stream_id": null}}')
            out += _text(f'{{"type": "end_text", "stop_s": {start_s + talk.SPOKEN_S:.3f}, "stream_id": null}}')
        return out


async def main() -> None:
    """Listen on a free port until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Session, "127.0.0.1", 0, backlog=1024)
    port = server.sockets[0].getsockname()[1]
    tell(event="listening", url=f"ws://127.0.0.1:{port}/api/speech/asr")
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
