"""How the processes of a benchmark speak to the one that started them: a JSON object a line on standard output."""

from __future__ import annotations

import json
import sys
from typing import Any


def tell(**event: object) -> None:
    """Tell an event; ``event`` is its name."""
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def read_event(line: str) -> dict[str, Any] | None:
    """Return the event of a line; None for any other output."""
    if not line.startswith('{"event"'):
        return None
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
