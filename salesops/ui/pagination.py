"""Pages of a list, with the numbers a pager shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest

from salesops.kernel.numbers import counted

PAGE_SIZES = (25, 50, 100, 200)


@dataclass(frozen=True)
class PageOf:
    """One page: its rows, where it lies in the whole, and the page numbers to offer (None marks a gap)."""

    rows: Sequence[Any]
    number: int
    pages: int
    total: int
    first: int
    last: int
    size: int
    numbers: tuple[int | None, ...]

    @property
    def previous(self) -> int | None:
        """Number of the page before, or None."""
        return self.number - 1 if self.number > 1 else None

    @property
    def next(self) -> int | None:
        """Number of the page after, or None."""
        return self.number + 1 if self.number < self.pages else None


def page_of(request: HttpRequest, rows: Any, size: int = 50) -> PageOf:
    """The page asked for by ``?page=`` and ``?size=``; wrong numbers give the nearest page."""
    asked = counted(request.GET.get("size", ""))
    size = asked if asked in PAGE_SIZES else size
    paginator = Paginator(rows, size)
    page = paginator.get_page(counted(request.GET.get("page", "")))
    numbers = tuple(
        n if isinstance(n, int) else None
        for n in paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)
    )
    return PageOf(
        list(page.object_list),
        page.number,
        paginator.num_pages,
        paginator.count,
        page.start_index(),
        page.end_index(),
        size,
        numbers,
    )
