"""The make targets as a newcomer meets them: on machines where something is missing, and on one where all is well."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.processes import ROOT, Process, clean_env, free_port, marked, wait_for

NOBODY = 65534
# What scripts/setup.sh may call; a PATH of these alone is a machine without Python.
TOOLS = ["sh", "make", "sed", "grep", "cat", "cksum", "dirname", "tail", "touch", "mkdir", "rm", "env", "printf", "id"]


@pytest.fixture
def checkout(tmp_path):
    """A copy of what setting up needs, as freshly cloned."""
    folder = tmp_path / "captions"
    (folder / "scripts").mkdir(parents=True)
    for name in ["Makefile", "scripts/setup.sh", "requirements-engine.txt", "requirements-dev.txt"]:
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture
def bare_path(tmp_path):
    """A folder for PATH with the ordinary tools and no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        if program := shutil.which(tool):
            (folder / tool).symlink_to(program)
    return folder


def program(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def make(*args, cwd, as_user=(), **env):
    done = subprocess.run(
        [*as_user, "make", *args], cwd=cwd, env=clean_env(**env), capture_output=True, text=True, timeout=120
    )
    # Besides what make itself says about a failed target.
    said = [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("make")]
    return done.returncode, said


def test_no_python(checkout, bare_path):
    code, said = make("run", cwd=checkout, PATH=str(bare_path))
    assert code != 0
    assert len(said) == 1
    assert said[0].startswith("Captions needs Python 3.11 or newer, and here is no Python 3. Install it")


def test_a_python_that_is_too_old(checkout, bare_path):
    program(bare_path / "python3", '[ "$1" = --version ] && echo Python 3.9.2 && exit 0\nexit 1')
    code, said = make("run", cwd=checkout, PATH=str(bare_path))
    assert code != 0
    assert len(said) == 1
    assert said[0].startswith("Captions needs Python 3.11 or newer, and here is Python 3.9.2. Install it")
    assert not (checkout / ".venv").exists()


def test_a_newer_python_beside_the_old_one_is_found(checkout, bare_path):
    program(bare_path / "python3", "exit 1")
    program(bare_path / "python3.12", f'case "$*" in *"import venv"*) exit 1;; esac\nexec {sys.executable} "$@"')
    code, said = make("run", cwd=checkout, PATH=str(bare_path))
    assert code != 0
    assert len(said) == 1
    version = "{}.{}".format(*sys.version_info)
    assert said[0] == f"This Python has no venv module. Install it: apt-get install python{version}-venv"


def test_a_python_that_was_named_and_is_none(checkout):
    code, said = make("setup", "PYTHON=/bin/false", cwd=checkout)
    assert code != 0
    assert said == ["PYTHON=/bin/false is no Python 3.11 or newer. Name another one, or leave PYTHON out."]


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="needs a user who may not do everything")
def test_a_folder_that_may_not_be_written(checkout):
    as_user = []
    if os.geteuid() == 0:
        as_user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    with tempfile.TemporaryDirectory() as outside:  # pytest's folders are closed to other users
        Path(outside).chmod(0o755)
        folder = Path(outside, "captions")
        shutil.copytree(checkout, folder)
        folder.chmod(0o555)
        code, said = make("run", cwd=folder, as_user=as_user)
        folder.chmod(0o755)
    assert code != 0
    assert said == [f"Cannot write to {folder}. Give this user the right to, or make a copy of the project elsewhere."]


def test_no_network(checkout):
    away = f"http://127.0.0.1:{free_port()}/simple"
    # PIP_CONFIG_FILE, PIP_FIND_LINKS: nothing of this machine's own set-up helps out.
    env = {"PIP_INDEX_URL": away, "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": "", "PIP_NO_CACHE_DIR": "1"}
    code, said = make("run", cwd=checkout, HOME=str(checkout), **env)
    assert code != 0
    assert said[-1].startswith("Installing packages failed: PyPI cannot be reached. Check the network")
    assert said[:-1] == [
        f"Making .venv with Python {sys.version.split()[0]}",
        "Installing the packages of requirements-engine.txt",
    ]


def test_help_names_every_target():
    code, said = make("help", cwd=ROOT)
    assert code == 0
    assert {"setup", "run", "test", "lint", "types", "fmt", "lock", "conformance", "proof"} <= {
        line.split()[1] for line in said
    }


@pytest.fixture
def env(tmp_path):
    """As in the hands of somebody who has set nothing but the port and where data go."""
    env = clean_env(CAPTIONS_DATA_DIR=str(tmp_path / "data"), PORT=str(free_port()))
    return {name: value for name, value in env.items() if not name.startswith("GRADIUM_")}


def test_run_starts_again_with_the_same_data_and_ctrl_c_ends_everything(env, tmp_path):
    speak = []
    for number in (1, 2):
        run = Process("make run", ["make", "run"], env=env, log_path=tmp_path / f"run{number}.log")
        run.launch()
        try:
            run.wait_until(lambda run=run: "Ctrl-C stops everything." in run.log, what="links")
            speak += [line for line in run.log.splitlines() if line.startswith("  Speak")]
            # As the terminal does it: to make and all that it started, at once.
            os.killpg(run.pid, signal.SIGINT)
            run.wait()
        finally:
            run.stop()
        assert "Stopped." in run.log
        assert "Traceback" not in run.log
        wait_for(lambda: not marked(f"CAPTIONS_DATA_DIR={tmp_path}/data"), what="end of everything")
    assert len(speak) == 2
    assert speak[0] == speak[1]


def test_run_on_a_taken_port(env):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, said = make("run", f"PORT={port}", cwd=ROOT, **env)
    assert code != 0
    assert len(said) == 1
    assert f"Port {port} on 127.0.0.1 is taken by another program." in said[0]


def test_the_lock_files_hold_only_pinned_packages_with_hashes_and_no_address():
    for path in [*ROOT.glob("requirements*.txt"), *Path(ROOT, "tests", "conformance").glob("requirements.txt")]:
        text = path.read_text()
        assert "://" not in text, path
        entries = [entry for entry in text.replace("\\\n", "").splitlines() if not entry.lstrip().startswith("#")]
        assert entries
        assert all("==" in entry and "--hash=sha256:" in entry for entry in entries), path
