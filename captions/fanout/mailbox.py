"""What waits for one reader. A slow one gets fewer interims, never fewer finals, and never holds up another."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

MAX_CHARS: Final = 256 * 1024
MAX_FRAMES: Final = 1_000


class ReaderTooSlowError(Exception):
    """More waits than a reader may leave waiting: it has to come back and resume."""


class MailboxClosedError(Exception):
    """The reader is gone."""


class Mailbox:
    """A bounded queue of frames for one reader; put without waiting, taken by the reader's own task."""

    __slots__ = ("_chars", "_closed", "_frames", "_overflow", "_waiter")

    def __init__(self) -> None:
        self._frames: deque[tuple[str, int, int]] = deque()  # frame, interim_of, what it counts
        self._chars = 0
        self._waiter: asyncio.Future[None] | None = None
        self._overflow = False
        self._closed = False

    def put_first(self, frame: str) -> None:
        """Add the snapshot, which may be larger than the bound: the reader asked for it."""
        self._frames.append((frame, 0, 0))

    def put(self, frame: str, *, interim_of: int = 0) -> None:
        """Add a frame. An interim of the same ``seq`` that still waits is replaced, as the newest holds it all."""
        if self._overflow:
            return
        if interim_of and self._frames and self._frames[-1][1] == interim_of:
            self._chars -= self._frames.pop()[2]
        self._frames.append((frame, interim_of, len(frame)))
        self._chars += len(frame)
        if len(self._frames) > MAX_FRAMES or self._chars > MAX_CHARS:
            self._overflow = True
            self._frames.clear()
        self._wake()

    def close(self) -> None:
        """The reader is gone: ``take`` raises from now on."""
        self._closed = True
        self._frames.clear()
        self._wake()

    def rest(self) -> list[str]:
        """Return all that still waits, oldest first."""
        rest = [frame for frame, _, _ in self._frames]
        self._frames.clear()
        return rest

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def take(self) -> str:
        """Return the oldest frame, waiting for one. Raises ReaderTooSlowError, MailboxClosedError."""
        while not self._frames:
            if self._closed:
                raise MailboxClosedError
            if self._overflow:
                raise ReaderTooSlowError
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        frame, _, counted = self._frames.popleft()
        self._chars -= counted
        return frame
