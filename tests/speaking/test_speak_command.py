"""``manage.py speak`` as a user runs it: against a running server, with an engine that hears numbered words."""

import contextlib
import json
import signal
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread, Timer
from urllib.request import urlopen

import pytest
from django.core.management import CommandError, call_command

from captions.engine.bursts import write_bursts
from tests import processes
from tests.audio.wavs import wav
from tests.processes import MANAGE, ROOT, App, clean_env, free_port

SECONDS = 6.0
WORDS = [(n, 0.3 + n * 0.4, 0.3 + n * 0.4 + 0.25) for n in range(14)]
HEARD = [f"w{n}" for n, _, _ in WORDS]


class Hall:
    """A room, and what has been written in it since the test began."""

    def __init__(self, app: App, speaker_url: str) -> None:
        self.app = app
        self.env = app.env
        self.speaker_url = speaker_url
        self._earlier = len(self._sessions())

    def _sessions(self) -> list[dict]:
        with urlopen(f"{self.app.url}/r/hall/transcript.json", timeout=10) as response:
            return json.load(response)["sessions"]

    @property
    def words(self) -> list[dict]:
        return [word for run in self._sessions()[self._earlier :] for part in run["segments"] for word in part["words"]]

    @property
    def texts(self) -> list[str]:
        return [word["text"].strip(".,!? ").lower() for word in self.words]


@pytest.fixture(scope="module")
def server(tmp_path_factory, migrated_sqlite) -> Iterator[tuple[App, str]]:
    """A server with a room called hall and its speaker link; its engine hears numbered words."""
    folder = tmp_path_factory.mktemp("speak")
    script = folder / "script.json"
    script.write_text('{"listen": "bursts"}')
    with (
        processes.engine(folder / "engine.log", f"--script={script}") as engine,
        contextlib.closing(processes.Apps(folder, migrated_sqlite)) as apps,
    ):
        app = apps(env=engine.env)
        yield app, app.create_room("hall")["speaker_url"]


@pytest.fixture
def hall(server) -> Hall:
    return Hall(*server)


@pytest.fixture
def talk(tmp_path) -> Path:
    path = tmp_path / "talk.wav"
    path.write_bytes(wav(write_bursts(WORDS, SECONDS)))
    return path


