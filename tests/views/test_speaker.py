from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from captions.models import AccessLink, Room, Session, SpeakerTicket

pytestmark = pytest.mark.django_db


@pytest.fixture
def room() -> Room:
    return Room.objects.create(slug="hall", title="Harbour Room", language="fr")


def ask(client: Client, body: object, slug: str = "hall") -> Any:
    content = body if isinstance(body, str | bytes) else json.dumps(body)
    return client.post(f"/r/{slug}/speak/ticket/", content, content_type="application/json")


def test_a_good_link_gets_a_ticket_that_opens_one_socket(client: Client, room: Room) -> None:
    link, token = AccessLink.issue(room, AccessLink.Kind.SPEAKER)
    response = ask(client, {"token": token})
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    ticket = response.json()["ticket"]
    assert SpeakerTicket.redeem("hall", ticket) == link
    assert SpeakerTicket.redeem("hall", ticket) is None


def test_a_ticket_needs_no_cookie_and_no_csrf_token(room: Room) -> None:
    _, token = AccessLink.issue(room, AccessLink.Kind.SPEAKER)
    strict = Client(enforce_csrf_checks=True)
    response = ask(strict, {"token": token})
    assert response.status_code == 200
    assert not response.cookies


def test_a_viewers_link_does_not_let_speak(client: Client, room: Room) -> None:
    _, token = AccessLink.issue(room, AccessLink.Kind.VIEWER)
    assert ask(client, {"token": token}).status_code == 403


@pytest.mark.usefixtures("room")
def test_a_link_of_another_room_does_not_let_speak(client: Client) -> None:
    _, token = AccessLink.issue(Room.objects.create(slug="loft", title="Loft"), AccessLink.Kind.SPEAKER)
    response = ask(client, {"token": token})
    assert response.status_code == 403
    assert response.json()["error"] == "link_refused"
    assert "loft" not in response.json()["message"].lower()


def test_an_expired_link_says_when_it_stopped(client: Client, room: Room) -> None:
    stopped = timezone.now() - timedelta(days=1)
    _, token = AccessLink.issue(room, AccessLink.Kind.SPEAKER, expires_at=stopped)
    response = ask(client, {"token": token})
    assert response.status_code == 403
    assert response.json()["error"] == "link_refused"
    assert f"{stopped:%H:%M}" in response.json()["message"]
    assert response.json()["expired_at"] == stopped.isoformat()


def test_a_revoked_link_says_that_it_was_stopped(client: Client, room: Room) -> None:
    link, token = AccessLink.issue(room, AccessLink.Kind.SPEAKER)
    AccessLink.objects.filter(pk=link.pk).update(revoked_at=timezone.now())
    response = ask(client, {"token": token})
    assert response.status_code == 403
    assert "stopped" in response.json()["message"]


@pytest.mark.parametrize("slug", ["nowhere", "no room", "'; --", "Ünï", "..."])
def test_an_unknown_room_is_said_in_json(client: Client, slug: str) -> None:
    response = ask(client, {"token": "x"}, slug)
    assert response.status_code == 404
    assert response.json()["error"] == "no_such_room"


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "null", '{"token": 7}', '{"token": ""}', "{}", b"\xff\xfe", '{"token": "' + "x" * 5000 + '"}'],
    ids=["empty", "cut", "list", "null", "number", "no letters", "nothing", "no text", "too long"],
)
@pytest.mark.usefixtures("room")
def test_nonsense_is_refused_in_json(client: Client, body: str | bytes) -> None:
    response = ask(client, body)
    assert response.status_code == 400
    assert response.json()["error"] == "bad_request"


@pytest.mark.usefixtures("room")
def test_the_ticket_is_not_for_reading(client: Client) -> None:
    assert client.get("/r/hall/speak/ticket/").status_code == 405


def test_the_page_holds_no_secret_and_is_not_stored(client: Client, room: Room) -> None:
    _, token = AccessLink.issue(room, AccessLink.Kind.SPEAKER)
    response = client.get("/r/hall/speak/")
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    page = response.content.decode()
    assert token not in page
    assert "Harbour Room" in page
    assert 'data-language="French"' in page
    assert "data-elapsed-s" not in page


def test_the_page_says_how_long_the_running_session_is(client: Client, room: Room) -> None:
    now = timezone.now()
    session = Session.objects.create(room=room, number=1, started_at=now - timedelta(minutes=5), state_at=now)
    assert 'data-elapsed-s="30' in client.get("/r/hall/speak/").content.decode()
    Session.objects.filter(pk=session.pk).update(ended_at=now)
    assert "data-elapsed-s" not in client.get("/r/hall/speak/").content.decode()


@pytest.mark.usefixtures("room")
def test_a_page_of_no_room_is_not_found(client: Client) -> None:
    assert client.get("/r/nowhere/speak/").status_code == 404


def test_a_title_is_text_and_not_markup(client: Client) -> None:
    Room.objects.create(slug="odd", title='<script>alert(1)</script>" onload="x')
    page = client.get("/r/odd/speak/").content.decode()
    assert "<script>alert" not in page
    assert '" onload=' not in page
