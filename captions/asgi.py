"""The ASGI application: HTTP to Django, WebSockets to the speaker's and the viewer's routes."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "captions.settings")

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import re_path

http = get_asgi_application()

# These import models, which need the apps that get_asgi_application has set up.
from captions.captioning.desk import current_desk  # noqa: E402
from captions.consumers.speaker import speaker  # noqa: E402
from captions.consumers.unknown import unknown  # noqa: E402
from captions.consumers.viewer import viewer  # noqa: E402
from captions.fanout.hub import current_hub  # noqa: E402

_SLUG = r"(?P<slug>[A-Za-z0-9._~-]{1,100})"


async def lifespan(_scope: dict[str, Any], receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's callables
    """Start and stop with the server. Daphne never calls this: there the desk starts with its first socket."""
    while True:
        event = await receive()
        if event["type"] == "lifespan.startup":
            current_desk()
            await send({"type": "lifespan.startup.complete"})
        else:
            await current_desk().close()
            await current_hub().close()
            await send({"type": "lifespan.shutdown.complete"})
            return


# Plain ASGI callables are as good as consumers to the router; Django's types only know views.
_sockets: list[Any] = [
    re_path(rf"^ws/rooms/{_SLUG}/captions/$", viewer),  # type: ignore[arg-type]
    re_path(rf"^ws/rooms/{_SLUG}/speak/$", speaker),  # type: ignore[arg-type]
    re_path(r"", unknown),  # type: ignore[arg-type]
]

application = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": URLRouter(_sockets),
        "lifespan": lifespan,
    }
)
