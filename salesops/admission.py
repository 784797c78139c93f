"""Admission: a bounded number of requests work at once; the rest waits briefly, then is told to come back.

Every request takes a thread and a database connection. Without a bound a rush would use up the server's connections,
and everybody would get errors instead of a few waiting; without an end to the waiting, everybody would wait longer
and longer.
"""

import asyncio
import time
import weakref
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import structlog

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

log = structlog.get_logger(__name__)
PATIENCE = 0.8
"""Seconds. Whoever is turned away knows within one."""
SAID_EVERY = 10.0
"""Seconds between two lines in the log: a rush must not become one of the log."""
BUSY = b"The server is busy. Please try again in a moment.\n"


class Admission:
    """Wraps an ASGI application; at most `limit` requests are in it at once, per process."""

    def __init__(self, application: Application, *, limit: int, patience: float = PATIENCE) -> None:
        self.application = application
        self.limit = limit
        self.patience = patience
        self._places: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = (
            weakref.WeakKeyDictionary()
        )
        self._refused = 0
        self._said_at = -SAID_EVERY

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Lets a request in, now or after a short wait, or answers 503."""
        places = self._places.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(self.limit))
        try:
            await asyncio.wait_for(places.acquire(), self.patience)
        except TimeoutError:
            self._note_refusal()
            await _refuse(send)
            return
        try:
            await self.application(scope, receive, send)
        finally:
            places.release()

    def _note_refusal(self) -> None:
        self._refused += 1
        if time.monotonic() - self._said_at >= SAID_EVERY:
            log.warning("requests_refused_busy", count=self._refused, limit=self.limit)
            self._refused, self._said_at = 0, time.monotonic()


async def _refuse(send: Send) -> None:
    headers = [(b"content-type", b"text/plain"), (b"retry-after", b"2"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": BUSY})
