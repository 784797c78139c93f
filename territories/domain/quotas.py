"""What a quota of a node is: assigned to it, or else the sum of its reports'."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import NamedTuple

from salesops.kernel.money import EXACT

ZERO = Decimal(0)


class NodeQuota(NamedTuple):
    """A person's quota for a period, in `currency`, unrounded.

    `assigned` is the person's own number (None: none stated). `from_reports` is the sum of the direct reports' node
    quotas (None: no report has any). What counts for the node is `value`; where both exist, `over_assignment` is
    how much more the reports carry than their manager.
    """

    assigned: Decimal | None
    from_reports: Decimal | None
    currency: str

    @property
    def value(self) -> Decimal | None:
        """The node quota: the assigned number, else the sum of the reports, else None."""
        return self.assigned if self.assigned is not None else self.from_reports

    @property
    def over_assignment(self) -> Decimal | None:
        """Sum of the reports minus the assigned number: positive means the manager holds a cushion."""
        if self.assigned is None or self.from_reports is None:
            return None
        return self.from_reports - self.assigned


Stated = Mapping[int, Mapping[int, Decimal]]
"""Typed numbers by period and person, in one currency."""


def roll_up(
    stated: Stated, parts: Mapping[int, Sequence[int]], managers: Mapping[int, int], currency: str
) -> dict[int, dict[int, NodeQuota]]:
    """Node quotas by period and person, for every period of `parts` (each before which its own parts come).

    A person's number for a period is the one typed for it; else, where a part of the period (a month of the quarter,
    a quarter of the year) has one, the sum of what counts in its parts; else what the direct reports add up to.
    """
    everybody = {person for amounts in stated.values() for person in amounts}
    order = _bottom_up(managers, everybody)
    result: dict[int, dict[int, NodeQuota]] = {}
    with localcontext(EXACT):
        for period, children in parts.items():
            within = [result[child] for child in children if result.get(child)]
            result[period] = _one_period(stated.get(period, {}), within, order, managers, currency)
    return result


def _one_period(
    stated: Mapping[int, Decimal],
    within: Sequence[Mapping[int, NodeQuota]],
    order: Sequence[int],
    managers: Mapping[int, int],
    currency: str,
) -> dict[int, NodeQuota]:
    found: dict[int, NodeQuota] = {}
    carried: dict[int, Decimal] = {}
    """What the reports seen so far add up to, by manager."""
    for person in order:
        assigned = stated.get(person)
        if assigned is None and within:
            parts = [part[person] for part in within if person in part]
            if any(part.assigned is not None for part in parts):
                assigned = sum((part.value or ZERO for part in parts), ZERO)
        from_reports = carried.get(person)
        value = from_reports if assigned is None else assigned
        if value is None:
            continue
        found[person] = NodeQuota(assigned, from_reports, currency)
        manager = managers.get(person)
        if manager is not None:
            carried[manager] = carried.get(manager, ZERO) + value
    return found


def _bottom_up(managers: Mapping[int, int], people: Iterable[int]) -> list[int]:
    """These people and everybody above them, each after all of their reports. (The database refuses cycles.)"""
    waiting: dict[int, int] = {}
    """How many reports of somebody are still to come."""
    seen: set[int] = set()
    for person in people:
        while person not in seen:
            seen.add(person)
            manager = managers.get(person)
            if manager is None:
                break
            waiting[manager] = waiting.get(manager, 0) + 1
            person = manager
    order = [person for person in seen if person not in waiting]
    for person in order:
        manager = managers.get(person)
        if manager is not None:
            waiting[manager] -= 1
            if not waiting[manager]:
                order.append(manager)
    return order


@dataclass(frozen=True)
class QuotaCell:
    """A cell of the grid: `quota_id` is what a save must still find, `derived` the sum shown where none is typed."""

    period_id: int
    period_name: str = ""
    quota_id: int | None = None
    amount: Decimal | None = None
    currency: str = ""
    derived: Decimal | None = None
    from_reports: Decimal | None = None

    @property
    def variance(self) -> Decimal | None:
        """Sum of the reports minus the assigned number, in corporate currency: the sign is who holds the cushion."""
        if self.from_reports is None or self.derived is None:
            return None
        return self.from_reports - self.derived


@dataclass(frozen=True)
class QuotaRow:
    """A person's line of the grid. `total` is the year, in corporate currency; the cells are in the typed currency."""

    person_id: int
    name: str
    title: str
    parent_id: int | None
    depth: int
    is_leaf: bool
    is_active: bool
    currency: str
    cells: tuple[QuotaCell, ...]
    total: NodeQuota | None = None


@dataclass(frozen=True)
class GridColumn:
    """A period of the grid."""

    id: int
    name: str
    from_date: dt.date
    to_date: dt.date


@dataclass(frozen=True)
class QuotaTable:
    """The grid: people × periods of a fiscal year. Footer sums are over the tops, in corporate currency.

    Who leaves keeps the last manager; what is stated for them counts up to the period in which they left.
    `people` counts everybody concerned, also where only some rows were asked for;
    `people_without` those who sell (have no reports) and have no quota in the year.
    """

    year_name: str
    grain: str
    currency: str
    columns: tuple[GridColumn, ...]
    rows: tuple[QuotaRow, ...]
    footer: tuple[Decimal | None, ...] = ()
    footer_total: Decimal | None = None
    people: int = 0
    people_without: int = 0


@dataclass(frozen=True)
class QuotaChange:
    """A wanted number; `amount` None takes the quota away. `expected_id` is the row the editor saw (None: none)."""

    person_id: int
    period_id: int
    amount: Decimal | None
    currency: str
    expected_id: int | None = None
    is_checked: bool = False


@dataclass(frozen=True)
class QuotaEvent:
    """One row of a cell's history."""

    amount: Decimal | None
    currency: str
    recorded_at: dt.datetime
    superseded_at: dt.datetime | None
    actor_name: str
    source: str


@dataclass(frozen=True)
class CellConflict:
    """A cell somebody else changed meanwhile."""

    person_id: int
    period_id: int
    label: str
    theirs: Decimal | None
    yours: Decimal | None


@dataclass(frozen=True)
class QuotasSet:
    """What a save did; `token` undoes it."""

    changed: int
    token: str = ""
    conflicts: tuple[CellConflict, ...] = field(default=())
