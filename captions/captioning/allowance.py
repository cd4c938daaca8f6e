"""A captioner's knowledge of its limits between two looks at the database: may an engine session be open now? Pure.

``spent_ms`` is all audio its streams have sent so far, and what waits to be sent. Between looks the room's own spending
is followed here to the tick, so no limit is overrun by it; what other rooms spend of the month shows at the next look.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from captions.captioning import budget_words
from captions.captioning.budget import Line, Verdict

LOOK_S: Final = 5.0
LOOK_WAITING_S: Final = 1.0  # for a free line
AGAIN_FROM_MS: Final = 10_000  # a room that was stopped does not start again for less than this
LINE_KEPT_S: Final = 30.0  # a line that is not used is kept this long: speakers come back


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence for the speaker, as a non-fatal error frame with this code."""

    code: str
    message: str


class Allowance:
    """Begins with a first look's verdict. Times are seconds of the caller's clock."""

    def __init__(self, verdict: Verdict, *, now: float) -> None:
        self._verdict = self._seen = verdict
        self._seen_spent_ms = 0
        self._look_at = now + LOOK_S
        self._used_at = now
        self._warned_ms: int | None = None
        self._told = ""  # detail of the stop the speaker was told of
        self._notices: list[Notice] = []
        self._tell()

    @property
    def verdict(self) -> Verdict:
        """What holds now."""
        return self._verdict

    def look_is_due(self, now: float) -> bool:
        """It is time to look again."""
        return now >= self._look_at

    def looking(self, now: float) -> None:
        """A look begins, whatever comes of it."""
        waits = self._verdict.line is Line.AWAITED
        self._look_at = now + (LOOK_WAITING_S if waits else LOOK_S)

    def needs_line(self, now: float, *, in_use: bool) -> bool:
        """Tell whether a line is wanted. ``in_use``: somebody speaks, or words are still to come."""
        if in_use:
            if self._verdict.line is Line.RESTS:
                self._look_at = min(self._look_at, now)
            self._used_at = now
        return now - self._used_at < LINE_KEPT_S

    def seen(self, verdict: Verdict, *, spent_ms: int) -> None:
        """A look gave ``verdict``, with ``spent_ms`` of this captioner's counted."""
        if self._verdict.out_of_time and not verdict.out_of_time:
            left_ms = verdict.left_ms
            if left_ms is not None and left_ms < AGAIN_FROM_MS:
                return  # a remainder: audio that was reckoned with and never sent
        self._seen, self._seen_spent_ms = verdict, spent_ms
        self._verdict = verdict
        self._tell()

    def spend(self, spent_ms: int) -> None:
        """So much is spent now. Once out of time, only a look can change that."""
        if not self._verdict.out_of_time:
            self._verdict = self._seen.after(spent_ms - self._seen_spent_ms)
            self._tell()

    def notices(self) -> list[Notice]:
        """Return what the speaker is to be told, once each."""
        notices, self._notices = self._notices, []
        return notices

    def reminders(self) -> list[Notice]:
        """Return what a speaker who has just come is to be told."""
        self._notices = []
        verdict = self._verdict
        if verdict.reason is not None:
            return [self._stop(verdict)]
        return [self._soon(verdict)] if verdict.warning_ms else []

    def _tell(self) -> None:
        verdict = self._verdict
        if verdict.detail != self._told:
            self._told = verdict.detail
            if verdict.reason is not None:
                self._notices.append(self._stop(verdict))
        if verdict.reason is not None:
            self._warned_ms = None
            return
        warned_ms, self._warned_ms = self._warned_ms, verdict.warning_ms
        if verdict.warning_ms is not None and (warned_ms is None or verdict.warning_ms < warned_ms):
            self._notices.append(self._soon(verdict))
        elif warned_ms is not None and verdict.warning_ms is None:
            self._notices.append(Notice("budget_more", f"There is more time now. {budget_words.left(verdict)}"))

    @staticmethod
    def _soon(verdict: Verdict) -> Notice:
        return Notice("budget_soon", f"{budget_words.left(verdict)} The host can add more.")

    @staticmethod
    def _stop(verdict: Verdict) -> Notice:
        return Notice(verdict.detail, budget_words.sentence(budget_words.FOR_SPEAKERS, verdict))
