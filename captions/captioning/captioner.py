"""One per live room: audio in, numbered finals stored and then published, interims published at once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from django.db import DatabaseError
from django.utils import timezone

from captions.captioning import lease, log
from captions.captioning.database import in_database
from captions.captioning.lease import Claim, LeaseLostError
from captions.captioning.room_state import RoomState
from captions.captioning.segmenter import Finished, Growing, Piece, Segmenter
from captions.captioning.voice import Voice
from captions.fanout.events import Final as FinalEvent
from captions.fanout.events import Gap, Interim, State, encode, write_json
from captions.fanout.feed import Item
from captions.gradium.actions import Covered, Done, EngineState, Lost, Output, UtteranceEnd, Word, WordEnd
from captions.gradium.session import Target

TICK_S: Final = 0.25
BEAT_S: Final = 1.0
SPARE_S: Final = 2.0  # an ack stays this far behind what is durable
ACK_STEP_S: Final = 2.0  # in silence an ack is written down this often
SPEAKER_QUIET_S: Final = 10.0  # a socket that brings nothing for this long is taken for dead
DATABASE_RETRY_S: Final = 0.5
FILLED_GAP_S: Final = 2.0  # shorter holes are filled with silence, longer ones end the engine's session
MARKED_GAP_S: Final = 0.08  # holes from this length on are marked

logger = logging.getLogger(__name__)


class Speaker(Protocol):
    """The speaker's socket as the captioner sees it. None of its methods waits."""

    def put(self, frame: str, *, interim_of: int = 0) -> None:
        """Queue a frame."""

    def dismiss(self, *, moved: bool) -> None:
        """End the socket: another speaker took over (``moved``), or a newer socket of the same one did."""


class Publish(Protocol):
    """Hands an item to the hubs."""

    def __call__(self, item: Item) -> None:
        """Publish; never waits."""


