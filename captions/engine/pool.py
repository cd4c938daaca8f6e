"""Decoders in their own processes, lent to one request each."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import Final

from captions.engine.decoder_process import REQUEST
from captions.engine.hearing import Heard, RecogniserError, Word

logger = logging.getLogger(__name__)

_START_S: Final = 60.0
"""A decoder loads its model in half a second; a machine in trouble may take longer."""
_ANSWER_S: Final = 30.0
"""One frame takes milliseconds; a decoder that takes this long is stuck."""
_PROJECT: Final = Path(__file__).resolve().parent.parent.parent


class PoolBusyError(RecogniserError):
    """Every decoder is lent."""

    def __init__(self, decoders: int) -> None:
        super().__init__(
            f"All decoders of this engine ({decoders}) are busy. Try again, or start it with more of them."
        )


class Decoder:
    """The parent's end of one decoder process. One call at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._answering = False

    @classmethod
    async def start(cls) -> Decoder:
        """Start a process and wait until its model is loaded; raises RecogniserError."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "captions.engine.decoder_process",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=_PROJECT,
        )
        decoder = cls(process)
        try:
            await decoder._answer(_START_S)
        except BaseException:
            decoder.kill()
            raise
        return decoder

    @property
    def usable(self) -> bool:
        """Whether another request can be asked of it."""
        # A call that was abandoned leaves its answer in the pipe: nobody may use that decoder any more.
        return not self._answering and self._process.returncode is None

    async def ask(self, kind: bytes, payload: bytes = b"") -> Heard:
        """Send one request and wait for its answer; raises RecogniserError."""
        stdin = self._process.stdin
        if not self.usable or stdin is None:
            raise RecogniserError("The recogniser has stopped.")
        stdin.write(REQUEST.pack(kind, len(payload)) + payload)
        return await self._answer(_ANSWER_S)

    def kill(self) -> None:
        """End the process, whatever it does."""
        if self._process.returncode is None:
            self._process.kill()

    async def stopped(self) -> None:
        """Wait until the process is gone."""
        await self._process.wait()

    async def _answer(self, seconds: float) -> Heard:
        stdout = self._process.stdout
        line = b""
        self._answering = True
        try:
            async with asyncio.timeout(seconds):
                line = await stdout.readline() if stdout is not None else b""
        except TimeoutError as error:
            raise RecogniserError("The recogniser does not answer.") from error
        if not line.endswith(b"\n"):
            raise RecogniserError("The recogniser has stopped.")
        self._answering = False
        words, silence_s = json.loads(line)
        return Heard(tuple(Word(*word) for word in words), silence_s)


class LentDecoder:
    """One request's loan of a decoder: a Recogniser."""

    def __init__(self, pool: DecoderPool, decoder: Decoder) -> None:
        self._pool = pool
        self._decoder = decoder

    async def open(self, sample_rate: int) -> None:
        """Get ready for audio at ``sample_rate`` Hz; raises RecogniserError."""
        await self._decoder.ask(b"O", str(sample_rate).encode())

    async def hear(self, pcm: bytes) -> Heard:
        """Take the next audio; raises RecogniserError."""
        return await self._decoder.ask(b"A", pcm)

    async def flush(self) -> Heard:
        """Decide on all audio so far; raises RecogniserError."""
        return await self._decoder.ask(b"F")

    async def close(self) -> None:
        """Give the decoder back."""
        await self._pool.take_back(self._decoder)


class DecoderPool:
    """At most ``size`` decoders, started when they are needed and kept. An idle one waits on a pipe."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._free = asyncio.Semaphore(size)
        self._idle: list[Decoder] = []

    async def start(self) -> None:
        """Start the first decoder, so that the first request need not wait; raises RecogniserError."""
        self._idle.append(await Decoder.start())

    async def lend(self, wait_s: float = 0.0) -> LentDecoder:
        """Lend a decoder, waiting up to ``wait_s`` seconds for one; raises RecogniserError."""
        if self._free.locked() and wait_s <= 0:
            raise PoolBusyError(self.size)
        try:
            async with asyncio.timeout(wait_s if self._free.locked() else None):
                await self._free.acquire()
        except TimeoutError as error:
            raise PoolBusyError(self.size) from error
        try:
            return LentDecoder(self, await self._idle_decoder() or await Decoder.start())
        except BaseException:
            self._free.release()
            raise

    async def take_back(self, decoder: Decoder) -> None:
        """Take a decoder back; one that failed is ended, and the next request starts another."""
        try:
            await decoder.ask(b"C")
            self._idle.append(decoder)
        except RecogniserError:
            logger.warning("A decoder process failed; another will take its place.")
            decoder.kill()
            await decoder.stopped()
        except BaseException:
            decoder.kill()
            raise
        finally:
            self._free.release()

    async def close(self) -> None:
        """End all idle decoders."""
        while self._idle:
            decoder = self._idle.pop()
            decoder.kill()
            await decoder.stopped()

    async def _idle_decoder(self) -> Decoder | None:
        """Return an idle decoder that still answers."""
        while self._idle:
            decoder = self._idle.pop()
            try:
                await decoder.ask(b"C")
            except RecogniserError:
                decoder.kill()
            else:
                return decoder
        return None
