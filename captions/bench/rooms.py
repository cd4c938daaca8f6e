"""``python -m captions.bench.rooms COUNT FILE``: makes rooms in the database the environment names.

FILE gets a JSON list of [slug, speaker's token].
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import django


def make_rooms(count: int) -> list[tuple[str, str]]:
    """Make rooms with a speaker link each; return their slugs and tokens."""
    from django.db import transaction  # noqa: PLC0415 - Django is set up first

    from captions.models import AccessLink, Room  # noqa: PLC0415

    made = []
    with transaction.atomic():
        for number in range(count):
            room = Room.objects.create(slug=f"bench-{number}", title=f"Bench {number}", language="en")
            made.append((room.slug, AccessLink.issue(room, AccessLink.Kind.SPEAKER, label="bench")[1]))
    return made


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "captions.settings")
    django.setup()
    Path(sys.argv[2]).write_text(json.dumps(make_rooms(int(sys.argv[1]))))
