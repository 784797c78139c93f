"""How long somebody stays signed in: so long after signing in, and so long after the last thing they did themselves.

Also where sessions are kept (`SESSION_ENGINE`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest

STARTED, ACTIVE = "started", "active"
BY_ITSELF = "X-By-Itself"
"""The header of what an open page asks without anybody's doing: events, refreshed figures, how far an import is."""


class SessionStore(db.SessionStore):
    """Sessions in the database, which tell one that is gone from a database that is.

    Django takes every failed update for a session somebody ended, and answers 400: a client would give up a change
    that was saved before the database went away. Now it is 503, and the client asks again with its key.
    """

    def save(self, must_create: bool = False) -> None:
        """Raises UpdateError when the session was ended meanwhile, OperationalError or InterfaceError when the database
        could not be asked."""
        try:
            super().save(must_create)
        except UpdateError as error:
            if isinstance(error.__context__, OperationalError | InterfaceError):
                raise error.__context__ from None
            raise


def end_if_over(request: HttpRequest) -> None:
    """Signs out whose session is older than `SESSION_HOURS`, or idle for `SESSION_IDLE_MINUTES` (0: no such limit).

    The start is kept in the session: a session that is saved again would otherwise begin anew. Activity is noted only
    now and then, so that most requests write nothing.
    """
    session = request.session
    if SESSION_KEY not in session:
        return
    now, idle = int(time.time()), settings.SESSION_IDLE_MINUTES * 60
    session.setdefault(STARTED, now)  # a session from before this was written down
    active = session.setdefault(ACTIVE, now)
    if is_over(session, now):
        logout(request)
    elif idle and now - active >= min(300, idle // 10) and not _by_itself(request):
        session[ACTIVE] = now


def is_over(session: Mapping[str, Any], now: int) -> bool:
    """Whether what a session holds says that it is too old, or idle for too long; `now` in seconds since 1970."""
    idle = settings.SESSION_IDLE_MINUTES * 60
    is_old = now - session.get(STARTED, now) >= settings.SESSION_COOKIE_AGE
    return is_old or bool(idle and now - session.get(ACTIVE, now) >= idle)


def begin(request: HttpRequest, **_: object) -> None:
    """Writes down when it was signed in, in the session that is saved then anyway."""
    request.session[STARTED] = request.session[ACTIVE] = int(time.time())


def _by_itself(request: HttpRequest) -> bool:
    return BY_ITSELF in request.headers or request.path.startswith("/events")
