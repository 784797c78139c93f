"""What lists add up and somebody keeps already: the sums of the whole company or of a person's people, by month.

Deals know nothing of roll-ups, which stand above them. Whoever keeps sums registers; a list whose filters are no finer
than these sums is answered from them instead of from hundreds of thousands of deals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from opportunities.domain.deal import OPEN_CATEGORIES, Category, Status
from opportunities.domain.listing import DealQuery, Group
from organization.domain.facts import PeriodFacts
from organization.domain.scope import Scope
from organization.selectors import periods

KeptSum = tuple[int, str, int, str, int, int, Decimal, Decimal]
"""Month of close (0: none), category, subcategory (0: none), currency; deals, those without an amount, the sum of
amounts, and of amounts by probability."""
Keeper = Callable[[Scope, int | None, Sequence[int] | None], Iterable[KeptSum] | None]
"""The sums of the present deals this viewer sees, of a person with everybody below (None: of all), that close in these
months (None: at any time or none); None where nothing is kept for this viewer."""

_keepers: list[Keeper] = []
_CATEGORIES = {
    Status.OPEN: frozenset(OPEN_CATEGORIES),
    Status.WON: frozenset({Category.WON}),
    Status.LOST: frozenset({Category.LOST}),
}


def register(keeper: Keeper) -> None:
    """From now on, ask this one."""
    _keepers[:] = [keeper]


def kept_groups(scope: Scope, query: DealQuery) -> tuple[Group, ...] | None:
    """The groups of the present deals that match, where their sums are kept; None where they must be counted."""
    months = _months(query) if _keepers and _is_coarse(query) else None
    if months is None:
        return None
    sums = _keepers[0](scope, query.node_id, [month.id for month in months] if query.close_from else None)
    if sums is None:
        return None
    begins = {month.id: month.from_date for month in months}
    categories, subcategories = _categories(query), query.subcategory_ids
    return tuple(
        (category, currency, begins.get(month), deals, unpriced, amount, likely * 100)
        for month, category, subcategory, currency, deals, unpriced, amount, likely in sums
        if category in categories and (not subcategories or subcategory in subcategories)
    )


def _is_coarse(query: DealQuery) -> bool:
    """Whether the deals are chosen by nothing but whose they are today, category, status and close date."""
    coarse = replace(
        DealQuery(), node_id=query.node_id, organization=query.organization, close_from=query.close_from,
        close_to=query.close_to, categories=query.categories, statuses=query.statuses,
        subcategory_ids=query.subcategory_ids, order=query.order, worth=query.worth, page=query.page, size=query.size,
        per_category=query.per_category,
    )  # fmt: skip
    return query == coarse and query.node_id != 0 and query.organization in ("THEN", "TODAY")


def _months(query: DealQuery) -> list[PeriodFacts] | None:
    """The fiscal months the close dates make up; every one for any date, None where they begin or end within one."""
    first, end = query.close_from, query.close_to
    months = periods("MONTH")
    if first is None and end is None:
        return months
    if first is None or end is None:
        return None
    within = [month for month in months if month.from_date >= first and month.to_date <= end]
    whole = within and (within[0].from_date, within[-1].to_date) == (first, end)
    return within if whole else None


def _categories(query: DealQuery) -> frozenset[Category]:
    """Those that the filters by category and by status leave."""
    by_status = frozenset[Category]().union(*(_CATEGORIES[status] for status in query.statuses or Status))
    return by_status & frozenset(query.categories or Category)
