"""Counting what is paid for, and sharing out caption lines: many threads at once, on the databases people use."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.processes import MANAGE, ROOT, clean_env, manage

SETUP = """
import json, threading, uuid
from datetime import datetime, timedelta, timezone
from captions.captioning import lease, lines, meter
from captions.models import Room, Session, Usage
from django.db import connection

def at_once(works):
    start, results = threading.Barrier(len(works)), [None] * len(works)
    def run(place, work):
        start.wait()
        try:
            results[place] = work()
        except lease.LeaseLostError:
            results[place] = "lost"
        finally:
            connection.close()
    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return results

def claim(slug, stream=None):
    room, _ = Room.objects.get_or_create(slug=slug, defaults={"title": slug})
    return lease.claim(room.pk, stream=stream or uuid.uuid4(), sample_rate=24000)

def paid():
    return [list(row) for row in Usage.objects.order_by("day", "room_slug").values_list("room_slug", "paid_ms")]
"""

# The first captioner has counted 4 s; another one takes over and both count at once, each up to its own total.
TAKE_OVER = """
stream = uuid.uuid4()
first = claim("hall", stream)
meter.record(first.session_id, first.fence, paid_ms=4000)
second = claim("hall", stream)
steps = [4000 + 500 * step for step in range(1, 5)]
results = at_once(
    [lambda ms=ms: meter.record(first.session_id, first.fence, paid_ms=ms + 90000) for ms in steps]
    + [lambda ms=ms: meter.record(second.session_id, second.fence, paid_ms=ms) for ms in steps]
)
lease.end_session(second.session_id, second.fence, acked_sample=0)
try:
    meter.record(second.session_id, second.fence, paid_ms=99000)
    results.append("counted")
except lease.LeaseLostError:
    results.append("lost")
print(json.dumps({
    "begins_with": second.paid_ms, "results": results, "session": Session.objects.get().paid_ms, "usage": paid(),
}))
"""

# Claims and first counts of a day at the same moment: neither may wait for the other for ever.
FIRST_OF_A_DAY = """
stream = uuid.uuid4()
now = claim("hall", stream)
count = lambda: meter.record(now.session_id, now.fence, paid_ms=1000)
at_once([count] * 4 + [lambda: bool(claim("hall", stream))] * 4)
last = claim("hall", stream)
meter.record(last.session_id, last.fence, paid_ms=3000)
print(json.dumps({"session": Session.objects.get().paid_ms, "usage": paid()}))
"""

MIDNIGHT = """
evening = datetime(2026, 11, 30, 23, 59, 58, tzinfo=timezone.utc)
morning = evening + timedelta(seconds=5)
Room.objects.create(slug="hall", title="Hall", hours_per_day=1)
hall, attic = claim("hall"), claim("attic")
def at(now):
    day = meter.look(hall.room.pk, now=now)
    return [day.detail, day.left_ms]
meter.record(attic.session_id, attic.fence, paid_ms=60000, now=evening)
meter.record(hall.session_id, hall.fence, paid_ms=3600000, now=evening)
told = [at(evening), at(morning)]
meter.record(hall.session_id, hall.fence, paid_ms=3605000, now=morning)
told.append(at(morning))
Session.objects.all().delete()
Room.objects.all().delete()
room = Room.objects.create(slug="hall", title="Hall")
_, used = meter.amounts(room.pk, now=evening)
print(json.dumps({"told": told, "usage": paid(), "kept": [used.room_day_ms, used.month_ms]}))
"""

# Six rooms ask for two lines at once.
LINES = """
rooms = [claim(f"room{number}") for number in range(6)]
def see(claim, wanted=True):
    return lambda: str(lines.see_to(claim.session_id, claim.fence, wanted=wanted))
first = at_once([see(room) for room in rooms])
again = [see(room)() for room in rooms]
held = [room for room, line in zip(rooms, first) if line == "held"]
waiting = sorted((room for room, line in zip(rooms, first) if line == "awaited"),
                 key=lambda room: Session.objects.get(pk=room.session_id).waits_since)
lease.end_session(held[0].session_id, held[0].fence, acked_sample=0)
late = claim("late")
in_turn = [see(late)(), see(waiting[1])(), see(waiting[0])()]
rests = see(held[1], wanted=False)()
Session.objects.filter(pk=waiting[1].session_id).update(lease_until=datetime(2020, 1, 1, tzinfo=timezone.utc))
passed_over = see(waiting[2])()  # the one before it is dead
taken = claim(waiting[2].room.slug)  # taken over alive: the line stays with the room
try:
    see(waiting[2])()
except lease.LeaseLostError:
    fenced = True
print(json.dumps({
    "first": sorted(first), "same": first == again, "in_turn": in_turn, "rests": rests, "passed_over": passed_over,
    "after_take_over": see(taken)(), "fenced": fenced, "back": see(held[1])(),
}))
"""


def run(script: str, env: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(
        [*MANAGE, "shell", "--no-imports"],
        input=SETUP + script,
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


@pytest.fixture(params=["sqlite", "postgres"])
def env(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    if request.param == "postgres":
        return clean_env(DATABASE_URL=request.getfixturevalue("postgres_url"), SECRET_KEY="x" * 50)
    env = clean_env(CAPTIONS_DATA_DIR=str(tmp_path))
    manage("migrate", "--verbosity=0", env=env)
    return env


def test_two_captioners_never_count_twice(env: dict[str, str]) -> None:
    result = run(TAKE_OVER, env)
    assert result["begins_with"] == 4000, "whoever takes over goes on counting"
    assert result["results"] == ["lost"] * 4 + [None] * 4 + ["lost"]
    assert result["session"] == 6000
    assert result["usage"] == [["hall", 6000]]


def test_a_count_and_a_claim_do_not_lock_each_other_out(env: dict[str, str]) -> None:
    result = run(FIRST_OF_A_DAY, env)
    assert result["session"] == 3000
    assert result["usage"] == [["hall", 3000]]


def test_a_day_ends_at_midnight_utc_and_what_was_paid_stays_counted(env: dict[str, str]) -> None:
    result = run(MIDNIGHT, env | {"CAPTIONS_MINUTES_PER_MONTH": "100"})
    assert result["told"] == [["budget", 0], ["", 3_600_000], ["", 3_595_000]]
    assert result["usage"] == [["attic", 60_000], ["hall", 3_600_000], ["hall", 5_000]]
    assert result["kept"] == [0, 3_660_000], "of rooms and sessions that are gone"


def test_lines_go_to_those_who_came_first(env: dict[str, str]) -> None:
    result = run(LINES, env | {"CAPTIONS_CONCURRENT_SESSIONS": "2"})
    assert result["first"] == ["awaited"] * 4 + ["held"] * 2
    assert result["same"]
    assert result["in_turn"] == ["awaited", "awaited", "held"]
    assert result["rests"] == "rests"
    assert result["passed_over"] == "held"
    assert result["fenced"]
    assert result["after_take_over"] == "held"
    assert result["back"] == "awaited", "who gave it back asks like everybody"
