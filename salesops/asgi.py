"""The ASGI entry point (granian serves it with `--interface asginl`)."""

import asyncio
import os
from typing import Any

from django.core.asgi import get_asgi_application

from salesops.watchdog import Watchdog

_watchdog = Watchdog()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesops.settings")
_django = get_asgi_application()


def _admitted() -> Any:
    from django.conf import settings

    from salesops.admission import Admission
    from salesops.wall.postgresql.idle import idle

    idle.limit = settings.DB_IDLE_CONNECTIONS

    return Admission(_django, limit=settings.REQUESTS_AT_ONCE)  # type: ignore[arg-type]


_served = _admitted()


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Serves one request on the event loop the watchdog looks after."""
    _watchdog.over(asyncio.get_running_loop())
    await _served(scope, receive, send)


_watchdog.loaded()
