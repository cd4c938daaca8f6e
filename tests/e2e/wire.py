"""The viewer's socket in a test's hands, for what a running server cannot be made to do at a given moment."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from playwright.async_api import Page, WebSocketRoute

NAME = "Ines Okafor"


@dataclass
class Wire:
    """Every connection the page opens waits in ``opened``; frames go out over the newest one."""

    opened: asyncio.Queue[WebSocketRoute] = field(default_factory=asyncio.Queue)
    afters: list[str | None] = field(default_factory=list)
    current: WebSocketRoute | None = None

    async def take_over(self, page: Page) -> None:
        await page.route_web_socket("**/captions/**", self._opened)

    def _opened(self, socket: WebSocketRoute) -> None:
        self.afters.append(parse_qs(urlsplit(socket.url).query).get("after", [None])[0])
        self.current = socket
        self.opened.put_nowait(socket)

    async def connection(self, seconds: float = 20) -> WebSocketRoute:
        """Wait for the page's next connection."""
        return await asyncio.wait_for(self.opened.get(), seconds)

    def send(self, *frames: dict[str, object]) -> None:
        assert self.current is not None
        for frame in frames:
            self.current.send(json.dumps(frame))


def snapshot(session: int = 1, seq: int = 0, *, state: str = "live", **fields: object) -> dict[str, object]:
    room = {"slug": "hall", "title": "Hall", "language": "en", "track": "en", "state": state, "delay_ms": 800}
    frame = {"type": "snapshot", "room": room, "session": session, "seq": seq, "finals": []}
    return frame | {"interim": None, "complete": True} | fields


def interim(seq: int, text: str, *, session: int = 1) -> dict[str, object]:
    return {"type": "interim", "session": session, "seq": seq, "text": text, "start_ms": seq * 5000}


def final(seq: int, text: str, *, session: int = 1, lang: str = "en", speaker: str = NAME) -> dict[str, object]:
    times = {"start_ms": seq * 5000, "end_ms": seq * 5000 + 4000}
    return {"type": "final", "session": session, "seq": seq, "text": text, "lang": lang, "speaker": speaker} | times


def gap(seq: int, *, session: int = 1, ms: int = 12_000, reason: str = "engine_down") -> dict[str, object]:
    times = {"start_ms": seq * 5000, "end_ms": seq * 5000 + ms}
    return {"type": "gap", "session": session, "seq": seq, "reason": reason} | times


def edit(seq: int, text: str, *, rev: int = 1, hidden: bool = False) -> dict[str, object]:
    return {"type": "edit", "session": 1, "seq": seq, "rev": rev, "text": text, "hidden": hidden}


def state(name: str, detail: str = "") -> dict[str, object]:
    return {"type": "state", "state": name, "detail": detail, "at": "2026-03-01T14:33:00+00:00"}
