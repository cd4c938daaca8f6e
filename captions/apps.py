from __future__ import annotations

from django.apps import AppConfig


class CaptionsConfig(AppConfig):
    """The one Django app of the project."""

    name = "captions"
    default_auto_field = "django.db.models.BigAutoField"
