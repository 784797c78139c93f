"""Questions that are the same on every page: their SQL is worked out once for a process, the answer read each time.

Building such a query and turning it into SQL takes longer than the database takes to answer it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import QuerySet


class StandingQuestion:
    """A `values_list` whose conditions never change; only of columns PostgreSQL gives as they are, such as no JSON."""

    def __init__(self, question: Callable[[], QuerySet[Any, Any]]) -> None:
        self._question = question

    @cached_property
    def _sql(self) -> tuple[str, tuple[Any, ...]]:
        return self._question().query.sql_with_params()

    def rows(self) -> list[tuple[Any, ...]]:
        """What the database answers now."""
        with connection.cursor() as cursor:
            cursor.execute(*self._sql)
            return list(cursor.fetchall())
