"""Fixtures that run the real thing: the server, Redis, PostgreSQL, the speech engine, a browser."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import async_playwright

from tests import processes
from tests.browser import Chromium
from tests.processes import Apps, Engine, clean_env, manage
from tests.services import PostgresServer, RedisServer

# A test run that is asked to stop takes its processes down with it.
signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Show the last lines of every running process beside a failure."""
    del item
    report = yield
    if call.excinfo is not None and report.failed:
        for process in list(processes.running.values()):
            report.sections.append((f"log of {process.name}", "\n".join(process.log.splitlines()[-60:])))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the figures that tests have noted, and how much the worlds of the stream went through."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    noted = [item for report in reports if report.when == "call" for item in report.user_properties]
    figures = [value for name, value in noted if name == "figures"]
    if figures:
        terminalreporter.section("figures")
        for value in figures:
            terminalreporter.write_line(str(value))
    sums: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        sums.update({name: value for name, value in report.user_properties if name in {"seams", "words"}})
    if sums:
        terminalreporter.write_line(f"stream: {sums['seams']:,} seams and {sums['words']:,} words in virtual time")


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with all tables, to copy."""
    folder = tmp_path_factory.mktemp("migrated")
    manage("migrate", "--verbosity=0", env=clean_env(CAPTIONS_DATA_DIR=str(folder)))
    path = folder / "captions.sqlite3"
    assert not path.with_name(path.name + "-wal").exists(), "the last connection did not merge its log"
    return path


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    tmp_path_factory: pytest.TempPathFactory,
    django_db_modify_db_settings_parallel_suffix: None,
) -> None:
    """Keep the tests' own database in a file, as users do: one in memory locks whole tables between threads."""
    from django.conf import settings

    del django_db_modify_db_settings_parallel_suffix  # a database of its own for each process that runs tests
    folder = tmp_path_factory.mktemp("database")
    for database in settings.DATABASES.values():
        if database["ENGINE"] == "django.db.backends.sqlite3":
            database.setdefault("TEST", {})["NAME"] = str(folder / "test.sqlite3")


@pytest.fixture
def app(tmp_path: Path, migrated_sqlite: Path) -> Iterator[Apps]:
    """Start servers: ``first = app(env={...})``; see ``Apps`` and ``App`` in tests/processes.py."""
    apps = Apps(tmp_path, migrated_sqlite)
    with contextlib.closing(apps):
        yield apps


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A running Redis: ``.url``, ``.env``, ``.stop()``, ``.start()``, ``.restart()``, ``.kill()``."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[PostgresServer]:
    """The cluster of the whole test run, with a migrated database to copy."""
    server = PostgresServer()
    with contextlib.closing(server):
        server.start()
        template = server.create_database()
        manage("migrate", "--verbosity=0", env=clean_env(DATABASE_URL=server.url(template), SECRET_KEY="x" * 50))
        yield server


@pytest.fixture
def postgres_server(postgres_cluster: PostgresServer) -> Iterator[PostgresServer]:
    """The cluster, to stop and start in a test; runs again afterwards."""
    yield postgres_cluster
    if not postgres_cluster.process.alive:
        postgres_cluster.start()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """The DATABASE_URL of a fresh database with all tables."""
    return postgres_server.url(postgres_server.create_database(template="captions_1"))


@pytest.fixture(scope="session")
def speech_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The embedded engine with its real recogniser; ``app(env=speech_engine.env)``."""
    with processes.engine(tmp_path_factory.mktemp("engine") / "engine.log") as engine:
        yield engine


@pytest.fixture
def scripted_engine(tmp_path: Path) -> Iterator[Callable[..., Engine]]:
    """Start engines that say what a script holds: ``scripted_engine({...})`` or ``scripted_engine(path)``."""
    with contextlib.ExitStack() as stack:
        count = 0

        def start(script: Path | dict[str, Any] | list[Any], *args: str) -> Engine:
            nonlocal count
            count += 1
            path = tmp_path / f"script{count}.json"
            if isinstance(script, Path):
                shutil.copyfile(script, path)
            else:
                path.write_text(json.dumps(script))
            return stack.enter_context(processes.engine(tmp_path / f"engine{count}.log", f"--script={path}", *args))

        yield start


@pytest.fixture
async def chromium() -> AsyncIterator[Chromium]:
    """Open browser contexts: ``context = await chromium(microphone=wav)``; see tests/browser.py."""
    async with async_playwright() as playwright:
        browser = Chromium(playwright)
        yield browser
        await browser.close()
        assert not browser.page_errors, "errors in pages:\n" + "\n".join(browser.page_errors)
