"""What was heard, held against what was said."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from collections.abc import Sequence

from tests.processes import App
from tests.sockets import Client, Frame

NEAR_MS = 80


def get_json(url: str) -> tuple[int, Frame]:
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.status, json.load(response)


def stored_words(server: App, slug: str, session: int = -1) -> list[Frame]:
    """Return the words of a session's transcript: ``text``, ``start_ms``, ``end_ms``."""
    code, transcript = get_json(f"{server.url}/r/{slug}/transcript.json")
    assert code == 200
    return [word for segment in transcript["sessions"][session]["segments"] for word in segment["words"]]


def assert_heard_exactly(said: Sequence[tuple[str, float, float]], stored: list[Frame]) -> None:
    """Each word that was said (text, start and end in seconds), once, in order, at its time."""
    assert [word["text"] for word in stored] == [text for text, _, _ in said]
    for word, (_, start_s, end_s) in zip(stored, said, strict=True):
        assert abs(word["start_ms"] - start_s * 1000) <= NEAR_MS, f"{word}, but it was said from {start_s} to {end_s}"
        assert abs(word["end_ms"] - end_s * 1000) <= NEAR_MS, f"{word}, but it was said from {start_s} to {end_s}"


def assert_interims_grow_into_finals(viewer: Client) -> None:
    shown = ""
    for frame in viewer.of_type("interim", "final"):
        assert frame["text"].startswith(shown), "a painted word never changes"
        shown = "" if frame["type"] == "final" else frame["text"]


def count_words(said: Sequence[str], heard: Sequence[str]) -> str:
    """Say how many words were said, lost and heard too often."""
    lost, doubled = Counter(said) - Counter(heard), Counter(heard) - Counter(said)
    return f"{len(said)} words said, {lost.total()} lost, {doubled.total()} doubled"


def shown_numbers(viewer: Client) -> list[int]:
    """The numbers of all finals and gaps a reader was shown, in that order."""
    numbers: list[int] = []
    for frame in viewer.frames:
        shown = frame["finals"] if frame["type"] == "snapshot" else [frame] if frame["type"] in ("final", "gap") else []
        numbers += [entry["seq"] for entry in shown]
    return numbers


def assert_heard_in_pieces(pieces: Sequence[Sequence[str]], heard: Sequence[str], *, loose: int = 3) -> None:
    """All of each piece in its order, once; the last few words before another piece may be cut off, or be more."""
    at = 0
    for number, piece in enumerate(pieces, 1):
        sure = list(piece if number == len(pieces) else piece[:-loose])
        found = next((skip for skip in range(2 * loose + 1) if list(heard[at + skip :][: len(sure)]) == sure), None)
        assert found is not None, f"piece {number}: {sure} is not what was heard: {heard[at:]}"
        at += found + len(sure)
    assert at == len(heard), f"heard beyond the end: {heard[at:]}"
