"""Keeps one captioner within its limits: looks at them every few seconds, stops its stream and lets it go on."""

from __future__ import annotations

from captions.captioning import meter
from captions.captioning.allowance import Allowance, Notice
from captions.captioning.budget import Reason, Verdict
from captions.captioning.lease import Claim
from captions.database import in_database
from captions.gradium.runner import StreamRunner


class Spending:
    """Begins with what a look found before anything was sent. All methods are called on the event loop."""

    def __init__(self, claim: Claim, verdict: Verdict, runner: StreamRunner, *, now: float) -> None:
        self._claim = claim
        self._runner = runner
        self._earlier_s = 0.0  # paid on streams that are closed
        self._allowance = Allowance(verdict, now=now)
        self._held = ""
        self._needs_line = True
        self._hold_or_go_on()

    @property
    def paid_ms(self) -> int:
        """The session's running total."""
        return self._claim.paid_ms + round((self._earlier_s + self._runner.stream.paid_s) * 1000)

    @property
    def out_of_budget(self) -> str:
        """Which limit is used up, as the wire's ``detail`` calls it; empty: none."""
        verdict = self._allowance.verdict
        return verdict.detail if verdict.out_of_time else ""

    @property
    def engine_busy(self) -> bool:
        """All caption lines are in use."""
        return self._allowance.verdict.reason is Reason.CONCURRENT

    @property
    def is_held(self) -> bool:
        """No engine session may be open, so audio waits or is passed over."""
        return bool(self._held)

    def change_stream(self, runner: StreamRunner) -> None:
        """Another stream goes on; the one before is closed."""
        if runner is not self._runner:
            self._earlier_s += self._runner.stream.paid_s
            self._runner, self._held = runner, ""
            self._hold_or_go_on()

    def keep(self, now: float, *, in_use: bool) -> list[Notice]:
        """Hold the stream or let it go on, and return what the speaker is to be told. Called every tick.

        ``in_use``: somebody speaks, or words are still to come.
        """
        self._needs_line = self._allowance.needs_line(now, in_use=in_use)
        self._allowance.spend(self.paid_ms + round(self._runner.stream.behind_s * 1000) - self._claim.paid_ms)
        self._hold_or_go_on()
        return self._allowance.notices()

    def reminders(self) -> list[Notice]:
        """Return what a speaker who has just come is to be told."""
        return self._allowance.reminders()

    def look_is_due(self, now: float) -> bool:
        """It is time for ``look``."""
        return self._allowance.look_is_due(now)

    async def look(self, now: float) -> None:
        """Count what was paid, and see what may still be spent. Raises LeaseLostError and database errors."""
        self._allowance.looking(now)
        paid_ms = self.paid_ms
        verdict = await in_database(
            meter.count_and_look,
            self._claim.session_id,
            self._claim.fence,
            room_id=self._claim.room.pk,
            paid_ms=paid_ms,
            wants_line=self._needs_line,
        )
        self._allowance.seen(verdict, spent_ms=paid_ms - self._claim.paid_ms)

    def _hold_or_go_on(self) -> None:
        verdict = self._allowance.verdict
        held = "" if verdict.allowed else "budget" if verdict.out_of_time else "engine_busy"
        if held == self._held:
            return
        self._held = held
        if held:
            # Words that wait for a line are kept, as long as audio is kept at all; out of time, nothing will be heard.
            self._runner.hold(reason=held, keep=held == "engine_busy")
        else:
            self._runner.go_on()
