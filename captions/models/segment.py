from __future__ import annotations

from django.db import models

from captions.models.session import Session


class Segment(models.Model):
    """A final piece of text, or a gap where audio could not be kept. Numbered without holes within its session."""

    class Kind(models.TextChoices):
        """What a row stands for."""

        FINAL = "final"
        GAP = "gap"

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="segments")
    seq = models.PositiveIntegerField(help_text="1, 2, 3, ... within the session.")
    kind = models.CharField(max_length=5, choices=Kind, default=Kind.FINAL)
    text = models.TextField(blank=True)
    words = models.JSONField(default=list, blank=True, help_text='[{"text", "start_ms", "end_ms"}]')
    start_ms = models.PositiveBigIntegerField()
    end_ms = models.PositiveBigIntegerField()
    lang = models.CharField(max_length=16, blank=True)
    speaker = models.CharField(max_length=100, blank=True)
    reason = models.CharField(max_length=32, blank=True, help_text="Of a gap: why the audio is missing.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "seq"], name="seq_once_per_session")]
        ordering = ["session", "seq"]

    def __str__(self) -> str:
        return f"{self.seq}: {self.text[:40]}"
