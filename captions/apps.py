from __future__ import annotations

from django.apps import AppConfig


class CaptionsConfig(AppConfig):
    """The one Django app of the project."""

    name = "captions"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen for rooms that are saved, and for connections to the database."""
        from django.db.backends.signals import connection_created  # noqa: PLC0415 - models are there only now

        from captions.database import bound_transactions  # noqa: PLC0415
        from captions.fanout import notices  # noqa: PLC0415

        notices.connect()
        connection_created.connect(bound_transactions, dispatch_uid="captions.bound_transactions")
