from __future__ import annotations

import hashlib
import secrets
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from captions.models.room import Room


def hash_token(token: str) -> str:
    """Return what is stored for a secret of 128 bits or more; a plain hash is enough for so much entropy."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class AccessLink(models.Model):
    """Lets whoever holds its token speak in, or watch, one room. The token itself is never stored."""

    class Kind(models.TextChoices):
        """What the link allows."""

        SPEAKER = "speaker"
        VIEWER = "viewer"

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="links")
    kind = models.CharField(max_length=8, choices=Kind)
    label = models.CharField(max_length=100, blank=True, help_text="Who the link is for.")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.kind} link of {self.room.slug}" + (f" for {self.label}" if self.label else "")

    @staticmethod
    def new_token() -> str:
        """Return a secret of 192 bits."""
        return secrets.token_urlsafe(24)

    @classmethod
    def issue(cls, room: Room, kind: str, *, label: str = "", expires_at: object = None) -> tuple[Self, str]:
        """Make a link and return it with its token, which can never be read again."""
        token = cls.new_token()
        link = cls.objects.create(
            room=room, kind=kind, label=label, expires_at=expires_at, token_hash=hash_token(token)
        )
        return link, token

    @classmethod
    def valid(cls, room: Room, kind: str, token: str) -> Self | None:
        """Return the usable link of ``token``, or None for a wrong, expired or revoked one."""
        return (
            cls.objects.filter(room=room, kind=kind, token_hash=hash_token(token), revoked_at=None)
            .filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()))
            .first()
        )
