"""A small real run: figures are there, and no word is missing. How high they are is no test's business."""

import json

import pytest

from tests.processes import attempt, clean_env, manage, marked


def test_two_rooms_are_measured(tmp_path):
    env = clean_env(CAPTIONS_DATA_DIR=str(tmp_path / "own"), BENCH_TEST=str(tmp_path))
    output = manage(
        "bench", "stream", "--rooms=2", "--seconds=3", "--only=stream,server", "--json", env=env, seconds=150
    )
    figures = json.loads(output.strip().splitlines()[-1])
    assert [(row["subject"], row["rooms"]) for row in figures["rows"]] == [("stream", 2), ("server", 2)]
    for row in figures["rows"]:
        assert row["words_got"] == row["words_expected"] == 60
        assert row["cpu_ms_per_audio_s"] > 0
        assert row["rss_mb"] > 0
        assert row["delay_p99_ms"] >= row["delay_p50_ms"] > 0
        assert row["finals"] >= 4
    assert not (tmp_path / "own" / "captions.sqlite3").exists(), "it must not touch the installation's own data"
    assert not marked(str(tmp_path)), "it must end all it has started"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--rooms=0"], "must be numbers from 1 on"),
        (["--only=skype"], "--only takes stream, server and pipecat"),
        (["--runs=0"], "must be more than 0"),
    ],
)
def test_options_that_make_no_sense(tmp_path, arguments, sentence):
    done = attempt("bench", "stream", *arguments, env=clean_env(CAPTIONS_DATA_DIR=str(tmp_path)))
    assert done.returncode != 0
    assert sentence in done.stdout
