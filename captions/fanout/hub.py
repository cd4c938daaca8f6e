"""One per process: takes events of the rooms its readers watch and hands each frame to all of them.

The channel layer is a wire between processes, with one member per process and room. It may lose messages and does not
say so: the feed notices a hole in ``seq``, and the hub fills it from the database. What a captioner of this process
publishes goes to this process' readers directly, so they read on while the layer is down.
"""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections import deque
from collections.abc import Coroutine
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final
from weakref import WeakKeyDictionary

from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.db import Error
from django.utils import timezone

from captions.database import in_database
from captions.fanout.events import Ping, State, encode, encode_snapshot
from captions.fanout.feed import SNAPSHOT_FINALS, Delivery, Feed, Item, MissingError
from captions.fanout.history import finals_after, load_room, news, room_exists, room_info
from captions.fanout.mailbox import Mailbox

PING_S: Final = 15.0
SWEEP_S: Final = 0.25
SIGN_OF_LIFE_S: Final = 1.6  # a captioner gives one every half second
LOOK_S: Final = 2.0  # a running room without a sign of life is looked for in the database this often
UNWATCHED_S: Final = 30.0
LAYER_LIMIT_S: Final = 5.0
LAYER_RETRY_S: Final = 1.0
OUTGOING: Final = 10_000
ITEM_FIELDS: Final = tuple(part.name for part in fields(Item))

logger = logging.getLogger(__name__)


def is_running(feed: Feed) -> bool:
    """Tell whether a session is going on, as far as is known."""
    return bool(feed.state_frame) and json.loads(feed.state_frame)["state"] not in ("idle", "ended")


def group_name(slug: str) -> str:
    """Return the channel layer's group of a room."""
    return f"captions.room.{slug}"


@dataclass(eq=False, slots=True)
class WatchedRoom:
    """A room with readers, or a captioner, in this process."""

    slug: str
    loaded: asyncio.Future[bool]
    feed: Feed = field(default_factory=Feed)
    room_id: int = 0
    info: dict[str, object] = field(default_factory=dict)
    readers: set[Mailbox] = field(default_factory=set)
    backlog: deque[Item] = field(default_factory=deque)
    repairing: bool = False
    holds: int = 0
    last_sign: float = 0.0
    look_at: float = 0.0
    unwatched_since: float | None = None
    newest_fence: int = 0
    yield_fence: int = 0
    settings_news: bool = False
    beat: asyncio.Event = field(default_factory=asyncio.Event)

    def finals_since(self, session: int, seq: int) -> list[str]:
        """Return the frames of kept finals and gaps of a session after ``seq``; none of another session."""
        return self.feed.since(seq) if session == self.feed.session else []


