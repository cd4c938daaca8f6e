"""One server and one engine for all socket tests; each test has a room of its own."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.consumers.talk import BURSTS
from tests.processes import App, Apps, engine
from tests.sockets import Frame

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Iterator[App]:
    """A server whose engine hears the words that audio carries."""
    folder = tmp_path_factory.mktemp("sockets")
    (folder / "script.json").write_text(json.dumps(BURSTS))
    with (
        engine(folder / "engine.log", f"--script={folder / 'script.json'}") as speech,
        contextlib.closing(Apps(folder, migrated_sqlite)) as apps,
    ):
        yield apps(env=speech.env)


@pytest.fixture
def make_room(server: App) -> Callable[..., Frame]:
    """Make a room with a slug of its own."""
    return lambda **options: server.create_room(f"hall{next(_numbers)}", **options)


@pytest.fixture
def room(make_room: Callable[..., Frame]) -> Frame:
    """A room with ordinary settings."""
    return make_room()