def start(env: dict[str, str], *args: object) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    command = [*MANAGE, "speak", *map(str, args)]
    process = subprocess.Popen(command, env=env, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    watchdog = Timer(120, process.kill)  # a test that waits for its output must not wait for ever
    watchdog.daemon = True
    watchdog.start()
    return process


def speak(env: dict[str, str], *args: object) -> tuple[int, str, str]:
    process = start(env, *args)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def wait_for(process: subprocess.Popen[str], kind: str, after_s: float = 0.0) -> None:
    """Wait for an event of ``--json``, or for progress up to a position."""
    for line in process.stdout:
        event = json.loads(line)
        if event["type"] == kind and event.get("position_s", 0.0) >= after_s:
            return
    raise AssertionError(f"it ended before {kind}: {process.stderr.read()}")


def test_a_file_is_heard_out_and_its_captions_are_echoed(hall, talk):
    code, out, err = speak(hall.env, "hall", talk)
    assert code == 0, err
    assert hall.texts == HEARD
    assert out.lower().replace(".", "").split() == HEARD
    assert "0:06 of 0:06 · ended" in err
    for word, (_, start_s, end_s) in zip(hall.words, WORDS, strict=True):
        assert word["start_ms"] == pytest.approx(start_s * 1000, abs=80)
        assert word["end_ms"] == pytest.approx(end_s * 1000, abs=80)


def test_raw_pcm_with_the_speaker_link_for_a_room_and_json_for_programs(hall):
    elsewhere = clean_env(CAPTIONS_DATA_DIR="/nonexistent", SECRET_KEY="x" * 50)
    process = start(elsewhere, hall.speaker_url, "-", "--rate=16000", "--json")
    process.stdin.buffer.write(write_bursts(WORDS, SECONDS, 16_000))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert hall.texts == HEARD
    events = [json.loads(line) for line in out.splitlines()]
    assert {"ready", "state", "ack", "interim", "final", "progress"} <= {event["type"] for event in events}
    assert events[-1]["type"] == "progress"
    assert (events[-1]["state"], events[-1]["position_s"]) == ("ended", SECONDS)


def test_the_first_ctrl_c_ends_properly(hall, talk):
    process = start(hall.env, "hall", talk, "--json")
    wait_for(process, "progress", after_s=2.0)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    last = json.loads(out.splitlines()[-1])
    assert last["state"] == "ended"
    assert last["position_s"] < SECONDS
    assert hall.texts[:4] == HEARD[:4]


def test_a_busy_room_is_taken_over_only_when_asked(hall, tmp_path):
    talk = tmp_path / "long.wav"
    talk.write_bytes(wav(bytes(120 * 48_000)))
    first = start(hall.env, "hall", talk, "--json")
    wait_for(first, "ready")
    code, _, err = speak(hall.env, "hall", talk)
    assert code == 1
    assert "Somebody else is speaking in hall. Add --take-over" in err
    second = start(hall.env, "hall", talk, "--json", "--take-over")
    wait_for(second, "ready")
    _, err = first.communicate(timeout=60)
    assert first.returncode == 1
    assert "Another speaker has taken the room over." in err
    second.send_signal(signal.SIGINT)
    second.communicate(timeout=60)
    assert second.returncode == 0


def test_the_second_ctrl_c_quits_at_once(hall, talk):
    process = start(hall.env, "hall", talk, "--json")
    wait_for(process, "progress", after_s=1.0)
    hall.app.process.signal(signal.SIGSTOP)  # nobody is there to confirm the end
    try:
        process.send_signal(signal.SIGINT)
        for line in process.stdout:
            if json.loads(line).get("state") == "ending":
                break
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        hall.app.process.signal(signal.SIGCONT)
    assert (process.returncode, err) == (130, "")


def refusal(*args: object) -> str:
    """Run the command in this process, where it fails; return its sentence."""
    with pytest.raises(CommandError) as caught:
        call_command("speak", *map(str, args))
    return str(caught.value)


@pytest.mark.django_db
def test_refusals_of_a_running_server(hall, talk):
    url = f"--url={hall.app.url}"
    assert refusal("hall", talk, url, "--token=wrong").startswith("This is not a speaker link of this room.")
    assert refusal("nowhere", talk, url, "--token=wrong").startswith("There is no such room.")
    sentence = "No room is called nowhere in this installation's database. Make the room: manage.py create_room"
    assert refusal("nowhere", talk, url).startswith(sentence)


class NotFound(BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_error(404)

    def log_message(self, *args):
        """Keep the test's output clean."""


def test_another_program_at_that_address(talk):
    stranger = HTTPServer(("127.0.0.1", 0), NotFound)
    Thread(target=stranger.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{stranger.server_port}"
        sentence = f"What answers at {url} is not Captions (HTTP 404). Check the address."
        assert refusal("hall", talk, f"--url={url}", "--token=t") == sentence
    finally:
        stranger.shutdown()
        stranger.server_close()


def test_what_is_wrong_on_the_command_line_is_said_in_a_sentence(tmp_path, talk):
    nobody = f"--url=http://127.0.0.1:{free_port()}"
    text = tmp_path / "notes.wav"
    text.write_text("these are my notes")
    for args, sentence in [
        (
            ("hall", talk, nobody, "--token=t"),
            "(Connection refused). Is it running (make run), and is this its address?",
        ),
        (("hall", text, "--token=t"), "notes.wav is not a WAV file."),
        (("hall", tmp_path / "none.wav", "--token=t"), "none.wav cannot be read: No such file or directory."),
        (("hall", tmp_path, "--token=t"), "cannot be read: Is a directory."),
        (("hall", "--token=t"), "Say what to speak"),
        (("hall", talk, "--sample"), "Say what to speak"),
        (("hall", talk, "--speed=3"), "--speed must be more than 0 and at most 2"),
        (("hall", talk, "--url=localhost:8000"), "localhost:8000 is no web address."),
        (("http://127.0.0.1/r/hall/speak/", talk), "The link has no token"),
    ]:
        assert sentence in refusal(*args)


def test_an_installation_without_tables(tmp_path, talk):
    code, out, err = speak(clean_env(CAPTIONS_DATA_DIR=str(tmp_path), SECRET_KEY="x" * 50), "hall", talk)
    assert (code, out) == (1, "")
    assert "CommandError: This installation's database cannot be used" in err
    assert "Traceback" not in err
