"""A Redis server and a PostgreSQL cluster of the tests' own."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psycopg

from tests.processes import Process, clean_env, free_port, port_open

POSTGRES_PASSWORD = "captions-tests"


class RedisServer:
    """A redis-server without persistence; ``stop`` and ``start`` keep the port, so ``url`` stays."""

    def __init__(self, folder: Path, *options: str) -> None:
        program = shutil.which("redis-server")
        assert program, "redis-server is missing: apt-get install redis-server"
        self.port = free_port()
        self.process = Process(
            "redis",
            [
                program,
                "--bind",
                "127.0.0.1",
                "--port",
                str(self.port),
                "--save",
                "",
                "--appendonly",
                "no",
                "--dir",
                str(folder),
                *options,
            ],
            env=clean_env(),
            log_path=folder / "redis.log",
        )

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def env(self) -> dict[str, str]:
        return {"REDIS_URL": self.url}

    def start(self) -> None:
        self.process.launch()
        self.process.wait_until(lambda: port_open(self.port), what="listening")

    def stop(self) -> None:
        self.process.stop()

    def kill(self) -> None:
        self.process.kill()

    def restart(self) -> None:
        self.stop()
        self.start()


def postgres_programs() -> Path | None:
    """Return the folder of initdb and postgres: on the PATH, or where Debian puts the newest version."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


class PostgresServer:
    """A PostgreSQL cluster in a folder of its own. As root it runs as another user, which initdb insists on."""

    def __init__(self) -> None:
        programs = postgres_programs()
        assert programs, "PostgreSQL is missing: apt-get install postgresql"
        self.port = free_port()
        # Not in pytest's own folder: that one is closed to the other user.
        self.folder = Path(tempfile.mkdtemp(prefix="captions-postgres-"))
        self.databases = 0
        as_user: list[str] = []
        if os.geteuid() == 0:
            user = "postgres" if _user_exists("postgres") else "nobody"
            shutil.chown(self.folder, user)
            as_user = ["setpriv", f"--reuid={user}", f"--regid={_group_of(user)}", "--clear-groups"]
        password_file = self.folder / "password"
        password_file.write_text(POSTGRES_PASSWORD)
        cluster = self.folder / "cluster"
        self._run(
            [
                *as_user,
                str(programs / "initdb"),
                f"--pgdata={cluster}",
                "--username=captions",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--no-locale",
                "--no-sync",
            ]
        )
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self.folder,
            "fsync": "off",  # the machine may lose these data
            "max_connections": 200,
        }
        options = [item for name, value in settings.items() for item in ("-c", f"{name}={value}")]
        self.process = Process(
            "postgres",
            [*as_user, str(programs / "postgres"), "-D", str(cluster), *options],
            env=clean_env(),
            log_path=self.folder / "log",
            cwd=self.folder,
        )

    def url(self, database: str) -> str:
        return f"postgres://captions:{POSTGRES_PASSWORD}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        self.process.launch()
        self.process.wait_until(self._accepts, what="accepting connections")

    def stop(self) -> None:
        """Shut it down without waiting for its clients (PostgreSQL's "fast" way)."""
        self.process.signal(signal.SIGINT)
        self.process.stop()

    def kill(self) -> None:
        """End it at once; it recovers at its next start."""
        self.process.signal(signal.SIGQUIT)
        self.process.wait()

    def restart(self) -> None:
        self.stop()
        self.start()

    def create_database(self, template: str = "template1") -> str:
        """Make a database, as a copy of ``template``, and return its name."""
        self.databases += 1
        name = f"captions_{self.databases}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")  # type: ignore[arg-type]
        return name

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _accepts(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    @staticmethod
    def _run(command: Sequence[str]) -> None:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd="/", env=clean_env())
        assert done.returncode == 0, f"{command[-1]} failed:\n{done.stdout}{done.stderr}"


def _user_exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _group_of(user: str) -> int:
    return pwd.getpwnam(user).pw_gid
