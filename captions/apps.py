from __future__ import annotations

from django.apps import AppConfig


class CaptionsConfig(AppConfig):
    """The one Django app of the project."""

    name = "captions"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen for rooms that are saved."""
        from captions.fanout import notices  # noqa: PLC0415 - models are there only now

        notices.connect()
