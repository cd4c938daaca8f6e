"""Configuration, all of it from the environment. A wrong value stops the start with a sentence that names it."""

from __future__ import annotations

import math
import os
import secrets
from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent


def env(name: str, default: str = "") -> str:
    """Return a setting as text, without blanks around it."""
    return os.environ.get(name, default).strip()


def env_bool(name: str, *, default: bool = False) -> bool:
    """Return a yes-or-no setting."""
    value = env(name).lower()
    if value in ("", "1", "true", "yes", "on", "0", "false", "no", "off"):
        return value in ("1", "true", "yes", "on") if value else default
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")


def env_float(name: str, default: float, *, minimum: float = 0.0) -> float:
    """Return a number that is at least ``minimum``."""
    value = env(name)
    try:
        number = float(value) if value else default
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a number, not {value!r}.") from error
    if not number >= minimum:
        raise ImproperlyConfigured(f"{name} must be at least {minimum:g}, not {value}.")
    if math.isinf(number):
        raise ImproperlyConfigured(f"{name} must be a number, not {value!r}.")
    return number


def env_count(name: str) -> int:
    """Return a whole number, 0 where nothing is set."""
    value = env(name) or "0"
    if not (value.isascii() and value.isdecimal()):
        raise ImproperlyConfigured(f"{name} must be a whole number, 0 or more, not {value!r}.")
    return int(value)


def env_choice(name: str, default: str, choices: tuple[str, ...]) -> str:
    """Return one of ``choices``, which are in capitals."""
    value = env(name, default).upper() or default
    if value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
    return value


def env_list(name: str, default: str = "") -> list[str]:
    """Return a setting written with commas."""
    return [item.strip() for item in env(name, default).split(",") if item.strip()]


# Where files of this installation are kept: the SQLite database, the generated secret key.
DATA_DIR = Path(env("CAPTIONS_DATA_DIR") or BASE_DIR / "var")


def _kept_secret_key() -> str:
    """Return the key in the data folder; make it at the first start, readable for its owner only."""
    path = DATA_DIR / "secret_key"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        pass
    try:
        DATA_DIR.mkdir(parents=True, exist_ok=True)
        # Written aside and linked into place, so that processes that start together agree on one key.
        new = path.with_name(f"secret_key.{os.getpid()}")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(new, path)
        except FileExistsError:
            pass
        finally:
            new.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"SECRET_KEY is not set, and none can be kept in {DATA_DIR} ({error.strerror}). "
            "Set SECRET_KEY, or CAPTIONS_DATA_DIR to a folder that may be written."
        ) from error


DEBUG = env_bool("DEBUG")
SECRET_KEY = env("SECRET_KEY") or _kept_secret_key()
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS")
PUBLIC_URL = env("CAPTIONS_PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")

INSTALLED_APPS = [
    "captions",  # first, so that its runserver, which is Daphne's, is the one found
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
]

MIDDLEWARE = [
    "captions.views.health.health",
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "captions.urls"
ASGI_APPLICATION = "captions.asgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "captions.views.context.product",
            ],
        },
    },
]


def _database(url: str) -> dict[str, Any]:
    try:
        config: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True))
    except ValueError as error:
        raise ImproperlyConfigured(
            "DATABASE_URL must look like postgres://user:password@host/name or sqlite:///path."
        ) from error
    if config["ENGINE"] == "django.db.backends.sqlite3":
        # Readers never wait for the writer (WAL), a writer waits for its turn instead of failing (IMMEDIATE, timeout),
        # and a commit is on the disk before it is called durable (FULL).
        config["OPTIONS"] = {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        }
    return config


DATABASES = {"default": _database(env("DATABASE_URL") or f"sqlite:///{DATA_DIR / 'captions.sqlite3'}")}

REDIS_URL = env("REDIS_URL")
CHANNEL_LAYERS: dict[str, dict[str, Any]] = {
    "default": (
        {
            # The pub/sub layer: one PUBLISH per event, whatever the number of viewers. socket_timeout: with redis-py
            # 8's default of 5 s an idle receive() of channels_redis' core layer dies; None is right for both layers.
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            # A connection that is dead without having been closed is found by the health check.
            "CONFIG": {
                "hosts": [
                    {
                        "address": REDIS_URL,
                        "socket_timeout": None,
                        "socket_keepalive": True,
                        "health_check_interval": 10,
                    }
                ]
            },
        }
        if REDIS_URL
        else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    )
}

# The speech engine. The key is read where it is used and nowhere stored, so that no settings dump can show it.
GRADIUM_URL = env("GRADIUM_URL", "auto")
GRADIUM_SESSION_S = env_float("GRADIUM_SESSION_S", 300.0, minimum=1.0)
# The pages say when the words come from the embedded recogniser.
DEMO_RECOGNISER = env_bool("CAPTIONS_DEMO_RECOGNISER")
# Without speech for so long no engine session is held open: it costs money by the second.
SILENCE_S = env_float("CAPTIONS_SILENCE_S", 60.0, minimum=1.0)
# A session whose speaker stays away this long ends by itself.
SPEAKER_GONE_S = env_float("CAPTIONS_SPEAKER_GONE_S", 900.0, minimum=1.0)
# What may be spent on the speech engine; 0: no limit. A room may have hours of its own.
ROOM_HOURS_PER_DAY = env_float("CAPTIONS_ROOM_HOURS_PER_DAY", 0.0)
MINUTES_PER_MONTH = env_float("CAPTIONS_MINUTES_PER_MONTH", 0.0)
CONCURRENT_SESSIONS = env_count("CAPTIONS_CONCURRENT_SESSIONS")

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = env("CAPTIONS_STATIC_ROOT") or None  # only for a proxy that serves files itself, after collectstatic
SERVESTATIC_USE_FINDERS = True  # served from static/ as it is: no collecting step to forget
SERVESTATIC_ALLOW_ALL_ORIGINS = False
# Module scripts import each other by plain names, so files keep theirs; an hour is short enough for an update.
SERVESTATIC_MAX_AGE = 0 if DEBUG else 3600

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

SECURE_CONTENT_TYPE_NOSNIFF = True
# Not "no-referrer": with it browsers send forms with `Origin: null`, which CSRF protection refuses. A speaker link's
# secret stands behind #, which no Referer carries.
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.lower().startswith("https://")
# Anybody may send this header: it counts only where a proxy is said to set it, over whatever came from outside.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env_bool("CAPTIONS_BEHIND_HTTPS_PROXY") else None

LOG_LEVEL = env_choice("CAPTIONS_LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    # Frames of these are audio and caption text: never in a log.
    "loggers": {"websockets": {"level": "WARNING"}, "httpx": {"level": "WARNING"}, "daphne": {"level": "WARNING"}},
}
