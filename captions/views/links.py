from __future__ import annotations

from django.urls import reverse

from captions.models import Room


def room_links(room: Room, speaker_token: str, *, base_url: str) -> dict[str, str]:
    """Return a room's addresses. The token stands behind ``#``: a browser sends that part to no server."""
    return {
        "slug": room.slug,
        "viewer_url": base_url + reverse("viewer", args=[room.slug]),
        "speaker_url": f"{base_url}{reverse('speaker', args=[room.slug])}#{speaker_token}",
        "speaker_token": speaker_token,
        "staff_url": base_url + reverse("admin:captions_room_change", args=[room.pk]),
    }
