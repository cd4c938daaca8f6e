from __future__ import annotations

import pytest

from captions.captioning.room_state import RoomState

SPEAKING = {"speaker_here": True, "last_sound_at": 100.0, "audio_at": 100.0}


@pytest.mark.parametrize(
    ("facts", "state", "detail"),
    [
        (SPEAKING, "live", ""),
        ({**SPEAKING, "last_sound_at": 97.1}, "live", ""),
        ({**SPEAKING, "last_sound_at": 97.0}, "silent", ""),
        ({**SPEAKING, "behind_s": 2.1}, "live", "catching_up"),
        ({**SPEAKING, "behind_s": 2.1, "last_sound_at": 0.0}, "live", "catching_up"),
        ({**SPEAKING, "behind_s": 1.9}, "live", ""),
        ({**SPEAKING, "speaker_here": False}, "reconnecting", "speaker_lost"),
        ({**SPEAKING, "audio_at": 98.0}, "reconnecting", "speaker_lost"),
        ({**SPEAKING, "audio_at": 98.0, "paused": True}, "paused", ""),
        ({**SPEAKING, "engine_up": False}, "reconnecting", "engine_down"),
        ({**SPEAKING, "engine_up": False, "speaker_here": False}, "reconnecting", "engine_down"),
        ({**SPEAKING, "paused": True}, "paused", ""),
        ({**SPEAKING, "paused": True, "speaker_here": False}, "paused", ""),
        ({**SPEAKING, "paused": True, "engine_up": False}, "reconnecting", "engine_down"),
        ({**SPEAKING, "out_of_budget": "budget"}, "paused", "budget"),
        (
            {**SPEAKING, "out_of_budget": "budget_month", "engine_busy": True, "engine_up": False},
            "paused",
            "budget_month",
        ),
        ({**SPEAKING, "out_of_budget": "budget", "speaker_here": False}, "paused", "budget"),
        ({**SPEAKING, "out_of_budget": "budget", "paused": True}, "paused", "budget"),
        ({**SPEAKING, "engine_busy": True, "behind_s": 50.0}, "reconnecting", "engine_busy"),
        ({**SPEAKING, "engine_busy": True, "engine_up": False}, "reconnecting", "engine_busy"),
        ({**SPEAKING, "out_of_budget": "budget", "engine_busy": True, "ended": True}, "ended", ""),
        ({**SPEAKING, "ended": True, "paused": True, "engine_up": False, "speaker_here": False}, "ended", ""),
        ({}, "reconnecting", "speaker_lost"),
    ],
)
def test_the_most_telling_fact_wins(facts, state, detail):
    assert RoomState(**facts).at(100.0) == (state, detail)


def test_catching_up_does_not_flicker():
    """It is said from two seconds on, and until less than one is left."""
    room = RoomState(**SPEAKING)
    told = []
    for behind_s in (0.0, 1.9, 2.1, 1.9, 1.1, 0.9, 1.9, 2.1):
        room.behind_s = behind_s
        told.append(room.at(100.0)[1])
    assert told == ["", "", *["catching_up"] * 3, "", "", "catching_up"]


def test_catching_up_is_noticed_while_something_else_is_told():
    room = RoomState(**SPEAKING, behind_s=5.0, engine_up=False)
    room.at(100.0)
    room.behind_s, room.engine_up = 2.0, True
    assert room.at(100.0) == ("live", "catching_up")
