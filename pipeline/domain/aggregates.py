"""What is counted and summed of a group of deals, before any metric is worked out from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from salesops.kernel.money import EXACT


class Population(StrEnum):
    """Which deals of a group are counted. CLOSED is won and lost; OPEN is every undecided deal, omitted or not."""

    ALL = "all"
    WON = "won"
    LOST = "lost"
    CLOSED = "closed"
    OPEN = "open"
    COMMIT = "commit"
    UPSIDE = "upside"
    PIPELINE = "pipeline"
    OMITTED = "omitted"


class Measure(StrEnum):
    """What is taken of each deal of a population."""

    COUNT = "count"
    PRICED = "priced"
    """Deals with a stated amount."""
    UNPRICED = "unpriced"
    """Deals without one."""
    AMOUNT = "amount"
    LIST = "list"
    WEIGHTED = "weighted"
    """Amount x probability / 100."""
    DAYS = "days"
    """Whole days from start to close, of deals that have both dates."""
    TIMED = "timed"
    """Deals that have both dates."""
    MIDDLE_AMOUNT = "middle_amount"
    """The exact median of stated amounts in the reporting currency."""
    MIDDLE_DAYS = "middle_days"
    """The exact median of days."""


MONEY = frozenset({Measure.AMOUNT, Measure.LIST, Measure.WEIGHTED})
"""Measures that are summed in each deal's currency and converted."""
MIDDLES = frozenset({Measure.MIDDLE_AMOUNT, Measure.MIDDLE_DAYS})
"""Measures that cannot be added up over groups."""
Number = Decimal | int


@dataclass(frozen=True, slots=True, order=True)
class Aggregate:
    """One number of a group: a measure over a population, `won_amount` for example."""

    population: Population
    measure: Measure

    def __str__(self) -> str:
        return f"{self.population}_{self.measure}"


@dataclass(frozen=True, slots=True)
class Values:
    """The aggregates of one group, in the reporting currency, and its quota (None: none stated)."""

    numbers: Mapping[Aggregate, Number | None] = field(default_factory=dict)
    quota: Decimal | None = None

    def __call__(self, population: Population, measure: Measure = Measure.COUNT) -> Decimal:
        """A count or sum; 0 of nothing."""
        return Decimal(self.numbers.get(Aggregate(population, measure)) or 0)

    def middle(self, population: Population, measure: Measure) -> Decimal | None:
        """A median; None of nothing."""
        found = self.numbers.get(Aggregate(population, measure))
        return None if found is None else Decimal(found)


def added(parts: Iterable[Mapping[Aggregate, Number | None]]) -> dict[Aggregate, Number | None]:
    """Counts and sums of several groups together, without loss of digits."""
    total: dict[Aggregate, Number | None] = {}
    for part in parts:
        for aggregate, number in part.items():
            total[aggregate] = EXACT.add(Decimal(total.get(aggregate) or 0), Decimal(number or 0))
    return total
