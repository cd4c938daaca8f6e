from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def product(_request: HttpRequest) -> dict[str, object]:
    """Give every template what every page must say: whether the demo recogniser writes the captions."""
    return {"demo_recogniser": settings.DEMO_RECOGNISER}
