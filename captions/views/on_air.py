"""What staff read of a running session: its state, the settings the speech engine runs with, and trouble, in words."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from captions.gradium.setup import FRAME_S, LANGUAGES
from captions.models import Session


def words(session: Session | None) -> str:
    """Return what goes on in a room whose running session this is."""
    if session is None:
        return "Nobody is speaking."
    if not session.is_held(timezone.now()):
        return "The server that wrote the captions is gone. The speaker goes on as soon as another one has the room."
    return f"{session.get_state_display()}. {engine_words(session)}".strip()


def engine_words(session: Session) -> str:
    """Return which settings are in use and since when, and what is wrong."""
    report = session.engine
    parts = []
    if report.get("since"):
        since = timezone.localtime(datetime.fromisoformat(report["since"]))
        language = LANGUAGES.get(report["language"], report["language"])
        delay_s = report["delay_in_frames"] * FRAME_S
        parts.append(f"In use since {since:%H:%M:%S}: {language}, {delay_s:.2f} s to listen before writing.")
    if report.get("trouble"):
        parts.append(report["trouble"])
    return " ".join(parts)
