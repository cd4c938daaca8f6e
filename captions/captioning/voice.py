"""A speaker's stream of samples, and its place on the session's clock and on the tape of what is heard."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from django.conf import settings

from captions.gradium.actions import Output
from captions.gradium.editions import Settings
from captions.gradium.messages import Start
from captions.gradium.runner import Opening, StreamRunner
from captions.gradium.seam import Spoken
from captions.gradium.session import Target, endpoint_url
from captions.gradium.setup import FRAME_S
from captions.gradium.stream import Stream
from captions.models import Room


def opening(room: Room, rate: int) -> Opening:
    """Return where the room's sessions are opened and how they begin. Raises SetupError, EndpointError."""
    key = os.environ.get("GRADIUM_API_KEY", "").strip()
    return Opening(
        Target(endpoint_url(room.endpoint or settings.GRADIUM_URL), key), Start(room.setup(sample_rate=rate))
    )


def stream_settings(room: Room, rate: int, edition: int) -> Settings:
    """Return what the stream has to know of a room."""
    return Settings(
        rate=rate,
        session_s=settings.GRADIUM_SESSION_S,
        delay_s=room.delay_in_frames * FRAME_S,
        horizon_s=room.utterance_horizon_s,
        threshold=room.utterance_threshold,
        silence_s=settings.SILENCE_S,
        language=room.language,
        edition=edition,
    )


@dataclass(frozen=True, slots=True)
class Voice:
    """``base_ms`` is the session's time of the speaker's sample 0, ``offset`` that sample's place on the tape."""

    stream: UUID
    rate: int
    base_ms: int
    offset: int
    runner: StreamRunner

    @classmethod
    def start(
        cls,
        room: Room,
        listener: Callable[[Output], None],
        *,
        stream: UUID,
        rate: int,
        base_ms: int,
        first: int = 0,
        emitted: Sequence[Spoken] = (),
        edition: int = 0,
    ) -> Self:
        """Begin with sample ``first``; words before it that are out already are ``emitted``."""
        core = Stream(
            stream_settings(room, rate, edition),
            now=asyncio.get_running_loop().time(),
            start=first,
            emitted=emitted,
        )
        runner = StreamRunner(core, opening(room, rate), listener)
        return cls(stream, rate, base_ms, 0, runner)

    def followed_by(self, stream: UUID, *, not_before_ms: int) -> Voice:
        """Let another stream of the same rate go on, on the same tape: what this one said is heard out first."""
        tape_base_ms = self.base_ms - self.offset * 1000 // self.rate
        offset = max(self.runner.stream.tape.end, (not_before_ms - tape_base_ms) * self.rate // 1000)
        self.runner.skip_to(offset)
        return Voice(stream, self.rate, tape_base_ms + offset * 1000 // self.rate, offset, self.runner)

    def change(self, room: Room, edition: int) -> None:
        """Let other settings of the room hold from now on. Raises SetupError or EndpointError, and changes nothing."""
        self.runner.change(stream_settings(room, self.rate, edition), opening(room, self.rate))

    @property
    def next_sample(self) -> int:
        """The speaker's sample to go on with."""
        return self.runner.stream.tape.end - self.offset

    @property
    def end_ms(self) -> int:
        """The session's time at the end of the audio."""
        return self.ms(self.runner.stream.tape.end)

    def ms(self, index: int) -> int:
        """Return the session's time of an index of the tape."""
        return self.base_ms + (index - self.offset) * 1000 // self.rate

    def skip_to(self, sample: int) -> None:
        """Leave out the speaker's samples up to ``sample``."""
        self.runner.skip_to(sample + self.offset)
