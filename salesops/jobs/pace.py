"""How much of the database server's machine a job may take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import DatabaseError, connection


@contextmanager
def unhurried() -> Iterator[None]:
    """Statements inside run on one processor. For work nobody waits for: a statement over a million deals would else be
    done by three processes at once, and on two processors everybody's pages would wait for it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET max_parallel_workers_per_gather = 0")
    try:
        yield
    finally:
        # With a lost connection the setting is gone too.
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("RESET max_parallel_workers_per_gather")
