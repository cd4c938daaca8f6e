"""The ASGI application: HTTP to Django, WebSockets to the speaker and viewer routes."""

from __future__ import annotations

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "captions.settings")

application = ProtocolTypeRouter({"http": get_asgi_application()})
