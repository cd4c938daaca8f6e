from __future__ import annotations

from django.db import models

from captions.models.room import Room


class Usage(models.Model):
    """Audio paid for in one room on one day. It outlives the room and its sessions: a month's total stays true."""

    room = models.ForeignKey(Room, on_delete=models.SET_NULL, null=True, blank=True, related_name="usage")
    room_slug = models.CharField(max_length=64, help_text="The room's code on that day.")
    day = models.DateField(db_index=True, help_text="In UTC.")
    paid_ms = models.PositiveBigIntegerField(default=0, help_text="Audio sent to the speech engine, milliseconds.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["room", "day"], name="usage_once_per_room_and_day")]
        ordering = ["-day", "room_slug"]
        verbose_name_plural = "usage"

    def __str__(self) -> str:
        return f"{self.room_slug} on {self.day}"
