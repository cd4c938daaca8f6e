"""When things go wrong, and when the speaker is away or pauses."""

from __future__ import annotations

import random

from tests.gradium.conditions import World
from tests.gradium.speaker import Uttered


class Faults:
    """The plan of a talk's troubles. ``spoken`` loses the words that a pause of the speaker swallows."""

    def __init__(self, world: World, rng: random.Random, spoken: list[Uttered]) -> None:
        self.world, self.rng, self.spoken = world, rng, spoken
        self._drops = list(world.drops)
        at = 0.0
        while world.drops_every_s and (at := at + rng.uniform(0.3, 1.7) * world.drops_every_s) < world.talk_s:
            length = rng.uniform(*world.drop_s)
            self._drops.append((at, length))
            at += length
        self._rests = list(world.rests)
        at = 0.0
        while world.rests_every_s and (at := at + rng.uniform(0.3, 1.7) * world.rests_every_s) < world.talk_s:
            after = next((word for word in spoken if word.start_s > at), None)
            before = [word for word in spoken if word.start_s <= at]
            if after is None or not before:
                continue
            start = before[-1].end_s
            self._rests.append((start + 0.3 * (after.start_s - start), rng.uniform(0.1, 8.0)))

    def times(self, every_s: float) -> list[float]:
        """Return when something happens that happens about ``every_s``; never if that is 0."""
        times: list[float] = []
        at = 0.0
        while every_s and (at := at + self.rng.uniform(0.2, 1.8) * every_s) < self.world.talk_s:
            times.append(at)
        return times

    def drop_at(self, now: float) -> float | None:
        """Return when the speaker's connection is back, if it is down."""
        if not self._drops:
            return None
        return next((at + length for at, length in self._drops if at <= now < at + length), None)

    def rest_at(self, at_s: float) -> float | None:
        """Return how long the speaker pauses, if he does when his audio is at ``at_s``."""
        return next((length for at, length in self._rests if at <= at_s), None)

    def rest(self, start_s: float, length_s: float) -> float:
        """The speaker pauses: return where his audio goes on."""
        following = [word for word in self.spoken if word.start_s >= start_s + length_s]
        resumes_s = max(start_s, following[0].start_s - 0.02 if following else self.world.talk_s - 0.5)
        self._rests = [other for other in self._rests if other[0] > resumes_s]
        self.spoken[:] = [word for word in self.spoken if word.end_s <= start_s + 1e-6 or word.start_s >= resumes_s]
        return resumes_s
