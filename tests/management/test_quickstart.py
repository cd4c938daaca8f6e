import os
import re
import signal
import socket
import stat
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener, urlopen

import pytest

from tests.processes import MANAGE, Process, attempt, clean_env, free_port, marked, port_open, wait_for

READY = "Ctrl-C stops everything."


@pytest.fixture
def env(tmp_path):
    """As on a new machine: no engine is named, nothing is set but where to keep data and to listen."""
    env = clean_env(CAPTIONS_DATA_DIR=str(tmp_path / "data"), PORT=str(free_port()))
    return {name: value for name, value in env.items() if not name.startswith("GRADIUM_")}


@pytest.fixture
def quickstart(tmp_path, env):
    """Start it and wait for its links: ``run = quickstart()``."""
    started = []

    def start(**more):
        number = len(started) + 1
        log_path = tmp_path / f"quickstart{number}.log"
        process = Process("quickstart", [*MANAGE, "quickstart"], env=env | more, log_path=log_path)
        started.append(process)
        process.launch()
        process.wait_until(lambda: READY in process.log, what="links")
        return process

    yield start
    for process in started:
        process.stop()


def links(log):
    return {name: re.search(rf"^  {name} +(\S+)", log, re.MULTILINE)[1] for name in ("Read", "Speak", "Staff")}


def logs_in(staff_url, password):
    opener = build_opener(HTTPCookieProcessor(jar := CookieJar()))
    opener.open(f"{staff_url}login/").close()
    token = next(cookie.value for cookie in jar if cookie.name == "csrftoken")
    form = {"next": "/admin/", "username": "staff", "password": password, "csrfmiddlewaretoken": token}
    with opener.open(f"{staff_url}login/", urlencode(form).encode()):
        return any(cookie.name == "sessionid" for cookie in jar)


def family(env):
    return marked(f"CAPTIONS_DATA_DIR={env['CAPTIONS_DATA_DIR']}")


def test_links_work_and_stay_the_same(quickstart, env, tmp_path):
    first = quickstart()
    found = links(first.log)
    password = re.search(r"password (\S+)  \(shown this once\)", first.log)[1]
    assert found["Read"] == f"http://127.0.0.1:{env['PORT']}/r/demo/"
    for url in (found["Read"], found["Speak"]):
        with urlopen(url) as page:
            assert "the built-in recogniser is writing" in page.read().decode()
    assert logs_in(found["Staff"], password)
    kept = tmp_path / "data" / "demo_speaker_token"
    assert found["Speak"].endswith(f"#{kept.read_text()}")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600

    first.signal(signal.SIGINT)
    assert first.wait() == 0
    assert "Traceback" not in first.log
    wait_for(lambda: not family(env), what="end of everything")
    assert not port_open(int(env["PORT"]))

    second = quickstart()
    assert links(second.log) == found
    assert password not in second.log
    assert "changepassword staff" in second.log
    assert logs_in(found["Staff"], password)


def test_a_lost_link_is_made_anew(quickstart, tmp_path):
    first = quickstart()
    first.stop()
    (tmp_path / "data" / "demo_speaker_token").unlink()
    second = quickstart()
    assert links(second.log)["Speak"] != links(first.log)["Speak"]
    assert links(second.log)["Read"] == links(first.log)["Read"]


def test_an_engine_of_the_users_own_is_used(quickstart):
    run = quickstart(GRADIUM_URL="ws://127.0.0.1:9/api/speech/asr")
    assert "engine |" not in run.log
    assert "built-in recogniser" not in run.log
    with urlopen(links(run.log)["Read"]) as page:
        assert "the built-in recogniser" not in page.read().decode()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_whatever_ends_it_ends_its_children(quickstart, env, number):
    run = quickstart()
    assert len(family(env)) >= 3
    os.kill(run.pid, number)
    wait_for(lambda: not family(env), what="end of everything")


@pytest.mark.parametrize("victim", ["engine", "serve"])
def test_a_child_that_dies_is_named_and_the_rest_stopped(quickstart, env, victim):
    run = quickstart()
    command = f"manage.py\0{victim}".encode()
    [pid] = [pid for pid in family(env) if command in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(pid, signal.SIGKILL)
    assert run.wait() == 1
    name = "app" if victim == "serve" else "engine"
    assert f"The {name} ended by itself (exit code -9; see above), so everything was stopped." in run.log
    wait_for(lambda: not family(env), what="end of everything")


def test_a_taken_port_is_told_before_anything_is_made(env, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = attempt("quickstart", env=env | {"PORT": port})
    assert done.returncode == 1
    assert done.stdout.strip().endswith(
        f"Port {port} on 127.0.0.1 is taken by another program. Stop that one, or choose another port."
    )
    assert len(done.stdout.splitlines()) == 1
    assert not (tmp_path / "data" / "captions.sqlite3").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere; see tests/test_makefile.py")
def test_a_folder_that_may_not_be_written(env, tmp_path):
    (tmp_path / "data").mkdir(mode=0o500)
    done = attempt("quickstart", env=env)
    assert done.returncode == 1
    assert str(tmp_path / "data") in done.stdout
    assert len(done.stdout.splitlines()) == 1


def test_pages_of_a_stranger_room_do_not_exist(quickstart):
    run = quickstart()
    with pytest.raises(HTTPError, match="404"):
        urlopen(links(run.log)["Read"].replace("demo", "elsewhere"))
