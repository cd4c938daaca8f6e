"""The captioners of this process: at most one per room."""

from __future__ import annotations

import asyncio
import logging
import os
from uuid import UUID
from weakref import WeakKeyDictionary

from django.conf import settings

from captions.captioning import lease
from captions.captioning.captioner import Captioner
from captions.captioning.database import in_database
from captions.captioning.lease import RoomBusyError
from captions.captioning.scribe import Speaker
from captions.fanout.feed import Item
from captions.fanout.hub import Hub, WatchedRoom, current_hub
from captions.gradium.session import Target, endpoint_url
from captions.models import Room

logger = logging.getLogger(__name__)


class Desk:
    """Finds or makes the captioner a speaker's socket talks to."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._captioners: dict[str, Captioner] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def open(self, room: Room, speaker: Speaker, *, stream: UUID, sample_rate: int, take_over: bool) -> Captioner:
        """Attach a speaker's socket to the room's captioner.

        Raises SetupError, EndpointError, RoomBusyError, SessionOverError, LeaseLostError.
        """
        async with self._locks.setdefault(room.slug, asyncio.Lock()):
            captioner = self._captioners.get(room.slug)
            if captioner is not None and captioner.is_ending:
                await captioner.closed.wait()
                captioner = None
            if captioner is None:
                captioner = await self._begin(room, stream=stream, sample_rate=sample_rate, take_over=take_over)
            elif captioner.stream != stream and captioner.speaker_is_live() and not take_over:
                raise RoomBusyError
            await captioner.attach(speaker, stream, sample_rate)
            return captioner

    async def _begin(self, room: Room, *, stream: UUID, sample_rate: int, take_over: bool) -> Captioner:
        room.setup(sample_rate=sample_rate)  # what the engine would refuse is refused before anything begins
        target = Target(endpoint_url(room.endpoint or settings.GRADIUM_URL), os.environ.get("GRADIUM_API_KEY", ""))
        claim = await in_database(lease.claim, room.pk, stream=stream, sample_rate=sample_rate, take_over=take_over)
        watched = await self._hub.hold(room.slug)
        if watched is None:
            raise RoomBusyError  # deleted meanwhile
        slug = room.slug

        def publish(item: Item) -> None:
            self._hub.publish(slug, item)

        captioner = Captioner(
            claim, target, publish, newest_fence=lambda: watched.fence, speaker_gone_s=settings.SPEAKER_GONE_S
        )
        # A captioner of another process learns at once that its time is over.
        publish(Item("fence", claim.session, claim.fence))
        self._captioners[slug] = captioner
        self._tasks[slug] = asyncio.create_task(self._run(slug, captioner, watched), name=f"captioner {slug}")
        return captioner

    async def _run(self, slug: str, captioner: Captioner, watched: WatchedRoom) -> None:
        try:
            await captioner.run()
        except Exception:
            logger.exception("the captioner of room %s failed", slug)
        finally:
            if self._captioners.get(slug) is captioner:
                del self._captioners[slug]
                del self._tasks[slug]
            self._hub.let_go(watched)

    async def close(self) -> None:
        """Stop all captioners; their sessions stay open for another process, or this one after its restart."""
        captioners = list(self._captioners.values())
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(captioner.hand_over() for captioner in captioners), return_exceptions=True)


_desks: WeakKeyDictionary[asyncio.AbstractEventLoop, Desk] = WeakKeyDictionary()


def current_desk() -> Desk:
    """Return this process' desk."""
    loop = asyncio.get_running_loop()
    desk = _desks.get(loop)
    if desk is None:
        desk = _desks[loop] = Desk(current_hub())
    return desk
