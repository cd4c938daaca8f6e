"""What is checked before the server starts. Each function raises NotReady with a sentence for whoever started it."""

from __future__ import annotations

import errno
import socket

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor

from captions.gradium.session import EndpointError, endpoint_url

REDIS_TIMEOUT_S = 3.0
BACKLOG = 2048
MAX_PORT = 65_535


class NotReady(Exception):
    """The server cannot start; the message says why and what to do."""


class RedisSilent(NotReady):
    """Redis is not there just now; it may come back."""


def check_database() -> None:
    """Refuse a database that cannot be reached or lacks migrations."""
    connection = connections[DEFAULT_DB_ALIAS]
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        reason = str(error).strip().splitlines() or ["no reason given"]
        raise NotReady(f"The database cannot be used: {reason[0]}. See DATABASE_URL and CAPTIONS_DATA_DIR.") from error
    finally:
        connection.close()
    if missing:
        count = "1 migration" if len(missing) == 1 else f"{len(missing)} migrations"
        raise NotReady(f"The database lacks {count}. Run: python manage.py migrate")


def check_engine_address(endpoint: str) -> None:
    """Refuse a GRADIUM_URL that is neither a region nor a WebSocket address."""
    try:
        endpoint_url(endpoint)
    except EndpointError as error:
        raise NotReady(str(error)) from error


def check_redis(url: str) -> None:
    """Refuse a Redis address that is wrong, and raise RedisSilent for one where nothing answers."""
    import redis  # noqa: PLC0415 - takes long to load, and many an installation has no Redis

    try:
        with redis.Redis.from_url(
            url, socket_timeout=REDIS_TIMEOUT_S, socket_connect_timeout=REDIS_TIMEOUT_S
        ) as client:
            client.ping()
    except ValueError as error:
        raise NotReady("REDIS_URL must look like redis://host:6379/0, rediss://... or unix:///path.") from error
    except redis.AuthenticationError as error:
        raise NotReady("Redis refuses the name or password in REDIS_URL.") from error
    except redis.RedisError as error:
        raise RedisSilent("Redis does not answer at REDIS_URL. Start it, or correct the address.") from error


def port_number(text: str, *, lowest: int = 1) -> int:
    """Return a port written as text; refuses what is none. ``lowest`` is 0 where that stands for a free one."""
    if not (text.isascii() and text.isdigit() and lowest <= int(text) <= MAX_PORT):
        raise NotReady(f"The port must be a number from {lowest} to {MAX_PORT}, not {text!r}.")
    return int(text)


def listening_sockets(host: str, port: int) -> list[socket.socket]:
    """Listen on every address of ``host``, so that a wrong or taken one is known before anything else starts."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise NotReady(f"{host!r} is no address of this machine. Use --host 127.0.0.1, or 0.0.0.0 for all.") from error
    sockets: list[socket.socket] = []
    failure: OSError | None = None
    for family, kind, protocol, _name, address in dict.fromkeys(found):
        try:
            sockets.append(_listen(family, kind, protocol, address))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                _close(sockets)
                raise NotReady(_refusal(error, host, port)) from error
            failure = error  # for example: the name has an IPv6 address and this machine has not
    if not sockets:
        raise NotReady(_refusal(failure, host, port)) from failure
    return sockets


def _listen(family: int, kind: int, protocol: int, address: tuple[object, ...]) -> socket.socket:
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def _close(sockets: list[socket.socket]) -> None:
    for listener in sockets:
        listener.close()


def _refusal(error: OSError | None, host: str, port: int) -> str:
    match error.errno if error else None:
        case errno.EADDRINUSE:
            return f"Port {port} on {host} is taken by another program. Stop that one, or choose another port."
        case errno.EACCES:
            return f"Port {port} needs more rights than this user has. Choose a port of 1024 or above."
        case errno.EADDRNOTAVAIL:
            return f"{host} is no address of this machine. Use --host 127.0.0.1, or 0.0.0.0 for all."
        case _:
            return f"Cannot listen on {host}, port {port}: {error.strerror if error else 'no address'}."
