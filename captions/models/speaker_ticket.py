from __future__ import annotations

import secrets
from datetime import timedelta

from django.db import models
from django.utils import timezone

from captions.models.access_link import AccessLink, hash_token

LIFETIME = timedelta(seconds=30)


class SpeakerTicket(models.Model):
    """Opens one speaker socket, once, within 30 seconds. Got with the token of a speaker link."""

    link = models.ForeignKey(AccessLink, on_delete=models.CASCADE, related_name="tickets")
    ticket_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"ticket of {self.link}"

    @classmethod
    def issue(cls, link: AccessLink) -> str:
        """Return a new ticket; old unused ones are swept away in passing."""
        now = timezone.now()
        cls.objects.filter(expires_at__lt=now).delete()
        ticket = secrets.token_urlsafe(24)
        cls.objects.create(link=link, ticket_hash=hash_token(ticket), expires_at=now + LIFETIME)
        return ticket

    @classmethod
    def redeem(cls, slug: str, ticket: str) -> AccessLink | None:
        """Use a ticket up: its link if it was good for the room, else None. A second call with it gives None."""
        now = timezone.now()
        row = (
            cls.objects.select_related("link__room")
            .filter(ticket_hash=hash_token(ticket), expires_at__gt=now, link__room__slug=slug, link__revoked_at=None)
            .exclude(link__expires_at__lte=now)
            .first()
        )
        # The delete decides between two sockets that bring the same ticket at the same moment.
        if row is None or cls.objects.filter(pk=row.pk).delete()[0] != 1:
            return None
        return row.link
