"""What a speaker in a terminal is told of limits."""

import io
import json

from captions.fanout.events import State
from captions.speaking.display import Json, Progress, Text
from captions.speaking.messages import Error
from captions.speaking.speaker import Phase, Speaker

SOON = Error("budget_soon", "About 2 minutes of captions are left for this room today.", fatal=False)


def on_air(state: State) -> Speaker:
    speaker = Speaker()
    speaker.phase, speaker.state = Phase.ON_AIR, state
    return speaker


def test_a_warning_is_a_line_of_its_own_and_never_among_the_captions():
    out, err = io.StringIO(), io.StringIO()
    Text(out, err).event(SOON)
    assert out.getvalue() == ""
    assert err.getvalue() == SOON.message + "\n"
    Json(out).event(SOON)
    assert json.loads(out.getvalue()) == {
        "type": "error",
        "code": "budget_soon",
        "message": SOON.message,
        "fatal": False,
    }


def test_a_stop_is_told_in_words():
    at = "2026-11-24T12:00:00+00:00"
    told = [
        Progress.of(on_air(State(state, detail, at)), None, 0.0).state
        for state, detail in (
            ("paused", "budget"),
            ("paused", "budget_month"),
            ("reconnecting", "engine_busy"),
            ("paused", ""),
            ("reconnecting", "engine_down"),
        )
    ]
    assert told == [
        "out of time for today",
        "out of time for this month",
        "waiting for a caption line",
        "paused",
        "reconnecting engine down",
    ]
