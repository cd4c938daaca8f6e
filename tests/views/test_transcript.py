from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from captions.models import Room, Segment, Session

pytestmark = pytest.mark.django_db


def test_it_holds_all_sessions_and_words(client: Client) -> None:
    room = Room.objects.create(slug="hall", title="Hall")
    now = timezone.now()
    for number in (1, 2):
        session = Session.objects.create(room=room, number=number, started_at=now, state_at=now)
        words = [{"text": "ça", "start_ms": 100, "end_ms": 200}]
        Segment.objects.create(session=session, seq=1, text="ça", words=words, start_ms=100, end_ms=200, lang="fr")
        Segment.objects.create(session=session, seq=2, kind="gap", start_ms=200, end_ms=900, reason="audio_lost")
    answer = client.get("/r/hall/transcript.json")
    assert "ça" in answer.content.decode()
    sessions = answer.json()["sessions"]
    assert [session["session"] for session in sessions] == [1, 2]
    final = {"seq": 1, "start_ms": 100, "end_ms": 200, "text": "ça", "lang": "fr", "speaker": "", "rev": 0}
    gap = {"seq": 2, "start_ms": 200, "end_ms": 900, "text": "", "lang": "", "speaker": "", "rev": 0, "words": []}
    assert sessions[1]["segments"] == [
        final | {"words": [{"text": "ça", "start_ms": 100, "end_ms": 200}]},
        gap | {"reason": "audio_lost"},
    ]


def test_one_session_without_words_is_what_a_page_needs(client: Client) -> None:
    room = Room.objects.create(slug="hall", title="Hall")
    now = timezone.now()
    for number in (1, 2):
        session = Session.objects.create(room=room, number=number, started_at=now, state_at=now)
        Segment.objects.create(session=session, seq=1, text=f"run {number}", words=[{}], start_ms=0, end_ms=1)
    (session,) = client.get("/r/hall/transcript.json?session=2&words=0").json()["sessions"]
    assert [segment["text"] for segment in session["segments"]] == ["run 2"]
    assert "words" not in session["segments"][0]
    assert client.get("/r/hall/transcript.json?session=9").json()["sessions"] == []
    assert client.get("/r/hall/transcript.json?session=x").status_code == 400


def test_a_room_that_does_not_exist_is_told_in_words(client: Client) -> None:
    answer = client.get("/r/nowhere/transcript.json")
    assert (answer.status_code, answer.json()["error"]) == (404, "no_such_room")
