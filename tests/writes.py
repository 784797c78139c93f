"""What a request wrote: which statements change something, and whether anything is otherwise in the end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

_BOOKKEEPING = r"django_session|usersessions_usersession|salesops_cache|replies_keptreply"
_KEPT_APART = re.compile(rf'(INSERT INTO|UPDATE|DELETE FROM) "({_BOOKKEEPING})"|.* SET "used_at"')


def changes(sql: str) -> bool:
    """Whether a statement changes what anybody could read; sessions, throttles and kept answers are bookkeeping."""
    return sql.startswith(("INSERT", "UPDATE", "DELETE")) and not _KEPT_APART.match(sql)


@contextmanager
def noticed() -> Iterator[list[str]]:
    """The statements inside that change something, as they come."""
    written: list[str] = []

    def notice(execute: Any, sql: str, *more: Any) -> Any:
        if changes(sql):
            written.append(sql)
        return execute(sql, *more)

    with connection.execute_wrapper(notice):
        yield written


def digest() -> dict[str, str]:
    """Every table's content in a word, but for the bookkeeping."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if not re.fullmatch(_BOOKKEEPING, table):
                cursor.execute(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM \"{table}\" t")
                found[table] = str(cursor.fetchone()[0])
    return found
