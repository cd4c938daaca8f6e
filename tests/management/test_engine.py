import pytest

from tests.processes import attempt, clean_env


@pytest.mark.parametrize("port", ["65536", "-1", "http"])
def test_a_port_that_is_none(tmp_path, port):
    done = attempt("engine", f"--port={port}", env=clean_env(CAPTIONS_DATA_DIR=str(tmp_path)))
    assert done.returncode == 1
    assert done.stdout.strip() == f"CommandError: The port must be a number from 0 to 65535, not {port!r}."
