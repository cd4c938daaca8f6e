from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from captions.models import Room, Session
from captions.views.room_words import clean_code, room_words


@pytest.fixture
def harbour(db: None) -> Room:
    del db
    return Room.objects.create(slug="harbour", title="A flat line", speaker_name="Ines Okafor", listed=True)


@pytest.mark.usefixtures("harbour")
@pytest.mark.parametrize(
    "typed",
    ["harbour", "  Harbour ", "HARBOUR", "http://captions.example/r/harbour/", "https://x/r/Harbour/speak/?a=1"],
)
def test_a_code_leads_to_its_room(client: Client, typed: str) -> None:
    response = client.get("/", {"code": typed})
    assert (response.status_code, response["Location"]) == (302, "/r/harbour/")


@pytest.mark.usefixtures("harbour")
def test_a_wrong_code_is_kept_and_a_public_room_is_offered(client: Client) -> None:
    page = client.get("/", {"code": "Harbor"}).content.decode()
    assert 'value="Harbor"' in page
    assert "No room is called Harbor." in page
    assert 'Did you mean <a href="/r/harbour/">harbour</a>?' in page


def test_a_room_that_is_not_public_is_never_named(client: Client, harbour: Room) -> None:
    Room.objects.filter(pk=harbour.pk).update(listed=False)
    page = client.get("/", {"code": "harbor"}).content.decode()
    assert "Check the code on the screen." in page
    assert "harbour" not in page
    assert client.get("/r/harbour/").status_code == 200, "who knows the code may read"


@pytest.mark.django_db
def test_what_was_typed_is_shown_as_text(client: Client) -> None:
    page = client.get("/", {"code": "<b>x</b>"}).content.decode()
    assert "<b>x" not in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page


def test_public_rooms_are_listed_and_live_ones_come_first(client: Client, harbour: Room) -> None:
    Room.objects.create(slug="attic", title="A quiet attic", listed=True)
    Room.objects.create(slug="board", title="Board meeting")
    now = timezone.now()
    Session.objects.create(room=harbour, number=1, started_at=now, state_at=now, lease_until=now + timedelta(minutes=1))
    page = client.get("/").content.decode()
    assert page.index("A flat line") < page.index("A quiet attic")
    assert "Ines Okafor · English · Live" in page
    assert "English · Not started" in page
    assert "Board meeting" not in page


@pytest.mark.usefixtures("harbour")
def test_an_unknown_room_is_told_in_words(client: Client) -> None:
    response = client.get("/r/harbor/")
    assert response.status_code == 404
    assert "No room is called harbor." in response.content.decode()
    assert client.get("/r/-harbour/").status_code == 404
    assert "Enter a room code" in client.get("/nowhere/").content.decode()


@pytest.mark.usefixtures("harbour")
def test_capitals_in_an_address_do_not_matter(client: Client) -> None:
    assert client.get("/r/Harbour/?theme=dark")["Location"] == "/r/harbour/?theme=dark"
    assert client.get("/r/HARBOUR/speak/")["Location"] == "/r/harbour/speak/"


@given(st.text(max_size=80))
def test_whatever_is_typed_gives_a_code_without_blanks_or_capitals(typed: str) -> None:
    code = clean_code(typed)
    assert code == code.lower()
    assert not any(letter.isspace() for letter in code)


def test_a_crashed_process_is_not_called_live() -> None:
    now = timezone.now()
    began = now - timedelta(minutes=1)
    session = Session(number=1, started_at=began, state_at=began, state="live", lease_until=now + timedelta(seconds=5))
    assert room_words(session, now).mark == "live"
    assert room_words(session, now + timedelta(seconds=6)).mark == "reconnecting"
    assert room_words(session, now + timedelta(hours=1)).mark == "ended"
    session.detail = "engine_down"
    assert room_words(session, now).mark == "lost"
    session.state, session.detail = "paused", "budget"
    assert room_words(session, now).word == "Out of time"
    session.ended_at = now
    assert room_words(session, now).mark == "ended"
