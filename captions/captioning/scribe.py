"""Writes a session down: numbers finals and gaps, stores them, then publishes them; shows interims at once.

A final is published after it is stored, never before: so its number stands, whatever happens to this process.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol

from django.db import InterfaceError, OperationalError

from captions.captioning import lease, log, meter
from captions.captioning.acks import Acks
from captions.captioning.lease import Claim
from captions.captioning.segmenter import Finished, Growing, Piece
from captions.captioning.voice import Voice
from captions.database import in_database
from captions.fanout.events import Final as FinalEvent
from captions.fanout.events import Gap, Interim, State, encode, write_json
from captions.fanout.feed import Item, Kind

DATABASE_RETRY_S: Final = 0.5

logger = logging.getLogger(__name__)


class Speaker(Protocol):
    """The speaker's socket as the captioner sees it. None of its methods waits."""

    def put(self, frame: str, *, interim_of: int = 0) -> None:
        """Queue a frame."""

    def dismiss(self, *, moved: bool) -> None:
        """End the socket: another speaker took over (``moved``), or a newer socket of the same one did."""


class Scribe:
    """See the module. ``speaker`` gets what viewers get, and acks; finals name ``language`` and ``speaker_name``."""

    def __init__(self, claim: Claim, publish: Callable[[Item], None], voice: Voice) -> None:
        self.claim = claim
        self.speaker: Speaker | None = None
        self.wake = asyncio.Event()
        self._publish = publish
        self._voice = voice
        self._next_voice: Voice | None = None
        self._acks = Acks(voice.rate, voice.base_ms, claim.next_sample, claim.base_ms)
        self._seq = self._stored_seq = claim.last_seq
        self._entries: deque[log.Entry] = deque()
        self._growing: Growing | None = None
        self._state: tuple[str, str, datetime] | None = None
        self._state_is_news = False
        self._state_frame = ""
        self._started_at = claim.started_at.isoformat()
        self._engine: dict[str, object] = {}
        self.language = claim.room.language
        self.speaker_name = claim.room.speaker_name

    # What goes on ------------------------------------------------------------------------------------------------

    @property
    def has_unwritten(self) -> bool:
        """Finals or gaps wait to be stored."""
        return bool(self._entries)

    def change_voice(self, voice: Voice) -> None:
        """Acks count the samples of another stream, once that is written down."""
        self._next_voice = voice
        self.wake.set()

    def take(self, pieces: list[Piece]) -> None:
        """Show what grows, queue what is finished."""
        for piece in pieces:
            if isinstance(piece, Growing):
                self._growing = piece
                if not self._entries:
                    self._show(piece)
            else:
                self._growing = None
                self._add(self._final(piece))

    def gap(self, start_ms: int, end_ms: int, reason: str) -> None:
        """Mark audio whose words nobody will ever read."""
        self._seq += 1
        self._add(log.Entry(self._seq, start_ms, max(start_ms, end_ms), reason=reason))

    def tell_state(self, state: str, detail: str, at: datetime) -> None:
        """Tell everybody what goes on in the room."""
        self._state = (state, detail, at)
        self._state_frame = encode(State(state, detail, at.isoformat()))
        self._send("state", self._stored_seq, self._state_frame)
        self._note_state()

    def warn(self, code: str, message: str) -> None:
        """Tell the speaker what is wrong; all goes on."""
        if self.speaker is not None:
            self.speaker.put(write_json({"type": "error", "code": code, "message": message, "fatal": False}))

    def tell_settings(self) -> None:
        """Tell the other processes that the room is set otherwise."""
        self._publish(self._item("settings", self._stored_seq, ""))

    def tell_engine(self, report: dict[str, object]) -> None:
        """Write down what staff are to know of the engine."""
        if report != self._engine:
            self._engine = report
            self._note_state()

    def farewell(self) -> None:
        """The speaker's socket is gone."""
        self.speaker = None
        self._note_state()

    def _note_state(self) -> None:
        self._state_is_news = True
        self.wake.set()

    def sign_of_life(self) -> None:
        """Tell the hubs that the session is being written, and how far."""
        self._publish(self._item("beat", self._stored_seq, self._state_frame))

    def heard_to(self, ms: int) -> None:
        """Nothing is being said, and everything before ``ms`` is written."""
        self._acks.durable_ms = max(self._acks.durable_ms, ms)
        if self._acks.due(newest=self._voice.next_sample) is not None:
            self.wake.set()

    def greet(self, speaker: Speaker) -> None:
        """Bring a new socket up to date: the state, and what is being said."""
        speaker.put(self._state_frame)
        if self._growing is not None:
            speaker.put(encode(self._interim(self._growing)))
        self.speaker = speaker
        self._note_state()

    # Writing -----------------------------------------------------------------------------------------------------

    async def write(self) -> None:
        """Store and publish all that waits. Raises LeaseLostError."""
        if self._state is not None and self._state_is_news:
            state, detail, at = self._state
            self._state_is_news = False
            here = self.speaker is not None
            await self._persist(
                lease.note_state, state=state, detail=detail, at=at, speaker_here=here, engine=self._engine
            )
        while self._next_voice is not None:
            await self._change_stream(self._next_voice)
        while self._entries:
            await self._write_entries(list(self._entries))
        acked = self._acks.due(newest=self._voice.next_sample)
        if acked is not None:
            await self._persist(lease.note_ack, acked_sample=acked)
            self._acknowledge(acked)

    async def _change_stream(self, voice: Voice) -> None:
        await self._persist(lease.change_stream, stream=voice.stream, sample_rate=voice.rate, base_ms=voice.base_ms)
        self._voice = voice
        if self._next_voice is voice:  # while the database was busy another one may have come
            self._next_voice = None
        self._acks = Acks(voice.rate, voice.base_ms, 0, voice.base_ms)

    async def count(self, paid_ms: int) -> None:
        """Write down what was paid, the session's running total. Raises LeaseLostError."""
        await self._persist(meter.record, paid_ms=paid_ms)

    async def step_aside(self, *, heard_out: bool) -> None:
        """Give the lease to whoever asked for it. Raises LeaseLostError."""
        await self._persist(lease.step_aside, heard_out=heard_out)

    async def end(self) -> None:
        """Write down that the session has ended, with all its words. Raises LeaseLostError."""
        acked = self._voice.next_sample
        await self._persist(lease.end_session, acked_sample=acked)
        self._acknowledge(acked)

    async def _write_entries(self, batch: list[log.Entry]) -> None:
        durable_ms = batch[-1].end_ms
        acks = self._acks
        acked = acks.after(durable_ms, newest=self._voice.next_sample)
        await self._persist(log.append, batch, acked_sample=acked)
        for entry in batch:
            self._entries.popleft()
            self._stored_seq = entry.seq
            self._send("final", entry.seq, encode(self._event(entry)))
        acks.durable_ms = max(acks.durable_ms, durable_ms)
        self._acknowledge(acked)
        if self._growing is not None and not self._entries:
            self._show(self._growing)

    async def _persist(self, work: Callable[..., None], *args: object, **kwargs: object) -> None:
        """Do database work under the lease, however long the database is away. Raises LeaseLostError."""
        failing = False
        while True:
            try:
                await in_database(work, self.claim.session_id, self.claim.fence, *args, **kwargs)
            except (OperationalError, InterfaceError) as error:
                if not failing:
                    kind = type(error).__name__
                    logger.error("room %s: the database does not answer (%s)", self.claim.room.slug, kind)
                failing = True
                await asyncio.sleep(DATABASE_RETRY_S)
            else:
                return

    # Publishing --------------------------------------------------------------------------------------------------

    def _final(self, piece: Finished) -> log.Entry:
        self._seq += 1
        return log.Entry(
            self._seq,
            piece.start_ms,
            piece.end_ms,
            piece.text,
            piece.words,
            lang="" if self.language == "any" else self.language,
            speaker=self.speaker_name,
        )

    def _add(self, entry: log.Entry) -> None:
        self._entries.append(entry)
        self.wake.set()

    def _event(self, entry: log.Entry) -> FinalEvent | Gap:
        session = self.claim.session
        if entry.reason:
            return Gap(session, entry.seq, entry.start_ms, entry.end_ms, entry.reason)
        return FinalEvent(session, entry.seq, entry.text, entry.start_ms, entry.end_ms, entry.lang, entry.speaker)

    def _interim(self, growing: Growing) -> Interim:
        return Interim(self.claim.session, self._seq + 1, growing.text, growing.start_ms)

    def _show(self, growing: Growing) -> None:
        event = self._interim(growing)
        self._send("interim", event.seq, encode(event), interim_of=event.seq)

    def _item(self, kind: Kind, seq: int, frame: str) -> Item:
        return Item(kind, self.claim.session, seq, frame, self._started_at, self.claim.fence)

    def _send(self, kind: Kind, seq: int, frame: str, *, interim_of: int = 0) -> None:
        self._publish(self._item(kind, seq, frame))
        if self.speaker is not None:
            self.speaker.put(frame, interim_of=interim_of)

    def _acknowledge(self, sample: int) -> None:
        self._acks.acked = max(self._acks.acked, sample)
        # Meanwhile another speaker may have come: his samples are not the ones that are counted here.
        if self.speaker is not None and self._next_voice is None:
            self.speaker.put(write_json({"type": "ack", "next_sample": self._acks.acked}))