class Hub:
    """See the module. All methods are called on one event loop."""

    def __init__(self) -> None:
        self._id = uuid.uuid4().hex
        self._layer: Any = get_channel_layer()
        self._is_alone = isinstance(self._layer, InMemoryChannelLayer)  # it reaches no other process
        self._channel: str | None = None
        self._rooms: dict[str, WatchedRoom] = {}
        self._outgoing: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue(OUTGOING)
        self._loop = asyncio.get_running_loop()
        self._tasks = {
            self._loop.create_task(work, name=f"hub {name}")
            for name, work in (("sender", self._send()), ("listener", self._listen()), ("sweeper", self._sweep()))
        }

    async def close(self) -> None:
        """Stop all work of the hub."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # Readers -------------------------------------------------------------------------------------------------------

    async def join(self, slug: str, *, after: tuple[int, int] | None) -> tuple[WatchedRoom, Mailbox] | None:
        """Let a reader in: its mailbox begins with the snapshot, and all that follows comes after. None: no such room.

        ``after`` is the (session, seq) it has; the snapshot then holds exactly what it missed.
        """
        room = await self._watch(slug)
        if room is None:
            return None
        older: list[tuple[int, str]] = []
        if after is not None and after[0] == room.feed.session and after[1] + 1 < room.feed.first_kept:
            older = await in_database(finals_after, room.room_id, *after)
        # No await from here on: nothing can come between the snapshot and the reader's place among the others.
        mailbox = Mailbox()
        mailbox.put_first(self._snapshot(room, after, older))
        if room.feed.state_frame:
            mailbox.put(room.feed.state_frame)
        room.readers.add(mailbox)
        return room, mailbox

    def leave(self, room: WatchedRoom, mailbox: Mailbox) -> None:
        """Let a reader go."""
        room.readers.discard(mailbox)

    def _snapshot(self, room: WatchedRoom, after: tuple[int, int] | None, older: list[tuple[int, str]]) -> str:
        feed = room.feed
        if after is not None and after[0] == feed.session and after[1] <= feed.seq:
            stored = [(seq, frame) for seq, frame in older if seq <= feed.seq]
            finals = [frame for _, frame in stored] + feed.since(stored[-1][0] if stored else after[1])
            complete = True
        else:
            finals = feed.since(feed.seq - SNAPSHOT_FINALS)
            complete = after is None and (len(finals) == feed.seq)
        state = json.loads(feed.state_frame)["state"] if feed.state_frame else "idle"
        return encode_snapshot(
            {**room.info, "state": state, "started_at": feed.started_at or None},
            session=feed.session,
            seq=feed.seq,
            finals=finals,
            interim=feed.interim,
            complete=complete,
        )

    # Captioners ----------------------------------------------------------------------------------------------------

    async def hold(self, slug: str) -> WatchedRoom | None:
        """Keep a room's feed for a captioner of this process; balance with ``let_go``."""
        room = await self._watch(slug)
        if room is not None:
            room.holds += 1
        return room

    def let_go(self, room: WatchedRoom) -> None:
        """End a ``hold``."""
        room.holds -= 1

    async def hears_captioner(self, room: WatchedRoom) -> bool:
        """Wait for a sign of life of the room's captioner, wherever it is; False when none comes."""
        room.beat.clear()
        try:
            await asyncio.wait_for(room.beat.wait(), SIGN_OF_LIFE_S)
        except TimeoutError:
            return False
        return True

    def publish(self, slug: str, item: Item) -> None:
        """Hand an item of a local captioner to this process' readers and to the other processes."""
        room = self._rooms.get(slug)
        if room is not None:
            self._take(room, item)
        if self._is_alone:
            return
        try:
            message = {"type": "captions.item", "origin": self._id, "room": slug, **asdict(item)}
            self._outgoing.put_nowait((group_name(slug), message))
        except asyncio.QueueFull:
            logger.warning("the channel layer is far behind: other processes read from the database")

    # The room's feed -----------------------------------------------------------------------------------------------

    async def _watch(self, slug: str) -> WatchedRoom | None:
        room = self._rooms.get(slug)
        if room is None:
            room = self._rooms[slug] = WatchedRoom(slug, self._loop.create_future())
            try:
                await self._load(room)
            except BaseException as error:
                del self._rooms[slug]
                room.loaded.set_exception(error)
                room.loaded.exception()  # marked as seen: there may be nobody else waiting
                raise
            if not room.room_id:
                del self._rooms[slug]
            room.loaded.set_result(bool(room.room_id))
        return room if await asyncio.shield(room.loaded) else None

    async def _load(self, room: WatchedRoom) -> None:
        if not await in_database(room_exists, room.slug):
            return
        # Joined first, loaded second: what is published meanwhile waits in the backlog.
        room.repairing = True
        await self._join_group(room.slug)
        record = await in_database(load_room, room.slug)
        if record is None:
            return
        room.room_id, room.info = record.room_id, record.info
        room.last_sign = self._loop.time()
        room.feed.fill(record.session, record.finals)
        room.feed.state_frame, room.feed.started_at = encode(record.state), record.started_at
        room.repairing = False
        self._drain(room)

    def _take(self, room: WatchedRoom, item: Item) -> None:
        if item.kind == "fence":
            room.newest_fence = max(room.newest_fence, item.fence)
            return
        if item.kind == "yield":
            room.yield_fence = max(room.yield_fence, item.fence)
            return
        if item.kind == "settings":
            room.settings_news = True
            self._start(self._reload_info(room), f"reload {room.slug}")
            return
        room.last_sign = self._loop.time()
        room.beat.set()
        room.backlog.append(item)
        if not room.repairing:
            self._drain(room)

    def _drain(self, room: WatchedRoom) -> None:
        while room.backlog:
            try:
                deliveries = room.feed.apply(room.backlog[0])
            except MissingError:
                room.repairing = True
                self._start(self._repair(room, room.backlog[0]), f"repair {room.slug}")
                return
            room.backlog.popleft()
            self._deliver(room, deliveries)

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = self._loop.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _repair(self, room: WatchedRoom, item: Item) -> None:
        try:
            have = room.feed.seq if item.session == room.feed.session else 0
            rows = await in_database(finals_after, room.room_id, item.session, have)
            self._deliver(room, room.feed.fill(item.session, rows))
            needed = item.seq - 1 if item.kind in ("interim", "final") else item.seq
            if room.feed.session < item.session or room.feed.seq < needed:
                # Not even the database has it yet; the next sign of life asks again.
                room.backlog.popleft()
        except Exception:
            logger.exception("finals of room %s could not be read from the database", room.slug)
            room.backlog.clear()
        finally:
            room.repairing = False
        self._drain(room)

    async def _reload_info(self, room: WatchedRoom) -> None:
        """Staff have changed the room: later snapshots say so."""
        try:
            room.info = await in_database(room_info, room.room_id) or room.info
        except Error as error:
            logger.warning("room %s: the database does not answer (%s)", room.slug, type(error).__name__)

    def _deliver(self, room: WatchedRoom, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            for mailbox in room.readers:
                mailbox.put(delivery.frame, interim_of=delivery.interim_of)

    async def _sweep(self) -> None:
        next_ping = self._loop.time() + PING_S
        while True:
            await asyncio.sleep(SWEEP_S)
            now = self._loop.time()
            for room in list(self._rooms.values()):
                self._check_sign_of_life(room, now)
                if room.readers and now - room.last_sign > LOOK_S and now >= room.look_at and is_running(room.feed):
                    room.look_at = now + LOOK_S
                    self._start(self._look_into_the_database(room), f"look {room.slug}")
                if room.readers or room.holds or not room.loaded.done():
                    room.unwatched_since = None
                elif room.unwatched_since is None:
                    room.unwatched_since = now
                elif now - room.unwatched_since > UNWATCHED_S:
                    del self._rooms[room.slug]
                    self._start(self._leave_group(room.slug), f"leave {room.slug}")
            if now >= next_ping:
                next_ping += PING_S
                ping = Delivery(encode(Ping(timezone.now().isoformat())))
                for room in self._rooms.values():
                    self._deliver(room, [ping])

    def _check_sign_of_life(self, room: WatchedRoom, now: float) -> None:
        if not room.feed.state_frame or now - room.last_sign < SIGN_OF_LIFE_S:
            return
        if json.loads(room.feed.state_frame)["state"] in ("idle", "ended", "reconnecting"):
            return
        frame = encode(State("reconnecting", "", timezone.now().isoformat()))
        room.feed.state_frame = frame
        self._deliver(room, [Delivery(frame)])

    async def _look_into_the_database(self, room: WatchedRoom) -> None:
        """While no captioner is heard: perhaps it is only the layer that is silent, and finals are being stored."""
        try:
            session, rows = await in_database(news, room.room_id, room.feed.session, room.feed.seq)
            if not room.repairing:
                self._deliver(room, room.feed.fill(session, rows))
        except Error as error:
            logger.warning("room %s: the database does not answer (%s)", room.slug, type(error).__name__)

    # The channel layer ---------------------------------------------------------------------------------------------

    async def _send(self) -> None:
        failing = False
        while True:
            group, message = await self._outgoing.get()
            try:
                async with asyncio.timeout(LAYER_LIMIT_S):
                    await self._layer.group_send(group, message)
                failing = False
            except Exception as error:  # noqa: BLE001 - of whatever library the layer is made of
                if not failing:
                    logger.warning("the channel layer does not answer (%s): other processes wait", type(error).__name__)
                failing = True

    async def _listen(self) -> None:
        while True:
            try:
                self._channel = await self._layer.new_channel("captions")
                for slug in list(self._rooms):
                    await self._join_group(slug)
                while True:
                    self._receive(await self._layer.receive(self._channel))
            except Exception as error:  # noqa: BLE001 - of whatever library the layer is made of
                logger.warning("the channel layer does not answer (%s): trying again", type(error).__name__)
                self._channel = None
                await asyncio.sleep(LAYER_RETRY_S)

    def _receive(self, message: dict[str, Any]) -> None:
        if message["origin"] == self._id:
            return
        room = self._rooms.get(message["room"])
        if room is not None:
            self._take(room, Item(**{name: message[name] for name in ITEM_FIELDS}))

    async def _join_group(self, slug: str) -> None:
        if self._channel is None:
            return  # the listener joins all groups when it is through
        try:
            async with asyncio.timeout(LAYER_LIMIT_S):
                await self._layer.group_add(group_name(slug), self._channel)
        except Exception as error:  # noqa: BLE001 - of whatever library the layer is made of
            logger.warning("the channel layer does not answer (%s)", type(error).__name__)

    async def _leave_group(self, slug: str) -> None:
        if self._channel is None:
            return
        try:
            async with asyncio.timeout(LAYER_LIMIT_S):
                await self._layer.group_discard(group_name(slug), self._channel)
        except Exception as error:  # noqa: BLE001 - of whatever library the layer is made of
            logger.warning("the channel layer does not answer (%s)", type(error).__name__)


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def current_hub() -> Hub:
    """Return this process' hub; it starts with its first use."""
    loop = asyncio.get_running_loop()
    hub = _hubs.get(loop)
    if hub is None:
        hub = _hubs[loop] = Hub()
    return hub
