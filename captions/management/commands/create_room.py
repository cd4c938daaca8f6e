"""Make a room and the link of its speaker."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, transaction

from captions.gradium.setup import DELAYS_IN_FRAMES, LANGUAGES
from captions.models import AccessLink, Room
from captions.views.links import room_links


class Command(BaseCommand):
    help = "Make a room and its speaker link. The last line of output is JSON with --json."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--slug", required=True, help="the room's code, the last part of its address")
        parser.add_argument("--title", help="shown to readers; left out: the slug")
        parser.add_argument("--language", default="en", help=", ".join(LANGUAGES))
        delays = ", ".join(map(str, DELAYS_IN_FRAMES))
        parser.add_argument("--delay", type=int, default=10, help=f"engine delay in frames of 80 ms: {delays}")
        parser.add_argument("--speaker", default="", help="the speaker's name, shown to readers")
        parser.add_argument("--listed", action="store_true", help="show the room on the front page")
        parser.add_argument("--json", action="store_true", help="print nothing but JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        room = Room(
            slug=options["slug"].lower(),
            title=options["title"] or options["slug"],
            language=options["language"],
            delay_in_frames=options["delay"],
            speaker_name=options["speaker"],
            listed=options["listed"],
        )
        try:
            room.full_clean()
            with transaction.atomic():
                room.save()
                _, token = AccessLink.issue(room, AccessLink.Kind.SPEAKER, label="create_room")
        except ValidationError as error:
            sentences = [f"{field}: {' '.join(messages)}" for field, messages in error.message_dict.items()]
            raise CommandError("The room was not made. " + " ".join(sentences)) from error
        except DatabaseError as error:
            raise CommandError(f"The database does not work ({error}). Is it migrated? manage.py migrate") from error
        links = room_links(room, token, base_url=settings.PUBLIC_URL)
        if not options["json"]:
            self.stdout.write(f"Room {room.title} is made.")
            self.stdout.write(f"  readers: {links['viewer_url']}")
            self.stdout.write(f"  speaker: {links['speaker_url']}  (keep it: it cannot be shown again)")
            self.stdout.write(f"  staff:   {links['staff_url']}")
        self.stdout.write(json.dumps(links))
