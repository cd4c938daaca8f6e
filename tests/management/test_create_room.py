from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from captions.models import AccessLink, Room

pytestmark = pytest.mark.django_db


def create(capsys: pytest.CaptureFixture[str], *args: str) -> dict[str, str]:
    call_command("create_room", *args)
    result: dict[str, str] = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    return result


def test_it_prints_the_links_as_the_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    links = create(capsys, "--slug=hall", "--title=Großer Saal", "--language=de", "--delay=12", "--json")
    room = Room.objects.get()
    assert (room.slug, room.title, room.language, room.delay_in_frames) == ("hall", "Großer Saal", "de", 12)
    assert set(links) == {"slug", "viewer_url", "speaker_url", "speaker_token", "staff_url"}
    assert links["viewer_url"].endswith("/r/hall/")
    assert links["speaker_url"].endswith(f"/r/hall/speak/#{links['speaker_token']}")
    assert AccessLink.valid(room, "speaker", links["speaker_token"])
    assert links["speaker_token"] not in str(AccessLink.objects.values())


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--slug=no spaces"], "small letters"),
        (["--slug=-x"], "hyphen"),
        (["--slug=" + "x" * 65], "slug"),
        (["--slug=x", "--delay=11"], "delay_in_frames"),
        (["--slug=x", "--language=xx"], "language"),
        (["--slug=taken"], "already exists"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(args: list[str], told: str) -> None:
    Room.objects.create(slug="taken", title="Taken")
    with pytest.raises(CommandError, match="The room was not made") as refused:
        call_command("create_room", "--title=T", *args)
    assert told in str(refused.value)
    assert Room.objects.count() == 1
