"""The ASGI entry point (granian serves it with `--interface asginl`)."""

import os

from django.core.asgi import get_asgi_application

from salesops.watchdog import Watchdog

_watchdog = Watchdog()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesops.settings")
_django = get_asgi_application()


def _admitted() -> object:
    from django.conf import settings

    from salesops.admission import Admission
    from salesops.wall.postgresql.idle import idle

    idle.limit = settings.DB_IDLE_CONNECTIONS

    return Admission(
        _django,  # type: ignore[arg-type]
        limit=settings.REQUESTS_AT_ONCE,
        watchdog=_watchdog,
    )


application = _admitted()
_watchdog.loaded()
