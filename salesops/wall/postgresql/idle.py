"""Connections a web process keeps open between requests.

Each request has a thread of its own, so Django's persistent connections would be lost, not reused. Opening one costs
the server a process, and that process has read nothing yet: neither the catalogue nor a table's statistics. It cost
more than all the small queries of a page together.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

LONGEST_IDLE = 60.0
"""Seconds after which a connection nobody took is closed, so that a rush leaves none behind."""


@dataclass(frozen=True)
class Kept:
    """An open connection to `target`, given back at `since` (monotonic), and whether the wall stands there."""

    since: float
    target: str
    connection: Any
    has_wall: bool | None


class IdleConnections:
    """A stack of open connections: the last one given back is the next one taken. For any number of threads."""

    def __init__(self, limit: int = 0) -> None:
        self.limit = limit
        self._kept: deque[Kept] = deque()
        self._lock = threading.Lock()

    def take(self, target: str) -> Kept | None:
        """An open connection to `target` that remembers nothing, or None.

        What the last holder set, locked, listened to or prepared is discarded here, which also shows whether the
        server is still there: if not, all that are kept are given up.
        """
        while (kept := self._pop(target)) is not None:
            try:
                kept.connection.autocommit = True
                with kept.connection.cursor() as cursor:
                    cursor.execute("DISCARD ALL")
                kept.connection.autocommit = False
            except psycopg2.Error:
                _close(kept.connection)
                self.close_all()
            else:
                return kept
        return None

    def give(self, target: str, connection: Any, has_wall: bool | None) -> None:
        """Keeps a connection for the next, or closes it: when there are enough, or it is not fit to be used again."""
        if not self.limit or not _is_clean(connection):
            connection.close()
            return
        now = time.monotonic()
        surplus = []
        with self._lock:
            self._kept.appendleft(Kept(now, target, connection, has_wall))
            while self._kept and (len(self._kept) > self.limit or self._kept[-1].since < now - LONGEST_IDLE):
                surplus.append(self._kept.pop())
        for unwanted in surplus:
            _close(unwanted.connection)

    def close_all(self) -> None:
        """Closes what is kept."""
        with self._lock:
            kept, self._kept = self._kept, deque()
        for unwanted in kept:
            _close(unwanted.connection)

    def _pop(self, target: str) -> Kept | None:
        with self._lock:
            found = next((kept for kept in self._kept if kept.target == target), None)
            if found is not None:
                self._kept.remove(found)
            return found


def _is_clean(connection: Any) -> bool:
    """Outside any transaction; one left open is rolled back."""
    if connection.closed:
        return False
    with suppress(psycopg2.Error):
        if connection.get_transaction_status() != TRANSACTION_STATUS_IDLE:
            connection.rollback()
        return bool(connection.get_transaction_status() == TRANSACTION_STATUS_IDLE)
    return False


def _close(connection: Any) -> None:
    with suppress(psycopg2.Error):
        connection.close()


idle = IdleConnections()
"""Of this process. None are kept until a web server says how many (`salesops.asgi`); commands and workers hold one."""
