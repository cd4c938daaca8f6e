from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models

from captions.models.room import Room

LEASE = timedelta(seconds=10)
"""How long a captioner holds a session without renewing its lease."""


class Session(models.Model):
    """One run of a room, from its first audio to its end. Times inside it count from its first sample."""

    class State(models.TextChoices):
        """What viewers are told; the wire's six words."""

        IDLE = "idle"
        LIVE = "live"
        SILENT = "silent"
        RECONNECTING = "reconnecting"
        PAUSED = "paused"
        ENDED = "ended"

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="sessions")
    number = models.PositiveIntegerField(help_text="Rises by 1 with each new run of the room.")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    state = models.CharField(max_length=12, choices=State, default=State.LIVE)
    detail = models.CharField(max_length=32, blank=True)
    state_at = models.DateTimeField()

    # The lease: only the captioner that holds the newest fencing number may write, until the lease runs out.
    fence = models.PositiveBigIntegerField(default=0, help_text="Fencing number of the captioner's lease.")
    lease_until = models.DateTimeField(null=True, blank=True)

    speaker_here = models.BooleanField(default=False, help_text="A speaker is connected, in whatever state.")

    engine = models.JSONField(
        default=dict, blank=True, help_text="Settings in use, since when, and what is wrong with the engine, in words."
    )

    # Where the speaker's audio stands, so that another process can go on after a crash.
    stream = models.UUIDField(null=True, blank=True, help_text="The speaker's stream of samples.")
    sample_rate = models.PositiveIntegerField(default=24_000)
    stream_base_ms = models.PositiveBigIntegerField(default=0, help_text="Session time of the stream's sample 0.")
    acked_sample = models.PositiveBigIntegerField(default=0, help_text="Audio of the stream before it is durable.")

    paid_ms = models.PositiveBigIntegerField(
        default=0, help_text="Audio sent to the speech engine, milliseconds: what it bills."
    )
    # A line is the right to hold an engine session; both count only while the lease is held. See captioning/lines.py.
    line_since = models.DateTimeField(null=True, blank=True, help_text="Holds a line since.")
    waits_since = models.DateTimeField(null=True, blank=True, help_text="Waits for a free line since.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["room", "number"], name="session_number_once_per_room")]
        ordering = ["room", "number"]

    def __str__(self) -> str:
        return f"{self.room.slug} {self.number}"

    @property
    def last_sign(self) -> datetime:
        """When its captioner was last known to be there, about."""
        return max(self.state_at, self.lease_until - LEASE) if self.lease_until else self.state_at

    def is_held(self, now: datetime) -> bool:
        """Tell whether a captioner has its lease."""
        return self.lease_until is not None and now <= self.lease_until

    def is_abandoned(self, now: datetime) -> bool:
        """Tell whether it is open, and its captioner gone for longer than a speaker may stay away."""
        if self.ended_at is not None or self.is_held(now):
            return False
        return now - self.last_sign > timedelta(seconds=settings.SPEAKER_GONE_S)
