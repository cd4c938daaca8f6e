"""Where a room's speaker speaks: its speaker link taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import urlsplit

_PATH: Final = re.compile(r"(?P<prefix>.*)/r/(?P<slug>[a-z0-9-]+)/(?P<page>speak/?)?")


class LinkError(ValueError):
    """The text is no address to speak at; the message is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class SpeakerLink:
    """A room on a server, and the secret that lets its holder speak there (empty when it is still to be found)."""

    server: str
    """``http(s)://host[:port][/prefix]``, without a slash at its end."""
    slug: str
    token: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read ``http(s)://host/r/slug/speak/#token``; raises LinkError."""
        server = checked_server(url)
        parts = urlsplit(url)
        match = _PATH.fullmatch(parts.path)
        if match is None:
            raise LinkError(f"{server}{parts.path} is no speaker link. One looks like http://host/r/room/speak/#token.")
        if match["page"] is None:
            raise LinkError(
                "That is the readers' link. Speaking needs the speaker link: http://host/r/room/speak/#token."
            )
        return cls(server + match["prefix"], match["slug"], parts.fragment)

    @property
    def ticket_url(self) -> str:
        """Where the token buys a ticket."""
        return f"{self.server}/r/{self.slug}/speak/ticket/"

    @property
    def socket_url(self) -> str:
        """The speaker socket."""
        return f"ws{self.server.removeprefix('http')}/ws/rooms/{self.slug}/speak/"

    @property
    def origin(self) -> str:
        """What a page of the server's would call itself in an Origin header."""
        parts = urlsplit(self.server)
        return f"{parts.scheme}://{parts.netloc}"


def checked_server(url: str) -> str:
    """Return scheme, host and port of ``url``; raises LinkError."""
    try:
        parts = urlsplit(url)
        port = parts.port  # reading it checks it
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise LinkError(f"{url.partition('#')[0]} is no web address. One looks like http://127.0.0.1:8000.")
    return f"{parts.scheme}://{parts.netloc}"
