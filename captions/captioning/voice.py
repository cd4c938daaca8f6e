"""A speaker's stream of samples, its engine sessions, and its place on the session's clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from django.conf import settings

from captions.gradium.actions import Output
from captions.gradium.messages import Start
from captions.gradium.runner import StreamRunner
from captions.gradium.seam import Spoken
from captions.gradium.session import Target
from captions.gradium.setup import FRAME_S
from captions.gradium.stream import Settings, Stream
from captions.models import Room


@dataclass(frozen=True, slots=True)
class Voice:
    """``base_ms`` is the session's time of the stream's sample 0; ``rate`` is in Hz."""

    stream: UUID
    rate: int
    base_ms: int
    runner: StreamRunner

    @classmethod
    def start(
        cls,
        room: Room,
        target: Target,
        *,
        stream: UUID,
        rate: int,
        base_ms: int,
        first: int,
        emitted: Sequence[Spoken],
        listener: Callable[[Output], None],
    ) -> Self:
        """Begin with sample ``first``; words before it that are out already are ``emitted``."""
        stream_settings = Settings(
            rate=rate,
            session_s=settings.GRADIUM_SESSION_S,
            delay_s=room.delay_in_frames * FRAME_S,
            horizon_s=room.utterance_horizon_s,
            threshold=room.utterance_threshold,
        )
        core = Stream(stream_settings, now=asyncio.get_running_loop().time(), start=first, emitted=emitted)
        return cls(stream, rate, base_ms, StreamRunner(core, target, Start(room.setup(sample_rate=rate)), listener))

    @property
    def next_sample(self) -> int:
        """The sample to go on with."""
        return self.runner.stream.tape.end

    def ms(self, sample: int) -> int:
        """Return the session's time of a sample."""
        return self.base_ms + sample * 1000 // self.rate

    def sample(self, ms: int) -> int:
        """Return the sample at a time of the session; 0 for a time before the stream."""
        return max(0, ms - self.base_ms) * self.rate // 1000