class Captioner:
    """See the module. ``run`` does the work until the session ends or the lease is lost."""

    def __init__(
        self, claim: Claim, target: Target, publish: Publish, newest_fence: Callable[[], int], speaker_gone_s: float
    ) -> None:
        self.claim = claim
        self.room = claim.room
        self._target = target
        self._publish = publish
        self._newest_fence = newest_fence
        self._speaker_gone_s = speaker_gone_s
        self._loop = asyncio.get_running_loop()
        self._segmenter = Segmenter()
        self._seq = claim.last_seq
        self._stored_seq = claim.last_seq
        self._speaker: Speaker | None = None
        self._speaker_since = self._frame_at = self._loop.time()
        self._voice = self._new_voice(claim.stream, claim.sample_rate, claim.base_ms, claim.next_sample)
        self._entries: deque[log.Entry] = deque()
        self._gaps: deque[tuple[int, int, str]] = deque()
        self._growing: Growing | None = None
        self._acked = claim.next_sample
        self._durable_ms = claim.base_ms
        self._resumed = False
        self._ending = False
        self._finished = False
        self._state = RoomState(last_sound_at=self._loop.time())
        self._told: tuple[str, str] = ("", "")
        self._state_frame = ""
        self._state_note: tuple[str, str, datetime] | None = None
        self._wake = asyncio.Event()
        self.closed = asyncio.Event()

    # The speaker -----------------------------------------------------------------------------------------------------

    @property
    def stream(self) -> UUID:
        """The speaker's stream of samples."""
        return self._voice.stream

    @property
    def next_sample(self) -> int:
        """The sample to go on with."""
        return self._voice.next_sample

    @property
    def behind_s(self) -> float:
        """Seconds of audio that wait for the engine."""
        return self._voice.runner.stream.behind_s

    @property
    def is_ending(self) -> bool:
        """The talk is over, or another captioner has taken over: no speaker may attach any more."""
        return self._ending or self._finished

    def speaker_is_live(self) -> bool:
        """Somebody is connected, and speaking or pausing."""
        if self._speaker is None:
            return False
        return self._state.paused or self._loop.time() - self._frame_at < SPEAKER_QUIET_S

    async def attach(self, speaker: Speaker, stream: UUID, sample_rate: int) -> None:
        """Let a speaker's socket in and say ready; the one before is dismissed. Raises LeaseLostError."""
        before, self._speaker = self._speaker, None
        if before is not None:
            before.dismiss(moved=stream != self._voice.stream)
        if stream != self._voice.stream or sample_rate != self._voice.rate:
            await self._change_voice(stream, sample_rate)
        ready = {
            "type": "ready",
            "next_sample": self.next_sample,
            "room": self.room.slug,
            "language": self.room.language,
            "delay_in_frames": self.room.delay_in_frames,
        }
        speaker.put(write_json(ready))
        self._frame_at = self._state.last_sound_at = self._loop.time()
        self._state.speaker_here, self._state.paused = True, False
        self._tell_state()
        speaker.put(self._state_frame)
        if self._growing is not None:
            speaker.put(encode(self._interim(self._growing)))
        self._speaker = speaker

    def detach(self, speaker: Speaker) -> None:
        """The speaker's socket is gone."""
        if self._speaker is speaker:
            self._speaker = None
            self._speaker_since = self._loop.time()
            self._state.speaker_here = False
            self._tell_state()

    def feed(self, index: int, pcm: bytes) -> None:
        """Take samples from ``index`` on; those already here are passed over, missing ones are marked."""
        now = self._loop.time()
        self._frame_at = now
        voice = self._voice
        count = len(pcm) // 2
        if index + count <= voice.next_sample:
            return
        if index < voice.next_sample:
            pcm = pcm[(voice.next_sample - index) * 2 :]
        elif index > voice.next_sample:
            self._hole(voice, index)
        self._resumed = False
        voice.runner.audio(pcm)

    def _hole(self, voice: Voice, index: int) -> None:
        start = voice.next_sample
        missing_s = (index - start) / voice.rate
        if not self._resumed and missing_s >= MARKED_GAP_S:
            self._gaps.append((voice.ms(start), voice.ms(index), "audio_lost"))
        if missing_s <= FILLED_GAP_S:
            voice.runner.audio(bytes(2 * (index - start)))
        else:
            voice.runner.skip_to(index)

    def pause(self) -> None:
        """The speaker pauses: what was said is heard out, then the engine rests."""
        self._state.paused = True
        self._voice.runner.rest()
        self._tell_state()

    def resume(self) -> None:
        """The speaker goes on; samples left out by the pause are no gap."""
        self._state.paused = False
        self._resumed = True
        self._frame_at = self._state.last_sound_at = self._loop.time()
        self._tell_state()

    def end(self) -> None:
        """The talk is over: the tail is heard out, written, and the session closed."""
        self._ending = True
        self._voice.runner.end()

    # What the stream tells -------------------------------------------------------------------------------------------

    def _new_voice(self, stream: UUID, rate: int, base_ms: int, start: int) -> Voice:
        emitted = self.claim.emitted if stream == self.claim.stream else ()
        return Voice.start(
            self.room,
            self._target,
            stream=stream,
            rate=rate,
            base_ms=base_ms,
            first=start,
            emitted=emitted,
            listener=self._hear,
        )

    async def _change_voice(self, stream: UUID, rate: int) -> None:
        """Hear out one stream of samples, then go on with another one in the same session."""
        old = self._voice
        old.runner.end()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(old.runner.done.wait(), 5)
        await old.runner.close()
        self._take_pieces(self._segmenter.utterance_end())
        self._let_gaps_out(before_ms=None)
        elapsed_ms = (timezone.now() - self.claim.started_at) // timedelta(milliseconds=1)
        base_ms = max(elapsed_ms, old.ms(old.next_sample))
        await in_database(
            lease.change_stream,
            self.claim.session_id,
            self.claim.fence,
            stream=stream,
            sample_rate=rate,
            base_ms=base_ms,
        )
        self._acked, self._durable_ms = 0, base_ms
        self._voice = self._new_voice(stream, rate, base_ms, 0)

    def _hear(self, output: Output) -> None:
        voice = self._voice
        match output:
            case Word(text, start_ms):
                self._state.last_sound_at = self._loop.time()
                at_ms = voice.base_ms + start_ms
                self._let_gaps_out(before_ms=at_ms)
                self._take_pieces(self._segmenter.word(text, at_ms))
            case WordEnd(end_ms):
                self._take_pieces(self._segmenter.word_end(voice.base_ms + end_ms))
            case UtteranceEnd():
                self._take_pieces(self._segmenter.utterance_end())
            case Covered(index, quiet):
                if not quiet:
                    self._state.last_sound_at = self._loop.time()
                self._let_gaps_out(before_ms=voice.ms(index))
                if not self._segmenter.is_open and not self._entries:
                    self._durable_ms = max(self._durable_ms, voice.ms(index))
                    if self._ack_due():
                        self._wake.set()
            case Lost(start, end):
                self._gaps.append((voice.ms(start), voice.ms(end), "engine_down"))
            case EngineState(up, _):
                self._state.engine_up = up
                self._tell_state()
            case Done() if self._ending:
                self._take_pieces(self._segmenter.utterance_end())
                self._let_gaps_out(before_ms=None)
                self._finished = True
                self._wake.set()

    def _let_gaps_out(self, *, before_ms: int | None) -> None:
        """Mark gaps that lie behind what is heard now; ``None``: all."""
        while self._gaps and (before_ms is None or before_ms >= self._gaps[0][0]):
            start_ms, end_ms, reason = self._gaps.popleft()
            self._take_pieces(self._segmenter.utterance_end())
            self._add(log.Entry(self._next_seq(), start_ms, max(start_ms, end_ms), reason=reason))

    def _take_pieces(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            match piece:
                case Growing():
                    self._growing = piece
                    if not self._entries:
                        self._show(piece)
                case Finished():
                    self._growing = None
                    lang = "" if self.room.language == "any" else self.room.language
                    self._add(
                        log.Entry(
                            self._next_seq(),
                            piece.start_ms,
                            piece.end_ms,
                            piece.text,
                            piece.words,
                            lang,
                            self.room.speaker_name,
                        )
                    )

    def _next_seq(self) -> int:
        self._seq += 1
        return self._seq

    def _add(self, entry: log.Entry) -> None:
        self._entries.append(entry)
        self._wake.set()

    def _interim(self, growing: Growing) -> Interim:
        return Interim(self.claim.session, self._seq + 1, growing.text, growing.start_ms)

    def _show(self, growing: Growing) -> None:
        event = self._interim(growing)
        self._send("interim", event.seq, encode(event), interim_of=event.seq)

    # Publishing ------------------------------------------------------------------------------------------------------

    def _send(self, kind: str, seq: int, frame: str, *, interim_of: int = 0) -> None:
        self._publish(Item(kind, self.claim.session, seq, frame))  # type: ignore[arg-type] # one of Item's kinds
        if self._speaker is not None and kind != "beat":
            self._speaker.put(frame, interim_of=interim_of)

    def _tell_state(self) -> None:
        self._state.behind_s = self.behind_s
        told = self._state.at(self._loop.time())
        if told == self._told:
            return
        self._told = told
        at = timezone.now()
        self._state_frame = encode(State(*told, at.isoformat()))
        self._send("state", self._stored_seq, self._state_frame)
        self._state_note = (*told, at)
        self._wake.set()

    # The work of the session -----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Write and publish until the session has ended; then ``closed`` is set."""
        watch = self._loop.create_task(self._watch(), name=f"captioner watch {self.room.slug}")
        try:
            while not (self._finished and not self._entries):
                await self._wake.wait()
                self._wake.clear()
                await self._write()
            await self._persist(lease.end_session, acked_sample=self._voice.next_sample)
            self._state.ended = True
            self._state_note = None
            self._acknowledge(self._voice.next_sample)
            self._tell_state()
        except LeaseLostError:
            logger.info("room %s: another captioner has taken over", self.room.slug)
            if self._speaker is not None:
                self._speaker.dismiss(moved=True)
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
            await self._voice.runner.close()
            self.closed.set()

    async def hand_over(self) -> None:
        """Stop without ending the session, so that another process can go on with it at once."""
        await in_database(lease.release, self.claim.session_id, self.claim.fence)

    async def _write(self) -> None:
        if self._state_note is not None and not self._state.ended:
            state, detail, at = self._state_note
            self._state_note = None
            await self._persist(lease.note_state, state=state, detail=detail, at=at)
        while self._entries:
            batch = list(self._entries)
            durable_ms = max(self._durable_ms, batch[-1].end_ms)
            acked = self._ack_for(durable_ms)
            await self._persist(log.append, batch, acked_sample=acked)
            self._durable_ms = durable_ms
            for entry in batch:
                self._entries.popleft()
                self._stored_seq = entry.seq
                self._send("final", entry.seq, encode(self._event(entry)))
            self._acknowledge(acked)
            if self._growing is not None and not self._entries:
                self._show(self._growing)
        if self._ack_due():
            acked = self._ack_for(self._durable_ms)
            await self._persist(lease.note_ack, acked_sample=acked)
            self._acknowledge(acked)

    def _event(self, entry: log.Entry) -> FinalEvent | Gap:
        session = self.claim.session
        if entry.reason:
            return Gap(session, entry.seq, entry.start_ms, entry.end_ms, entry.reason)
        return FinalEvent(session, entry.seq, entry.text, entry.start_ms, entry.end_ms, entry.lang, entry.speaker)

    def _ack_for(self, durable_ms: int) -> int:
        sample = self._voice.sample(durable_ms) - int(SPARE_S * self._voice.rate)
        return max(self._acked, min(sample, self._voice.next_sample))

    def _ack_due(self) -> bool:
        return self._ack_for(self._durable_ms) - self._acked >= int(ACK_STEP_S * self._voice.rate)

    def _acknowledge(self, sample: int) -> None:
        self._acked = max(self._acked, sample)
        if self._speaker is not None:
            self._speaker.put(write_json({"type": "ack", "next_sample": self._acked}))

    async def _persist(self, work: Callable[..., None], *args: object, **kwargs: object) -> None:
        """Do database work under the lease, however long the database is away. Raises LeaseLostError."""
        failing = False
        while True:
            try:
                await in_database(work, self.claim.session_id, self.claim.fence, *args, **kwargs)
            except DatabaseError as error:
                if not failing:
                    logger.error("room %s: the database does not answer (%s)", self.room.slug, type(error).__name__)
                failing = True
                await asyncio.sleep(DATABASE_RETRY_S)
            else:
                return

    async def _watch(self) -> None:
        """Keep the lease, the state and the sign of life."""
        renew_at = beat_at = 0.0
        while True:
            now = self._loop.time()
            if self._newest_fence() > self.claim.fence:
                renew_at = now  # the database knows best
            if self._speaker is None and not self._ending and now - self._speaker_since > self._speaker_gone_s:
                self.end()
            self._tell_state()
            if now >= beat_at:
                beat_at = now + BEAT_S
                self._send("beat", self._stored_seq, self._state_frame)
            if now >= renew_at:
                renew_at = now + lease.RENEW_S
                try:
                    await in_database(lease.renew, self.claim.session_id, self.claim.fence)
                except LeaseLostError:
                    self._lose()
                    return
                except DatabaseError as error:
                    logger.warning("room %s: the lease could not be renewed (%s)", self.room.slug, type(error).__name__)
            await asyncio.sleep(TICK_S)

    def _lose(self) -> None:
        """Stop; closing the session will find the lease gone."""
        self._finished = True
        self._entries.clear()
        self._wake.set()
