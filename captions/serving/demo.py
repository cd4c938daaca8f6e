"""What a newcomer finds after the first start: a room to speak in, and a staff user."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth import get_user_model

from captions.models import AccessLink, Room

SLUG = "demo"
STAFF = "staff"
TOKEN_FILE = "demo_speaker_token"  # noqa: S105 - a file's name


@dataclass(frozen=True)
class Demo:
    """The demo room and its speaker token; the staff user's name, and password if it was made just now."""

    room: Room
    speaker_token: str
    staff: str
    new_password: str | None


def prepare_demo(data_dir: Path) -> Demo:
    """Make what is missing of the demo room, its speaker link and the staff user; keep what is there."""
    room, _ = Room.objects.get_or_create(
        slug=SLUG, defaults={"title": "Demo room", "listed": True, "language": "en", "delay_in_frames": 10}
    )
    return Demo(room, _speaker_token(room, data_dir / TOKEN_FILE), STAFF, _new_staff_password())


def _speaker_token(room: Room, path: Path) -> str:
    """Return the kept token while its link is good, so that the address stays the same; else that of a new link."""
    token = path.read_text().strip() if path.exists() else ""
    if token and AccessLink.valid(room, AccessLink.Kind.SPEAKER, token):
        return token
    _link, token = AccessLink.issue(room, AccessLink.Kind.SPEAKER, label="make run")
    path.unlink(missing_ok=True)  # so that its rights are ours to set
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(token)
    return token


def _new_staff_password() -> str | None:
    """Make the staff user with a password nobody knows yet; None if the user is there."""
    users = get_user_model()._default_manager  # noqa: SLF001 - Django's documented name for it
    if users.filter(username=STAFF).exists():
        return None
    password = secrets.token_urlsafe(12)
    users.create_superuser(username=STAFF, password=password)
    return password
