"""Who may write: claims from many threads at once, on the databases people use."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.processes import MANAGE, ROOT, clean_env, manage

# Eight claims at the same moment, each by a stream of its own; then everybody tries to write.
RACE = """
import json, threading, uuid
from captions.captioning import lease, log
from captions.models import Room, Segment, Session
from django.db import connection

room = Room.objects.create(slug="race", title="Race")
start = threading.Barrier(8)
claims, lock = [], threading.Lock()

def race():
    start.wait()
    claim = lease.claim(room.pk, stream=uuid.uuid4(), sample_rate=24000)
    with lock:
        claims.append(claim)
    connection.close()

threads = [threading.Thread(target=race) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
newest = max(claims, key=lambda claim: claim.fence)
wrote = []
for claim in claims:
    try:
        log.append(claim.session_id, claim.fence, [log.Entry(claim.fence, 0, 10, "word")], acked_sample=0)
        wrote.append(claim.fence)
    except lease.LeaseLostError:
        pass
print(json.dumps({
    "sessions": Session.objects.count(),
    "fences": sorted(claim.fence for claim in claims),
    "newest": newest.fence,
    "wrote": wrote,
    "stored": Segment.objects.count(),
}))
"""


def race(env: dict[str, str]) -> dict[str, object]:
    done = subprocess.run(
        [*MANAGE, "shell", "--no-imports"], input=RACE, env=env, cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def assert_one_winner(result: dict[str, object]) -> None:
    fences = result["fences"]
    assert isinstance(fences, list)
    assert result["sessions"] == 1
    assert fences == list(range(1, 9)), "every claim has a number of its own"
    assert result["wrote"] == [result["newest"]], "only the newest claim may write"
    assert result["stored"] == 1


def test_one_captioner_writes_on_sqlite(tmp_path: Path) -> None:
    env = clean_env(CAPTIONS_DATA_DIR=str(tmp_path))
    manage("migrate", "--verbosity=0", env=env)
    assert_one_winner(race(env))


@pytest.mark.parametrize("attempt", range(2))
def test_one_captioner_writes_on_postgres(postgres_url: str, attempt: int) -> None:
    del attempt
    assert_one_winner(race(clean_env(DATABASE_URL=postgres_url, SECRET_KEY="x" * 50)))
