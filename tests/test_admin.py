"""Django's admin, as staff use it until there is a control room."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from captions.models import AccessLink, Room, Segment, Session, Usage

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
    usage = Usage.objects.create(room=room, room_slug="hall", day=timezone.now().date(), paid_ms=1000)
    segment = session.segments.get()
    rows = {"room": room, "session": session, "segment": segment, "accesslink": link, "usage": usage}
    for model, row in rows.items():
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


def page_text(staff: Client, page: str, *args: object) -> str:
    answer = staff.get(reverse(f"admin:captions_{page}", args=args))
    return re.sub("[ \n\t]+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_the_hours_of_a_room_are_set_and_refused_in_words(staff: Client, room: Room) -> None:
    change = reverse("admin:captions_room_change", args=[room.pk])
    fields = {
        "title": "Hall",
        "slug": "hall",
        "language": "en",
        "delay_in_frames": 10,
        "model_name": "default",
        "vocabulary": "[]",
        "vocabulary_boost": 3,
        "utterance_horizon_s": 2.0,
        "utterance_threshold": 0.5,
    }
    for hours, said in (
        ("25", "A day has 24 hours. Give 24 or less, or 0 for no limit."),
        ("-1", "Hours cannot be less than 0. Give 0 for no limit."),
        ("all", "Enter a number."),
    ):
        assert said in staff.post(change, fields | {"hours_per_day": hours}).content.decode()
    for hours, kept in (("1.5", 1.5), ("0", 0.0), ("", None)):
        assert staff.post(change, fields | {"hours_per_day": hours}).status_code == 302
        room.refresh_from_db()
        assert room.hours_per_day == kept


def test_a_room_shows_what_it_has_used_and_a_session_what_it_has_cost(staff: Client, room: Room) -> None:
    now = timezone.now()
    Usage.objects.create(room=room, room_slug="hall", day=now.date(), paid_ms=2_520_000)
    room.hours_per_day = 4
    room.save()
    text = page_text(staff, "room_change", room.pk)
    assert "42:00 of 4:00:00 (17\u00a0%), 7,560 credits." in text
    assert "42:00, no limit, 7,560 credits." in text
    room.hours_per_day = 0.7
    room.save()
    assert "The room’s hours for today are used up." in page_text(staff, "room_change", room.pk)

    session = Session.objects.create(room=room, number=1, started_at=now, state_at=now, paid_ms=768_000)
    Segment.objects.create(session=session, seq=1, text="hello", start_ms=1_000, end_ms=601_000)
    Segment.objects.create(session=session, seq=2, text="again", start_ms=700_000, end_ms=731_000)
    Segment.objects.create(session=session, seq=3, kind="gap", reason="budget", start_ms=731_000, end_ms=999_000)
    silent = Session.objects.create(room=room, number=2, started_at=now, state_at=now)
    text = page_text(staff, "session_changelist")
    assert "12:48 paid, 10:31 spoken 2,304 " in text
    assert "0:00 paid, 0:00 spoken 0 " in text
    assert "12:48 paid, 10:31 spoken" in page_text(staff, "session_change", session.pk)
    assert "0:00 paid" in page_text(staff, "session_change", silent.pk)


def test_months_have_totals_that_rooms_cannot_take_away(staff: Client, room: Room, settings) -> None:
    assert "Nothing has been paid for so far." in page_text(staff, "usage_changelist")
    settings.MINUTES_PER_MONTH = 100
    today = timezone.now().date()
    long_ago = today.replace(day=1) - timedelta(days=40)
    attic = Room.objects.create(slug="attic", title="Attic")
    for where, day, minutes in ((room, today, 30), (attic, today, 15), (attic, long_ago, 61)):
        Usage.objects.create(room=where, room_slug=where.slug, day=day, paid_ms=minutes * 60_000)
    attic.delete()
    text = page_text(staff, "usage_changelist")
    assert f"{today:%B %Y} 45:00 of 1:40:00 (45\u00a0%) 8,100 2" in text
    assert f"{long_ago:%B %Y} 1:01:00 10,980 1" in text
    month = f"?day__year={long_ago.year}&day__month={long_ago.month}"
    rows = staff.get(reverse("admin:captions_usage_changelist") + month).context["cl"].queryset
    assert [(row.room_slug, row.room) for row in rows] == [("attic", None)]


def test_captions_are_read_only(staff: Client, room: Room) -> None:
    session = Session.objects.create(room=room, number=1, started_at=timezone.now(), state_at=timezone.now())
    segment = Segment.objects.create(session=session, seq=1, text="hello", start_ms=0, end_ms=10)
    change = reverse("admin:captions_segment_change", args=[segment.pk])
    assert staff.post(change, {"text": "something else"}).status_code == 403
    segment.refresh_from_db()
    assert segment.text == "hello"
