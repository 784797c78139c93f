"""The ASGI entry point (granian serves it with `--interface asginl`)."""

import asyncio
import os
from typing import Any

from django.core.asgi import get_asgi_application

from salesops.watchdog import Watchdog

_watchdog = Watchdog()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesops.settings")
HEALTH = "/healthz"
"""Whether the process is well is told however many requests wait."""


def _application() -> Any:
    apart = get_asgi_application()
    from django.conf import settings

    from salesops.admission import PATIENCE_AT_FIRST, Admission
    from salesops.bodies import within_bounds
    from salesops.handler import ThreadHandler
    from salesops.wall.postgresql.idle import idle
    from salesops.warming import warm

    idle.limit = settings.DB_IDLE_CONNECTIONS
    on_threads = ThreadHandler(Admission(settings.REQUESTS_AT_ONCE, at_first=PATIENCE_AT_FIRST))
    files = settings.STATIC_URL  # they may go to slow readers, and need nothing that is scarce
    warm()

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await apart(scope, receive, send)
            return
        is_apart = scope["path"] == HEALTH or scope["path"].startswith(files)
        await within_bounds(apart if is_apart else on_threads, scope, receive, send)

    return serve


_serve = _application()


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Serves one request on the event loop the watchdog looks after."""
    _watchdog.over(asyncio.get_running_loop())
    await _serve(scope, receive, send)


_watchdog.loaded()
