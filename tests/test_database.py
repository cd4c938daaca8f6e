from __future__ import annotations

from tests.processes import clean_env, manage


def test_a_frozen_process_does_not_keep_its_locks_for_ever(postgres_url: str) -> None:
    """PostgreSQL ends a transaction in which nothing happens, so another process can go on with the room."""
    code = "from django.db import connection; c = connection.cursor(); "
    code += "c.execute('SHOW idle_in_transaction_session_timeout'); print(c.fetchone()[0])"
    shown = manage("shell", "-c", code, env=clean_env(DATABASE_URL=postgres_url, SECRET_KEY="x" * 50))
    assert shown.split()[-1] == "10s"
