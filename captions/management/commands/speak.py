"""``manage.py speak``: a speaker in a terminal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from argparse import ArgumentParser
from dataclasses import replace
from datetime import timedelta
from io import BufferedReader
from pathlib import Path
from time import monotonic
from typing import Any, Final, cast

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from captions.audio.frames import SAMPLE_RATE
from captions.audio.recording import SAMPLE, Recording, read_raw, read_wav
from captions.audio.wav import RATES, WavError
from captions.models import AccessLink, Room
from captions.speaking.display import Display, Json, Progress, Text
from captions.speaking.driver import Driver, pieces_of
from captions.speaking.link import LinkError, SpeakerLink, checked_server
from captions.speaking.pacing import Bucket
from captions.speaking.speaker import CATCH_UP, Failure, Speaker

TOKEN_LIFETIME: Final = timedelta(hours=12)
DRAW_S: Final = 0.25
CTRL_C: Final = 130
# A pipe may be fed by a clock that runs a little faster than ours, and has filled up while we connected.
PIPE_SLACK: Final = 1.01
PIPE_BURST_S: Final = 2.0


class Command(BaseCommand):
    help = "Speak in a room: a WAV file, raw PCM from a pipe, or the sample that ships with Captions."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("room", help="the room's code, or its speaker link: http://host/r/room/speak/#token")
        parser.add_argument("file", nargs="?", help="a WAV file, or - for raw PCM (s16le, mono) on standard input")
        parser.add_argument(
            "--sample", action="store_true", help="speak the minute of English that ships with Captions"
        )
        parser.add_argument("--url", default=settings.PUBLIC_URL, help="the server (default: %(default)s)")
        parser.add_argument("--token", help="the speaker link's token (or CAPTIONS_SPEAKER_TOKEN in the environment)")
        parser.add_argument("--rate", type=int, default=SAMPLE_RATE, help="Hz of raw PCM (default: %(default)s)")
        parser.add_argument("--speed", type=float, default=1.0, help="times real time, at most 2 (default: 1)")
        parser.add_argument("--take-over", action="store_true", help="speak even if somebody else is speaking")
        parser.add_argument("--json", action="store_true", help="one JSON object per event on standard output")

    def handle(self, **options: Any) -> None:
        if not 0 < options["speed"] <= CATCH_UP:
            raise CommandError(
                "--speed must be more than 0 and at most 2: a server takes no more than twice real time."
            )
        if options["rate"] not in RATES:
            raise CommandError(f"--rate must be from {RATES[0]} to {RATES[-1]} Hz.")
        with contextlib.ExitStack() as stack:
            try:
                recording = _recording(options, stack)
                link = _link(options)
                display: Display = Json(sys.stdout) if options["json"] else Text(sys.stdout, sys.stderr)
                failure = asyncio.run(_speak(recording, link, display, options))
            except (LinkError, WavError) as error:
                raise CommandError(str(error)) from None
            except asyncio.CancelledError:
                sys.exit(CTRL_C)
            except BrokenPipeError:
                # Whoever read our output has gone. Python would complain once more when it flushes at exit.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                sys.exit(1)
        if failure is not None:
            raise CommandError(_advice(failure, link))


async def _speak(recording: Recording, link: SpeakerLink, display: Display, options: dict[str, Any]) -> Failure | None:
    """Speak to the end of the recording or the first Ctrl-C; a second one raises CancelledError."""
    speaker = Speaker(take_over=options["take_over"])
    driver = Driver(speaker, link, display.event)
    if recording.length_s is None:
        pace = Bucket(options["speed"] * PIPE_SLACK * SAMPLE_RATE, PIPE_BURST_S * SAMPLE_RATE, filled=True)
    else:
        pace = Bucket(options["speed"] * SAMPLE_RATE, SAMPLE_RATE)
    talk = asyncio.create_task(driver.run(pieces_of(recording.pcm), pace))
    interrupted = False

    def interrupt() -> None:
        nonlocal interrupted
        if interrupted or speaker.ready is None:
            talk.cancel()
        else:
            interrupted = True
            driver.end()

    with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C ends at once
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupt)
    try:
        while not talk.done():
            display.progress(Progress.of(speaker, recording.length_s, monotonic()))
            await asyncio.wait([talk], timeout=DRAW_S)
        display.progress(Progress.of(speaker, recording.length_s, monotonic()))
        await talk
    finally:
        display.close()
    return speaker.failure


def _recording(options: dict[str, Any], stack: contextlib.ExitStack) -> Recording:
    """Open what is to be spoken."""
    name = options["file"]
    if (name is None) != options["sample"]:
        raise CommandError("Say what to speak: a WAV file, - for raw PCM on standard input, or --sample.")
    if name == "-":
        if sys.stdin.isatty():
            raise CommandError(
                "Standard input is this keyboard. Pipe sound into it, for example: "
                "arecord -q -t raw -f S16_LE -r 24000 -c 1 | manage.py speak ROOM -"
            )
        return read_raw(cast("BufferedReader", sys.stdin.buffer), options["rate"])
    path = SAMPLE if options["sample"] else Path(name)
    try:
        return read_wav(stack.enter_context(path.open("rb")), path.name)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from None


def _link(options: dict[str, Any]) -> SpeakerLink:
    """Find where to speak, and the token to do so."""
    room, token = options["room"], options["token"] or os.environ.get("CAPTIONS_SPEAKER_TOKEN", "")
    if "/" in room:
        link = SpeakerLink.parse(room)
        if not (token or link.token):
            raise CommandError(
                "The link has no token: copy the whole speaker link, with what follows the #, or give --token."
            )
        return replace(link, token=token or link.token)
    checked_server(options["url"])
    slug = room.lower()
    return SpeakerLink(options["url"].rstrip("/"), slug, token or _issue(slug))


def _issue(slug: str) -> str:
    """Make a short-lived speaker link of a room in this installation's own database; return its token."""
    try:
        room = Room.objects.filter(slug=slug).first()
        if room is not None:
            expires_at = timezone.now() + TOKEN_LIFETIME
            return AccessLink.issue(room, AccessLink.Kind.SPEAKER, label="manage.py speak", expires_at=expires_at)[1]
        why = f"No room is called {slug} in this installation's database."
    except DatabaseError:
        why = "This installation's database cannot be used (manage.py migrate sets it up)."
    raise CommandError(
        f"{why} Make the room: manage.py create_room --slug {slug} --title TITLE. "
        "For a room on another server, give its speaker link or --url and --token."
    )


def _advice(failure: Failure, link: SpeakerLink) -> str:
    """Say what went wrong and what to do on this command line."""
    match failure.code:
        case "room_busy":
            return f"Somebody else is speaking in {link.slug}. Add --take-over to take the room over."
        case "unreachable":
            return (
                f"{failure.message[0].upper()}{failure.message[1:]}. Is it running (make run), and is this its address?"
            )
        case _:
            return failure.message
