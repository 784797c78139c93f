"""The ASGI entry point (granian serves it with `--interface asginl`)."""

import asyncio
import os
from typing import Any

from django.core.asgi import get_asgi_application

from salesops.watchdog import Watchdog

_watchdog = Watchdog()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesops.settings")
_apart = get_asgi_application()
APART = frozenset({"/events", "/healthz"})
"""A stream is a coroutine, and holds neither a thread nor a connection while it is open; whether the process is well is
told however many requests wait."""


def _admitted() -> Any:
    from django.conf import settings

    from salesops.admission import Admission
    from salesops.handler import ThreadHandler
    from salesops.wall.postgresql.idle import idle

    idle.limit = settings.DB_IDLE_CONNECTIONS
    at_once = settings.REQUESTS_AT_ONCE
    return Admission(ThreadHandler(threads=at_once), limit=at_once)


_served = _admitted()


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Serves one request on the event loop the watchdog looks after."""
    _watchdog.over(asyncio.get_running_loop())
    apart = scope["type"] != "http" or scope["path"] in APART
    await (_apart if apart else _served)(scope, receive, send)


_watchdog.loaded()
