"""The part of an address that names a room."""

from __future__ import annotations

from captions.models.room import SLUG_PATTERN


class SlugConverter:
    """Takes valid room codes only, so that anything else is an unknown address before any view runs."""

    regex = SLUG_PATTERN

    def to_python(self, value: str) -> str:
        """Return the code as it is."""
        return value

    def to_url(self, value: str) -> str:
        """Return the code as it is."""
        return value
