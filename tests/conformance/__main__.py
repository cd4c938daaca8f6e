"""``python -m tests.conformance``: does Pipecat's GradiumSTTService work with the embedded engine?

Pipecat is large and pins other versions than this project, so it gets a venv of its own, made when it is missing or its
lock has changed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.processes import engine

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
VENV = ROOT / ".venv-pipecat"
LOCK = HERE / "requirements.txt"
SAMPLE = ROOT / "captions" / "audio" / "sample"
UV = [sys.executable, "-m", "uv", "--quiet"]


def prepare() -> Path:
    """Return the Python that has Pipecat as locked."""
    python = VENV / "bin" / "python"
    installed = VENV / "installed.txt"
    if not installed.exists() or installed.read_bytes() != LOCK.read_bytes():
        subprocess.run([*UV, "venv", "--clear", "--python", sys.executable, VENV], check=True)
        subprocess.run([*UV, "pip", "sync", "--python", python, "--require-hashes", LOCK], check=True)
        shutil.copyfile(LOCK, installed)
    return python


def main() -> int:
    python = prepare()
    with tempfile.TemporaryDirectory() as folder, engine(Path(folder) / "engine.log") as running:
        command = [python, HERE / "pipecat_service.py", running.url, SAMPLE / "minute.wav", SAMPLE / "minute.txt"]
        code = subprocess.run(command, check=False).returncode
        if code:
            sys.stderr.write(running.log)
    return code


sys.exit(main())
