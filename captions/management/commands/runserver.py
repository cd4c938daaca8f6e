"""``manage.py runserver``: Daphne's, since Django's own speaks no WebSocket.

Not by way of INSTALLED_APPS: there Daphne loads Twisted for every command, which doubles the time to start.
"""

import daphne.server  # noqa: F401 - picks Twisted's asyncio reactor, before anything else of Twisted
from daphne.management.commands.runserver import Command

__all__ = ["Command"]
