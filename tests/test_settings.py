import pytest

from tests.processes import attempt, clean_env


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DEBUG", "maybe", "DEBUG must be 1 or 0, not 'maybe'."),
        ("CAPTIONS_SPEAKER_GONE_S", "soon", "CAPTIONS_SPEAKER_GONE_S must be a number, not 'soon'."),
        ("CAPTIONS_SPEAKER_GONE_S", "nan", "CAPTIONS_SPEAKER_GONE_S must be at least 1, not nan."),
        ("CAPTIONS_ROOM_HOURS_PER_DAY", "-1", "CAPTIONS_ROOM_HOURS_PER_DAY must be at least 0, not -1."),
        ("CAPTIONS_MINUTES_PER_MONTH", "inf", "CAPTIONS_MINUTES_PER_MONTH must be a number, not 'inf'."),
        (
            "CAPTIONS_CONCURRENT_SESSIONS",
            "2.5",
            "CAPTIONS_CONCURRENT_SESSIONS must be a whole number, 0 or more, not '2.5'.",
        ),
        ("GRADIUM_SESSION_S", "0", "GRADIUM_SESSION_S must be at least 1, not 0."),
        ("DATABASE_URL", "captions", "DATABASE_URL must look like postgres://"),
        ("DATABASE_URL", "oracle9://host/name", "DATABASE_URL must look like postgres://"),
        ("CAPTIONS_LOG_LEVEL", "loud", "CAPTIONS_LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR, not 'LOUD'."),
        ("CAPTIONS_DATA_DIR", "/proc/captions", "SECRET_KEY is not set, and none can be kept in /proc/captions"),
    ],
)
def test_a_wrong_setting_is_named_in_one_sentence(tmp_path, name, value, said):
    env = clean_env(CAPTIONS_DATA_DIR=str(tmp_path)) | {name: value}
    done = attempt("check", env=env)
    assert done.returncode == 1
    assert done.stdout.startswith(f"Wrong setting: {said}"), done.stdout
    assert len(done.stdout.splitlines()) == 1


def test_the_secret_key_is_made_once_and_for_its_owner_only(tmp_path):
    env = clean_env(CAPTIONS_DATA_DIR=str(tmp_path / "new" / "folder"))
    show = ("shell", "--verbosity=0", "-c", "from django.conf import settings; print(settings.SECRET_KEY)")
    first, second = attempt(*show, env=env).stdout, attempt(*show, env=env).stdout
    assert first == second
    assert len(first.strip()) >= 50
    assert (tmp_path / "new" / "folder" / "secret_key").stat().st_mode & 0o777 == 0o600


def test_a_sqlite_commit_is_on_the_disk_and_readers_do_not_wait(tmp_path):
    env = clean_env(CAPTIONS_DATA_DIR=str(tmp_path))
    ask = (
        "from django.db import connection as c; k = c.cursor();"
        " print(*[k.execute(f'PRAGMA {p}').fetchone()[0] for p in ('journal_mode', 'synchronous')])"
    )
    assert attempt("shell", "--verbosity=0", "-c", ask, env=env).stdout.split() == ["wal", "2"]


@pytest.mark.parametrize(
    ("public_url", "secure"),
    [("https://captions.example.org", True), ("HTTPS://captions.example.org/", True), ("http://127.0.0.1:8000", False)],
)
def test_cookies_stay_within_https_where_the_pages_do(tmp_path, public_url, secure):
    env = clean_env(CAPTIONS_DATA_DIR=str(tmp_path), CAPTIONS_PUBLIC_URL=public_url)
    show = "from django.conf import settings as s; print(s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE)"
    assert attempt("shell", "--verbosity=0", "-c", show, env=env).stdout.split() == [str(secure)] * 2


@pytest.mark.parametrize(("behind_proxy", "believed"), [("", False), ("0", False), ("1", True)])
def test_a_header_that_claims_https_is_believed_from_a_named_proxy_only(tmp_path, behind_proxy, believed):
    env = clean_env(CAPTIONS_DATA_DIR=str(tmp_path), CAPTIONS_BEHIND_HTTPS_PROXY=behind_proxy)
    ask = (
        "from django.test import RequestFactory as F;"
        ' print(F().get("/", headers={"X-Forwarded-Proto": "https"}).is_secure(), F().get("/").is_secure())'
    )
    assert attempt("shell", "--verbosity=0", "-c", ask, env=env).stdout.split() == [str(believed), "False"]
