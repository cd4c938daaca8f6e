"""One per live room: takes the speaker's audio, has it heard, and lets the scribe write down what was said."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from bisect import insort
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final, Protocol
from uuid import UUID

from django.db import Error
from django.utils import timezone

from captions.captioning import lease
from captions.captioning.budget import Verdict
from captions.captioning.engine_report import EngineReport
from captions.captioning.lag import Lag
from captions.captioning.lease import Claim, LeaseLostError
from captions.captioning.room_state import RoomState
from captions.captioning.scribe import Scribe, Speaker
from captions.captioning.segmenter import Segmenter
from captions.captioning.spending import Spending
from captions.captioning.voice import Voice, opening
from captions.database import in_database
from captions.fanout.events import write_json
from captions.fanout.feed import Item
from captions.gradium.actions import (
    Covered,
    Done,
    EngineState,
    InUse,
    Lost,
    NotUsed,
    Output,
    UtteranceEnd,
    Word,
    WordEnd,
)
from captions.gradium.seam import Spoken
from captions.gradium.session import EndpointError
from captions.gradium.setup import SetupError
from captions.models import Room

TICK_S: Final = 0.25
BEAT_S: Final = 0.5
SPEAKER_QUIET_S: Final = 10.0  # a socket that brings nothing for this long is taken for dead
HEAR_OUT_LIMIT_S: Final = 4.0  # the tail of a speaker who is replaced is waited for this long, where it must be
FILLED_GAP_S: Final = 2.0  # shorter holes are filled with silence, longer ones end the engine's session
MARKED_ABSENCE_MS: Final = 2_000  # between two pages of speakers
MARKED_GAP_S: Final = 0.08  # holes from this length on are marked

REFUSED: Final = "The speech engine refuses this room. That is not your fault: please tell your host."

logger = logging.getLogger(__name__)


def ready_frame(room: Room, next_sample: int) -> dict[str, object]:
    """Return the first frame a speaker gets."""
    return {
        "type": "ready",
        "next_sample": next_sample,
        "room": room.slug,
        "language": room.language,
        "delay_in_frames": room.delay_in_frames,
    }


class Signals(Protocol):
    """What the hub hears of other captioners of the room."""

    newest_fence: int
    yield_fence: int
    settings_news: bool

    def finals_since(self, session: int, seq: int) -> list[str]:
        """Return the frames of finals after ``seq``; none of another session."""


class Captioner:
    """See the module. ``run`` does the work until the session ends or the lease is lost; then ``closed`` is set."""

    def __init__(
        self,
        claim: Claim,
        publish: Callable[[Item], None],
        signals: Signals,
        *,
        speaker_gone_s: float,
        verdict: Verdict,
    ) -> None:
        self.claim = claim
        self.room = claim.room
        self.closed = asyncio.Event()
        self._signals = signals
        self._speaker_gone_s = speaker_gone_s
        self._loop = asyncio.get_running_loop()
        self._segmenter = Segmenter()
        self._report = EngineReport(claim.room)
        self._voice = self._new_voice(
            claim.stream, claim.sample_rate, claim.base_ms, first=claim.next_sample, emitted=claim.emitted
        )
        self._spending = Spending(claim, verdict, self._voice.runner, now=self._loop.time())
        self._scribe = Scribe(claim, publish, self._voice)
        if claim.lost_from_ms is not None:
            self._scribe.gap(claim.lost_from_ms, claim.base_ms, "speaker_gone")
        self._gaps: list[tuple[int, int, str]] = []
        self._state = RoomState(last_sound_at=self._loop.time())
        self._lag = Lag()
        self._told: tuple[str, str] = ("", "")
        self._frame_at = self._speaker_since = self._loop.time()
        self._resumed = False
        self._changing = False
        self._ending = False
        self._yielding = self._heard_out = self._leaving = False
        self._finished = False

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
        return self._ending or self._yielding or self._leaving or self._finished

    @property
    def has_ended(self) -> bool:
        """The session is over, and all of it written."""
        return self._state.ended

    @property
    def engine_is_up(self) -> bool:
        """The speech engine answers, and may be asked."""
        return self._state.engine_up and not self._spending.is_held

    def speaker_is_live(self) -> bool:
        """Somebody is connected, and speaking or pausing."""
        if self._scribe.speaker is None:
            return False
        return self._state.paused or self._loop.time() - self._frame_at < SPEAKER_QUIET_S

    async def attach(
        self, speaker: Speaker, stream: UUID, sample_rate: int, after: tuple[int, int] | None = None
    ) -> None:
        """Let a speaker's socket in and say ready; the one before is dismissed.

        ``after`` is the (session, seq) of the newest final the speaker was shown: he gets those he missed.
        """
        self._speaker_since = self._loop.time()
        before, self._scribe.speaker = self._scribe.speaker, None
        if before is not None:
            before.dismiss(moved=stream != self._voice.stream)
        if stream != self._voice.stream or sample_rate != self._voice.rate:
            await self._change_voice(stream, sample_rate)
        speaker.put(write_json(ready_frame(self.room, self.next_sample)))
        self.speaker_waits()
        self._state.last_sound_at = self._frame_at
        self._state.speaker_here, self._state.paused = True, False
        if not self._state.engine_up:
            self._voice.runner.try_again()
        self._tell_state()
        for frame in self._signals.finals_since(*after) if after is not None else ():
            speaker.put(frame)
        self._scribe.greet(speaker)
        for notice in self._spending.reminders():
            self._scribe.warn(notice.code, notice.message)

    def detach(self, speaker: Speaker) -> None:
        """The speaker's socket is gone."""
        if self._scribe.speaker is speaker:
            self._scribe.farewell()
            self._speaker_since = self._loop.time()
            self._state.speaker_here = False
            self._tell_state()

    def speaker_waits(self) -> None:
        """The speaker is there, and it is not his fault that no audio comes."""
        self._frame_at = self._state.audio_at = self._loop.time()

    def feed(self, index: int, pcm: bytes) -> None:
        """Take samples from ``index`` on; those already here are passed over, missing ones are marked."""
        self._frame_at = self._state.audio_at = self._loop.time()
        voice = self._voice
        if index + len(pcm) // 2 <= voice.next_sample:
            return
        if index < voice.next_sample:
            pcm = pcm[(voice.next_sample - index) * 2 :]
        elif index > voice.next_sample:
            self._skip_hole(voice, index)
        self._resumed = False
        voice.runner.audio(pcm)

    def _skip_hole(self, voice: Voice, index: int) -> None:
        start = voice.next_sample
        missing_s = (index - start) / voice.rate
        if not self._resumed and missing_s >= MARKED_GAP_S:
            at = (voice.base_ms + start * 1000 // voice.rate, voice.base_ms + index * 1000 // voice.rate)
            insort(self._gaps, (*at, "audio_lost"))
        if missing_s <= FILLED_GAP_S:
            voice.runner.audio(bytes(2 * (index - start)))
        else:
            voice.skip_to(index)

    def pause(self) -> None:
        """The speaker pauses: what was said is heard out, then the engine rests."""
        self._state.paused = True
        self._voice.runner.rest()
        self._tell_state()

    def resume(self) -> None:
        """The speaker goes on; samples left out by the pause are no gap."""
        self._state.paused = False
        self._resumed = True
        self.speaker_waits()
        self._state.last_sound_at = self._frame_at
        self._tell_state()

    def end(self) -> None:
        """The talk is over: the tail is heard out, written, and the session closed."""
        self._ending = True
        self._voice.runner.end()

    # What is heard -----------------------------------------------------------------------------------------------

    def _new_voice(
        self, stream: UUID, rate: int, base_ms: int, *, first: int = 0, emitted: Sequence[Spoken] = ()
    ) -> Voice:
        return Voice.start(
            self.room,
            self._hear,
            stream=stream,
            rate=rate,
            base_ms=base_ms,
            first=first,
            emitted=emitted,
            edition=self._report.edition,
        )

    async def _change_voice(self, stream: UUID, rate: int) -> None:
        """Let another stream of samples go on in the session; what the one before said is heard out first."""
        old, old_end_ms = self._voice, self._voice.end_ms
        elapsed_ms = (timezone.now() - self.claim.started_at) // timedelta(milliseconds=1)
        if rate == old.rate:
            self._voice = old.followed_by(stream, not_before_ms=elapsed_ms)
        else:
            opening(self.room, rate)  # what cannot work is refused before the old stream is left
            self._changing = True
            try:
                await self._hear_out()
            finally:
                self._changing = False
            await old.runner.close()
            self._voice = self._new_voice(stream, rate, max(elapsed_ms, old.end_ms))
            self._spending.change_stream(self._voice.runner)
            self._state.engine_up = True
        self._scribe.change_voice(self._voice)
        self._resumed = True  # where another stream begins to count is its own affair
        if not self._state.paused and self._voice.base_ms - old_end_ms >= MARKED_ABSENCE_MS:
            # Nobody can tell whether he went on speaking while his page was closed.
            insort(self._gaps, (old_end_ms, self._voice.base_ms, "speaker_gone"))

    async def _hear_out(self) -> bool:
        """Hear the tail of what was said, and tell whether all of it came; what did not is marked as lost."""
        voice = self._voice
        voice.runner.end()
        try:
            await asyncio.wait_for(voice.runner.done.wait(), HEAR_OUT_LIMIT_S)
        except TimeoutError:
            insort(self._gaps, (voice.ms(voice.runner.stream.covered), voice.end_ms, "engine_down"))
        self._scribe.take(self._segmenter.utterance_end())
        self._let_gaps_out(before_ms=None)
        return voice.runner.done.is_set()

    async def _yield(self) -> None:
        """Hear out and write down what was said, then leave the room to the captioner that asked for it."""
        self._yielding = True
        self._heard_out = await self._hear_out()
        self._finish()

    def _hear(self, output: Output) -> None:
        voice, scribe = self._voice, self._scribe
        match output:
            case Word(text, start_ms):
                self._state.last_sound_at = self._loop.time()
                self._let_gaps_out(before_ms=voice.ms(0) + start_ms)
                scribe.take(self._segmenter.word(text, voice.ms(0) + start_ms))
            case WordEnd(end_ms):
                scribe.take(self._segmenter.word_end(voice.ms(0) + end_ms))
            case UtteranceEnd():
                scribe.take(self._segmenter.utterance_end())
            case Covered(index, quiet):
                if not quiet:
                    self._state.last_sound_at = self._loop.time()
                self._let_gaps_out(before_ms=voice.ms(index))
                if not self._segmenter.is_open and not scribe.has_unwritten:
                    scribe.heard_to(voice.ms(index))
            case Lost(start, end, reason):
                insort(self._gaps, (voice.ms(start), voice.ms(end), reason))
            case EngineState() | InUse() | NotUsed():
                self._hear_of_engine(output)
            case Done() if self._ending:
                scribe.take(self._segmenter.utterance_end())
                self._let_gaps_out(before_ms=None)
                self._finish()

    def _hear_of_engine(self, output: EngineState | InUse | NotUsed) -> None:
        self._report.hear(output, timezone.now())
        if isinstance(output, EngineState):
            self._state.engine_up = output.up
            self._tell_state()
            if output.final:
                self._scribe.warn("engine_refused", REFUSED)
        elif isinstance(output, InUse) and self._report.in_use is not None:
            language = self._report.in_use.language
            if language != self._scribe.language:
                self._scribe.take(self._segmenter.utterance_end())  # a line is of one language
                self._scribe.language = language
        self._scribe.tell_engine(self._report.as_json())

    def _let_gaps_out(self, *, before_ms: int | None) -> None:
        """Mark gaps that lie behind what is heard now; ``None``: all."""
        while self._gaps and (before_ms is None or before_ms >= self._gaps[0][0]):
            self._scribe.take(self._segmenter.utterance_end())
            self._scribe.gap(*self._gaps.pop(0))

    def _keep_to_limits(self, now: float) -> None:
        speaks = self._state.speaker_here and not self._state.paused
        in_use = speaks or not self._voice.runner.stream.is_heard_out
        for notice in self._spending.keep(now, in_use=in_use):
            self._scribe.warn(notice.code, notice.message)

    def _tell_state(self) -> None:
        self._state.out_of_budget = self._spending.out_of_budget
        self._state.engine_busy = self._spending.engine_busy
        wall_s = (timezone.now() - self.claim.started_at).total_seconds()
        self._state.behind_s = self.behind_s + self._lag.behind_s(wall_s, self._voice.end_ms / 1000)
        told = self._state.at(self._loop.time())
        if told != self._told:
            self._told = told
            self._scribe.tell_state(*told, timezone.now())

    # The work of the session -------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Write and publish until the session has ended."""
        watch = self._loop.create_task(self._watch(), name=f"captioner watch {self.room.slug}")
        try:
            while not self._finished or self._scribe.has_unwritten:
                await self._scribe.wake.wait()
                self._scribe.wake.clear()
                await self._scribe.write()
            await self._scribe.count(self._spending.paid_ms)
            if self._yielding:
                await self._scribe.step_aside(heard_out=self._heard_out)
                self._make_room()
            elif self._leaving:
                await in_database(lease.release, self.claim.session_id, self.claim.fence)
            else:
                await self._scribe.end()
                self._state.ended = True
                self._tell_state()
        except LeaseLostError:
            self._make_room()
        finally:
            self._finished = True
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
            await self._voice.runner.close()
            self.closed.set()

    def _make_room(self) -> None:
        logger.info("room %s: another captioner has taken over", self.room.slug)
        if self._scribe.speaker is not None:
            self._scribe.speaker.dismiss(moved=True)

    async def leave(self) -> None:
        """Write down what was said, and give the session up without ending it: another process can go on at once."""
        self._leaving = True
        self._voice.runner.break_off()
        deadline = self._loop.time() + HEAR_OUT_LIMIT_S
        stream = self._voice.runner.stream
        while not stream.is_heard_out and self._loop.time() < deadline:  # noqa: ASYNC110 - the stream is pure
            await asyncio.sleep(TICK_S / 5)
        self._scribe.take(self._segmenter.utterance_end())
        self._finish()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.closed.wait(), HEAR_OUT_LIMIT_S / 2)

    async def _watch(self) -> None:
        """Keep the lease, the state and the sign of life."""
        renew_at = beat_at = 0.0
        renewal: asyncio.Future[None] = self._loop.create_future()
        renewal.set_result(None)
        look = renewal
        while True:
            now = self._loop.time()
            away_s = now - self._speaker_since if self._scribe.speaker is None else 0.0
            if away_s > self._speaker_gone_s and not self.is_ending and not self._changing:
                self.end()
            self._keep_to_limits(now)
            if look.done() and self._spending.look_is_due(now):
                look = self._loop.create_task(self._look(now), name=f"budget {self.room.slug}")
            self._tell_state()
            if now >= beat_at:
                beat_at = now + BEAT_S
                self._scribe.sign_of_life()
            if self._signals.yield_fence >= self.claim.fence and not self.is_ending:
                await self._yield()
            hurry = self._signals.newest_fence > self.claim.fence or self._signals.settings_news
            if renewal.done() and (now >= renew_at or hurry):
                self._signals.settings_news = False
                renew_at = now + lease.RENEW_S
                renewal = self._loop.create_task(self._renew(), name=f"lease {self.room.slug}")
            await asyncio.sleep(TICK_S)

    async def _renew(self) -> None:
        try:
            room = await in_database(lease.renew, self.claim.session_id, self.claim.fence)
            self._adopt(room)
        except LeaseLostError:
            self._finish()  # closing the session will find the lease gone, too
        except Error as error:
            logger.warning("room %s: the lease could not be renewed (%s)", self.room.slug, type(error).__name__)

    async def _look(self, now: float) -> None:
        try:
            await self._spending.look(now)
        except LeaseLostError:
            self._finish()
        except Error as error:
            logger.warning("room %s: what may be spent is not known (%s)", self.room.slug, type(error).__name__)

    def _adopt(self, room: Room) -> None:
        """Work with the room as it is set now."""
        if self._changing:
            return  # the next renewal brings it again
        before, self.room = self.room, room
        self._scribe.speaker_name = room.speaker_name
        if room.engine_settings() == before.engine_settings() or self.is_ending:
            return
        edition = self._report.change(room)
        try:
            self._voice.change(room, edition)
        except (SetupError, EndpointError) as error:
            self._report.refuse(str(error))
        self._scribe.tell_engine(self._report.as_json())
        self._scribe.tell_settings()

    def _finish(self) -> None:
        self._finished = True
        self._scribe.wake.set()
