import asyncio
import contextlib
import json
import os
import re
import signal
import socket
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.processes import attempt, clean_env, free_port, marked, port_open, wait_for
from tests.services import RedisServer

SERVER_RESTARTS = 1012


@pytest.fixture
def env(tmp_path, migrated_sqlite):
    """The environment of an installation whose database is ready."""
    (tmp_path / "captions.sqlite3").write_bytes(migrated_sqlite.read_bytes())
    return clean_env(CAPTIONS_DATA_DIR=str(tmp_path))


def refusal(*args, env):
    done = attempt("serve", *args, env=env)
    assert done.returncode == 1, done.stdout
    assert len(done.stdout.splitlines()) == 1, done.stdout
    return done.stdout.strip().removeprefix("CommandError: ")


@pytest.mark.parametrize("server", ["uvicorn", "daphne"])
def test_it_answers_until_it_is_stopped(app, server):
    running = app(server=server)
    request = Request(f"{running.url}/healthz?secret=word", headers={"Host": "as-a-balancer-asks.example"})
    with urlopen(request) as response:
        assert json.load(response) == {"status": "ok"}
    assert running.stop() == 0
    assert not port_open(running.port)
    assert "Traceback" not in running.log
    assert "word" not in running.log  # addresses may hold what nobody else should read


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_viewers_are_told_to_come_again_when_it_stops(app, number):
    running = app()
    room = running.create_room()
    async with connect(f"{running.ws_url}/ws/rooms/{room['slug']}/captions/") as viewer:
        assert json.loads(await viewer.recv())["type"] == "snapshot"
        running.process.signal(number)
        async with asyncio.timeout(20):
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await viewer.recv()
    assert viewer.close_code == SERVER_RESTARTS
    assert running.process.wait() == 0


def test_a_database_without_tables_is_not_migrated_by_itself(tmp_path):
    said = refusal(f"--port={free_port()}", env=clean_env(CAPTIONS_DATA_DIR=str(tmp_path)))
    assert said.startswith("The database lacks ")
    assert said.endswith("Run: python manage.py migrate")


def test_a_database_that_is_away(env):
    url = f"postgres://captions:secret@127.0.0.1:{free_port()}/captions"
    said = refusal(f"--port={free_port()}", env=env | {"DATABASE_URL": url})
    assert said.startswith("The database cannot be used: ")
    assert "secret" not in said


def test_a_taken_port(env):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = refusal(f"--port={port}", env=env)
    assert said == f"Port {port} on 127.0.0.1 is taken by another program. Stop that one, or choose another port."


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http"])
def test_a_port_that_is_none(env, port):
    assert refusal(f"--port={port}", env=env) == f"The port must be a number from 1 to 65535, not {port!r}."


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_a_host_that_is_not_here(env, host):
    assert "is no address of this machine" in refusal(f"--host={host}", f"--port={free_port()}", env=env)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may listen on every port")
@pytest.mark.skipif(
    int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) < 1024, reason="here everybody may"
)
def test_a_privileged_port(env):
    assert refusal("--port=1023", env=env).startswith("Port 1023 needs more rights than this user has.")


def test_a_wrong_engine_address(env):
    said = refusal(f"--port={free_port()}", env=env | {"GRADIUM_URL": "https://example.org"})
    assert said.startswith("GRADIUM_URL must be auto, eu, us or an address")


def test_several_workers_need_redis(env):
    port = f"--port={free_port()}"
    assert "Set REDIS_URL" in refusal("--workers=2", port, env=env)
    away = {"REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
    assert refusal("--workers=2", port, env=env | away).startswith("Redis does not answer at REDIS_URL.")
    assert "--workers must be 1 or more" in refusal("--workers=0", port, env=env)
    assert "Daphne runs one process" in refusal("--workers=2", "--server=daphne", port, env=env)


def test_a_redis_address_that_can_never_work(env, tmp_path):
    port = f"--port={free_port()}"
    assert refusal(port, env=env | {"REDIS_URL": "captions"}).startswith("REDIS_URL must look like")
    locked = RedisServer(tmp_path, "--requirepass", "secret")
    locked.start()
    try:
        assert refusal(port, env=env | locked.env) == "Redis refuses the name or password in REDIS_URL."
    finally:
        locked.stop()


def test_one_process_starts_while_redis_is_away(app):
    running = app(env={"REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"})
    assert "Note: Redis does not answer at REDIS_URL." in running.log


async def test_several_workers_log_their_starts_but_no_sockets(app, redis_server):
    running = app(workers=2, env=redis_server.env)
    wait_for(lambda: len(re.findall(r"Worker \d+ has started", running.log)) == 2, what="second worker")
    room = running.create_room()
    async with connect(f"{running.ws_url}/ws/rooms/{room['slug']}/captions/") as viewer:
        await viewer.recv()
    assert running.stop() == 0
    assert "/ws/" not in running.log  # who reads along where is nobody else's matter


def test_several_workers_end_with_the_process_that_started_them(app, redis_server):
    mark = str(redis_server.port)  # in their environment, as part of REDIS_URL
    running = app(workers=2, env=redis_server.env)
    wait_for(lambda: len(re.findall(r"Worker \d+ has started", running.log)) == 2, what="second worker")
    os.kill(running.pid, signal.SIGKILL)
    wait_for(lambda: not marked(f"REDIS_URL=redis://127.0.0.1:{mark}/0"), what="end of the workers")
    running.start()
    assert running.stop() == 0


def test_runserver_is_daphnes(env):
    assert "--websocket_handshake_timeout" in attempt("runserver", "--help", env=env).stdout
