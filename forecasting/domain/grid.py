"""From roll-up cells and quotas to the rows of the forecast table: sums, derived figures, changes.

Sums stay exact: every cell is multiplied by one rate per (currency, month) and added up without rounding, so a
manager's row equals the sum of the rows under it, and both equal the deals behind them, to the last digit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from functools import cached_property

from forecasting.domain.columns import Column, Unit
from opportunities.domain.deal import Category
from pipeline.domain.aggregates import Aggregate, Measure, Population, Values
from pipeline.domain.cells import Cell
from pipeline.domain.metrics import REGISTRY
from salesops.kernel.money import EXACT, exact_sum

ZERO = Decimal(0)
HUNDRED = Decimal(100)
RATIO_DIGITS = 28
OPEN = (Category.COMMIT, Category.UPSIDE, Category.PIPELINE)
Factor = Callable[[str, int], Decimal]
"""Reporting currency per unit of a currency in the month with this id (0: no month)."""


@dataclass(frozen=True)
class Sums:
    """A node's amounts by category and subcategory, in the reporting currency, with the number of deals."""

    amounts: Mapping[tuple[Category, int], Decimal] = field(default_factory=dict)
    deals: Mapping[tuple[Category, int], int] = field(default_factory=dict)

    def amount(self, categories: Iterable[Category], subcategory_id: int | None = None) -> Decimal:
        """Sum over categories, of one subcategory if given."""
        if subcategory_id is not None:
            found = [self.amounts.get((category, subcategory_id), ZERO) for category in categories]
        else:
            found = [self._whole[category][0] for category in categories if category in self._whole]
        return found[0] if len(found) == 1 else exact_sum(found)

    def count(self, categories: Iterable[Category], subcategory_id: int | None = None) -> int:
        """Number of deals in categories, of one subcategory if given."""
        if subcategory_id is not None:
            return sum(self.deals.get((category, subcategory_id), 0) for category in categories)
        return sum(self._whole[category][1] for category in categories if category in self._whole)

    @cached_property
    def _whole(self) -> Mapping[Category, tuple[Decimal, int]]:
        """Amount and number of each category, its subcategories together: what nearly every figure begins with."""
        found: dict[Category, tuple[Decimal, int]] = {}
        for (category, subcategory), amount in self.amounts.items():
            former, count = found.get(category, (ZERO, 0))
            found[category] = (EXACT.add(former, amount), count + self.deals.get((category, subcategory), 0))
        return found

    @cached_property
    def by_population(self) -> Mapping[Aggregate, Decimal]:
        """The amounts in the words of the registry; every derived figure of the node starts from them."""
        return {aggregate: self.amount((category,)) for aggregate, category in _POPULATIONS}


def sums_by_node(cells: Iterable[Cell], factor: Factor) -> dict[int, Sums]:
    """Each node's sums in the reporting currency."""
    amounts: dict[int, dict[tuple[Category, int], Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    deals: dict[int, dict[tuple[Category, int], int]] = defaultdict(lambda: defaultdict(int))
    with localcontext(EXACT):
        for cell in cells:
            key = (Category(cell.category), cell.subcategory_id)
            amounts[cell.node_id][key] += cell.amount * factor(cell.currency, cell.month_id)
            deals[cell.node_id][key] += cell.deals
    return {node: Sums(dict(amounts[node]), dict(deals[node])) for node in amounts}


def total_of(parts: Iterable[Sums]) -> Sums:
    """The sums of several nodes together."""
    amounts: dict[tuple[Category, int], Decimal] = defaultdict(Decimal)
    deals: dict[tuple[Category, int], int] = defaultdict(int)
    with localcontext(EXACT):
        for part in parts:
            for key, amount in part.amounts.items():
                amounts[key] += amount
            for key, count in part.deals.items():
                deals[key] += count
    return Sums(dict(amounts), dict(deals))


def won_only(sums: Sums) -> Sums:
    """What a reader of won deals may know."""
    return Sums(
        {k: a for k, a in sums.amounts.items() if k[0] == Category.WON},
        {k: n for k, n in sums.deals.items() if k[0] == Category.WON},
    )


def value_of(column: Column, sums: Sums, quota: Decimal | None) -> Decimal | None:
    """The column's figure for a node; None when it has no answer (no quota, nothing left to cover).

    Derived figures are worked out by the registry's own function, so that every screen and export agrees.
    """
    if column.is_deals:
        return sums.amount(column.categories, column.subcategory_id)
    if column.name == "quota":
        return quota
    found = REGISTRY[column.metric].finish(Values(sums.by_population, quota))
    if found is not None and column.unit is Unit.RATIO:
        return EXACT.divide(found, HUNDRED)
    return found


_POPULATIONS = (
    (Aggregate(Population.WON, Measure.AMOUNT), Category.WON),
    (Aggregate(Population.COMMIT, Measure.AMOUNT), Category.COMMIT),
    (Aggregate(Population.UPSIDE, Measure.AMOUNT), Category.UPSIDE),
    (Aggregate(Population.PIPELINE, Measure.AMOUNT), Category.PIPELINE),
)


@dataclass(frozen=True)
class Figure:
    """One figure: its value now, at the instant compared with, and the deals behind it (None when derived)."""

    column: Column
    value: Decimal | None
    before: Decimal | None = None
    deals: int | None = None

    @property
    def change(self) -> Decimal | None:
        """Now minus before; None when either has no answer."""
        if self.value is None or self.before is None:
            return None
        with localcontext(EXACT):
            return self.value - self.before


def figure(
    column: Column,
    now: Sums,
    quota: Decimal | None,
    before: Sums | None = None,
    quota_before: Decimal | None = None,
) -> Figure:
    """A column's figure for one node. The column `change` holds the commit forecast's change as its value."""
    if column.name == "change":
        forecast = (Category.WON, Category.COMMIT)
        if before is None:
            return Figure(column, None)
        with localcontext(EXACT):
            return Figure(column, now.amount(forecast) - before.amount(forecast))
    return Figure(
        column,
        value_of(column, now, quota),
        None if before is None else value_of(column, before, quota_before),
        now.count(column.categories, column.subcategory_id) if column.is_deals else None,
    )


@dataclass(frozen=True)
class QuotaFact:
    """A node's quota in the reporting currency, and beside it what its reports carry together.

    `assigned` is None when the node has no quota of its own, so that `amount` is the reports' sum.
    """

    amount: Decimal | None = None
    assigned: Decimal | None = None
    reports: Decimal | None = None

    @property
    def over_assignment(self) -> Decimal | None:
        """How much more the reports carry than the node was assigned, as a share of the assigned; None if equal."""
        if not self.assigned or self.reports is None or self.reports == self.assigned:
            return None
        with localcontext(prec=RATIO_DIGITS):
            return self.reports / self.assigned - 1


def sum_or_none(values: Iterable[Decimal | None]) -> Decimal | None:
    """Sum of what is known; None when nothing is."""
    known = [value for value in values if value is not None]
    with localcontext(EXACT):
        return sum(known, ZERO) if known else None
