"""Admission: a bounded number of requests is worked on at once; the rest waits briefly, then is told to come back.

Every request takes a thread and a database connection. Without a bound a rush would use up the server's connections,
and everybody would get errors instead of a few waiting; without an end to the waiting, everybody would wait longer
and longer.

Nearly all requests take some hundredths of a second, and threads that work on those side by side hold each other up:
only a few are begun at once (`SHORT`). One that takes longer, an export say, makes room for the next short one.
"""

import asyncio
import time
import weakref
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import structlog

log = structlog.get_logger(__name__)
PATIENCE = 0.8
"""Seconds. Whoever is turned away knows within one."""
PATIENCE_AT_FIRST = 5.0
"""The same for a process that has just begun, each of whose connections to the database reads the catalogue first."""
SHORT = 2
"""So many requests may be in their first `LENDS_AFTER` seconds at once. Two take no more processor than one after the
other; with six each took an eighth more (`docs/performance.md`)."""
LENDS_AFTER = 0.25
"""Seconds. A tenth is too soon: in a rush short ones take as long, and all that is won is lost again."""
FIRST_PER_PLACE = 10
"""So many requests for each place are first ones."""
SAID_EVERY = 10.0
"""Seconds between two lines in the log: a rush must not become one of the log."""


class BusyError(Exception):
    """Nothing came free in time."""


class Admission:
    """Places to work at: `limit` of them in this process, `SHORT` for those that have just begun."""

    def __init__(self, limit: int, patience: float = PATIENCE, at_first: float | None = None) -> None:
        self.limit = limit
        self.patience = patience
        self._at_first = patience if at_first is None else at_first
        self._given = 0
        self._places: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop, tuple[asyncio.Semaphore, asyncio.Semaphore]
        ] = weakref.WeakKeyDictionary()
        self._refused = 0
        self._said_at = -SAID_EVERY

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Holds a place, now or after a short wait. Raises `BusyError`."""
        loop = asyncio.get_running_loop()
        short, places = self._places.setdefault(
            loop, (asyncio.Semaphore(min(SHORT, self.limit)), asyncio.Semaphore(self.limit))
        )
        is_new = self._given < self.limit * FIRST_PER_PLACE
        with ExitStack() as held, ExitStack() as begun:
            try:
                async with asyncio.timeout(self._at_first if is_new else self.patience):
                    await short.acquire()
                    begun.callback(short.release)
                    await places.acquire()
                    held.callback(places.release)
            except TimeoutError as error:
                self._note_refusal()
                raise BusyError from error
            self._given += 1
            held.callback(loop.call_later(LENDS_AFTER, begun.close).cancel)
            yield

    def _note_refusal(self) -> None:
        self._refused += 1
        if time.monotonic() - self._said_at >= SAID_EVERY:
            log.warning("requests_refused_busy", count=self._refused, limit=self.limit)
            self._refused, self._said_at = 0, time.monotonic()
