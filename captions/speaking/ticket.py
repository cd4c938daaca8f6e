"""Buys a ticket for the speaker socket with the token of a speaker link. Blocking; runs in a thread of its own."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    Request,
)

from captions.speaking.link import SpeakerLink

TIMEOUT_S: Final = 10.0
MOST_BYTES: Final = 65_536


class Refused(Exception):
    """The server answered no; trying again does not help. ``code`` is its own, or ``no_server``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Unreachable(Exception):
    """Nobody answered, or the server has trouble of its own; the message is a sentence without its full stop."""


def _opener() -> OpenerDirector:
    """Return an opener that goes straight to the server and follows nothing: the body holds a secret."""
    opener = OpenerDirector()
    for handler in (HTTPHandler, HTTPSHandler, HTTPDefaultErrorHandler, HTTPErrorProcessor):
        opener.add_handler(handler())
    return opener


def fetch_ticket(link: SpeakerLink) -> str:
    """Return a fresh ticket; raises Refused or Unreachable."""
    body = json.dumps({"token": link.token}).encode()
    request = Request(link.ticket_url, body, {"Content-Type": "application/json", "Accept": "application/json"})  # noqa: S310 - checked_server allows http and https alone
    try:
        with _opener().open(request, timeout=TIMEOUT_S) as response:
            answer = _object(response.read(MOST_BYTES))
    except HTTPError as error:
        with error:
            raise _refusal(link, error) from None
    except (URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise Unreachable(
            f"no server answers at {link.server} ({getattr(reason, 'strerror', None) or reason})"
        ) from None
    ticket = answer.get("ticket")
    if not isinstance(ticket, str):
        raise Refused("no_server", f"What answers at {link.server} is not Captions. Check the address.")
    return ticket


def _refusal(link: SpeakerLink, error: HTTPError) -> Refused | Unreachable:
    if error.code >= HTTPStatus.INTERNAL_SERVER_ERROR or error.code == HTTPStatus.TOO_MANY_REQUESTS:
        return Unreachable(f"the server at {link.server} has trouble of its own (HTTP {error.code})")
    if error.code in range(300, 400):
        there = urlsplit(error.headers.get("Location", ""))
        return Refused("no_server", f"{link.server} sends us on to {there.scheme}://{there.netloc}. Use that address.")
    answer = _object(error.read(MOST_BYTES))
    code, message = answer.get("error"), answer.get("message")
    if isinstance(code, str) and isinstance(message, str):
        return Refused(code, message)
    return Refused(
        "no_server", f"What answers at {link.server} is not Captions (HTTP {error.code}). Check the address."
    )


def _object(data: bytes) -> dict[str, object]:
    try:
        answer = json.loads(data)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
