"""Sorting of tables by query string: ``?sort=-amount``."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.http import HttpRequest


@dataclass(frozen=True)
class Sort:
    """The sort in force: a column of those allowed, and its direction."""

    column: str
    descending: bool

    @property
    def key(self) -> str:
        """As written in the query string."""
        return f"-{self.column}" if self.descending else self.column

    def order_by(self, fields: dict[str, str] | None = None) -> tuple[str, str]:
        """Django ordering, made total by the primary key so that pages never overlap."""
        name = (fields or {}).get(self.column, self.column)
        return (f"-{name}" if self.descending else name), "pk"


def sort_of(request: HttpRequest, allowed: Collection[str], default: str) -> Sort:
    """Sort asked for by ``?sort=``; anything not allowed falls back to the default (``-amount`` for descending)."""
    asked = request.GET.get("sort", "") or default
    if asked.lstrip("-") not in allowed:
        asked = default
    return Sort(asked.lstrip("-"), asked.startswith("-"))
