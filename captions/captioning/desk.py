"""The captioners of this process: at most one per room."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Final
from uuid import UUID
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from captions.captioning import lease, meter
from captions.captioning.budget import Verdict
from captions.captioning.captioner import Captioner
from captions.captioning.lease import Claim, LeaseLostError
from captions.captioning.scribe import Speaker
from captions.captioning.voice import opening
from captions.database import in_database
from captions.fanout.events import State, encode
from captions.fanout.feed import Item
from captions.fanout.hub import Hub, WatchedRoom, current_hub
from captions.models import Room

ENDING_LIMIT_S: Final = 5.0
YIELD_LIMIT_S: Final = 6.0
YIELD_CHECK_S: Final = 0.1
SWEEP_S: Final = 30.0
NEWER_THAN_ANY: Final = 2**62  # fencing number of what is said of a session that has no captioner any more

logger = logging.getLogger(__name__)


class RoomBusyError(Exception):
    """Another speaker is live in the room."""


class ComeAgainError(Exception):
    """The room cannot be opened just now."""


def _first_look(claim: Claim) -> Verdict:
    """Return what the room may spend, before anything is sent. Raises LeaseLostError."""
    return meter.count_and_look(
        claim.session_id, claim.fence, room_id=claim.room.pk, paid_ms=claim.paid_ms, wants_line=True
    )


class Desk:
    """Finds or makes the captioner a speaker's socket talks to."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep(), name="desk sweeper")
        self._captioners: dict[str, Captioner] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def open(
        self,
        room: Room,
        speaker: Speaker,
        *,
        stream: UUID,
        sample_rate: int,
        take_over: bool,
        after: tuple[int, int] | None = None,
    ) -> Captioner:
        """Attach a speaker's socket to the room's captioner. ``after``: (session, seq) of the newest final it has.

        Raises SetupError, EndpointError, RoomBusyError, SessionOverError, ComeAgainError.
        """
        async with self._locks.setdefault(room.slug, asyncio.Lock()):
            captioner = self._captioners.get(room.slug)
            if captioner is not None and captioner.is_ending:
                try:
                    await asyncio.wait_for(captioner.closed.wait(), ENDING_LIMIT_S)
                except TimeoutError:
                    raise ComeAgainError from None  # the engine is away, and the tail not heard yet
                captioner = None
            if captioner is None:
                captioner = await self._begin(room, stream=stream, sample_rate=sample_rate, take_over=take_over)
            elif captioner.stream != stream and captioner.speaker_is_live() and not take_over:
                raise RoomBusyError
            await captioner.attach(speaker, stream, sample_rate, after)
            return captioner

    async def _begin(self, room: Room, *, stream: UUID, sample_rate: int, take_over: bool) -> Captioner:
        opening(room, sample_rate)  # what the engine would refuse is refused before anything begins
        watched = await self.hub.hold(room.slug)
        if watched is None:
            raise ComeAgainError  # the room was deleted this moment
        try:
            await self._ask_for_the_room(room, watched, stream=stream, take_over=take_over)
            # Whoever still holds the lease by now is dead, or would not let go.
            claim = await in_database(lease.claim, room.pk, stream=stream, sample_rate=sample_rate)
            verdict = await in_database(_first_look, claim)
        except LeaseLostError:
            self.hub.let_go(watched)
            raise ComeAgainError from None
        except BaseException:
            self.hub.let_go(watched)
            raise
        slug = room.slug

        def publish(item: Item) -> None:
            self.hub.publish(slug, item)

        captioner = Captioner(claim, publish, watched, speaker_gone_s=settings.SPEAKER_GONE_S, verdict=verdict)
        # A captioner of another process learns at once that its time is over.
        publish(Item("fence", claim.session, 0, fence=claim.fence))
        self._captioners[slug] = captioner
        self._tasks[slug] = asyncio.create_task(self._run(slug, captioner, watched), name=f"captioner {slug}")
        return captioner

    async def _ask_for_the_room(self, room: Room, watched: WatchedRoom, *, stream: UUID, take_over: bool) -> None:
        """Let the captioner of another process finish what was said there. Raises RoomBusyError."""
        holder = await in_database(lease.held_by_another, room.pk, stream)
        if holder is None or not await self.hub.hears_captioner(watched):
            return  # nobody holds it, or the one who does is dead
        if holder.speaker_here and not take_over:
            raise RoomBusyError
        self.hub.publish(room.slug, Item("yield", watched.feed.session, 0, fence=holder.fence))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(YIELD_LIMIT_S):
                while await in_database(lease.held_by_another, room.pk, stream) is not None:  # noqa: ASYNC110 - a row
                    await asyncio.sleep(YIELD_CHECK_S)

    async def _run(self, slug: str, captioner: Captioner, watched: WatchedRoom) -> None:
        try:
            await captioner.run()
        except Exception:
            logger.exception("the captioner of room %s failed", slug)
        finally:
            if self._captioners.get(slug) is captioner:
                del self._captioners[slug]
                del self._tasks[slug]
            self.hub.let_go(watched)

    async def _sweep(self) -> None:
        """End sessions whose captioner died and whose speaker never came back."""
        while True:
            try:
                for slug, session, seq in await in_database(lease.end_abandoned):
                    frame = encode(State("ended", "", timezone.now().isoformat()))
                    self.hub.publish(slug, Item("state", session, seq, frame, fence=NEWER_THAN_ANY))
            except DatabaseError as error:
                logger.warning("abandoned sessions could not be looked for (%s)", type(error).__name__)
            await asyncio.sleep(min(SWEEP_S, settings.SPEAKER_GONE_S / 4))

    async def close(self) -> None:
        """Write down what was said; the sessions stay open for another process, or this one after its restart."""
        self._sweeper.cancel()
        await asyncio.gather(*(captioner.leave() for captioner in self._captioners.values()), return_exceptions=True)
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(self._sweeper, *self._tasks.values(), return_exceptions=True)


_desks: WeakKeyDictionary[asyncio.AbstractEventLoop, Desk] = WeakKeyDictionary()


def current_desk() -> Desk:
    """Return this process' desk."""
    loop = asyncio.get_running_loop()
    desk = _desks.get(loop)
    if desk is None:
        desk = _desks[loop] = Desk(current_hub())
    return desk
