"""Django's admin, as staff use it until there is a control room."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from captions.models import AccessLink, Room, Segment, Session

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(get_user_model().objects.create_superuser("staff", password="a long password"))
    return client


@pytest.fixture
def room() -> Room:
    return Room.objects.create(slug="hall", title="Hall")


def test_every_page_opens(staff: Client, room: Room) -> None:
    session = Session.objects.create(room=room, number=1, started_at=timezone.now(), state_at=timezone.now())
    Segment.objects.create(session=session, seq=1, text="hello", start_ms=0, end_ms=10)
    link, _ = AccessLink.issue(room, "speaker")
    for model, row in (("room", room), ("session", session), ("segment", session.segments.get()), ("accesslink", link)):
        assert staff.get(reverse(f"admin:captions_{model}_changelist")).status_code == 200
        assert staff.get(reverse(f"admin:captions_{model}_change", args=[row.pk])).status_code == 200


def test_a_new_link_is_shown_once(staff: Client, room: Room) -> None:
    page = staff.post(
        reverse("admin:captions_accesslink_add"), {"room": room.pk, "kind": "speaker", "label": "Ines"}, follow=True
    )
    token = re.search(r"/r/hall/speak/#([\w-]+)", page.content.decode())
    assert token is not None
    assert AccessLink.valid(room, "speaker", token[1])
    again = staff.get(reverse("admin:captions_accesslink_changelist"))
    assert token[1] not in again.content.decode()


def test_revoking_makes_a_link_useless(staff: Client, room: Room) -> None:
    link, token = AccessLink.issue(room, "speaker")
    staff.post(
        reverse("admin:captions_accesslink_changelist"),
        {"action": "revoke", "_selected_action": [link.pk]},
        follow=True,
    )
    assert AccessLink.valid(room, "speaker", token) is None


def test_settings_the_engine_would_refuse_are_refused_beside_the_form(staff: Client, room: Room) -> None:
    change = reverse("admin:captions_room_change", args=[room.pk])
    fields = {
        "title": "Hall",
        "slug": "hall",
        "language": "en",
        "delay_in_frames": 10,
        "model_name": "default",
        "vocabulary": '["two words"]',
        "vocabulary_boost": 3,
        "utterance_horizon_s": 2.0,
        "utterance_threshold": 0.5,
    }
    answer = staff.post(change, fields)
    assert "one word without spaces" in answer.content.decode()
    assert staff.post(change, fields | {"vocabulary": '["Ogmore"]'}).status_code == 302
    room.refresh_from_db()
    assert room.vocabulary == ["Ogmore"]


def test_captions_are_read_only(staff: Client, room: Room) -> None:
    session = Session.objects.create(room=room, number=1, started_at=timezone.now(), state_at=timezone.now())
    segment = Segment.objects.create(session=session, seq=1, text="hello", start_ms=0, end_ms=10)
    change = reverse("admin:captions_segment_change", args=[segment.pk])
    assert staff.post(change, {"text": "something else"}).status_code == 403
    segment.refresh_from_db()
    assert segment.text == "hello"
