"""The company on plain Python: what was acknowledged, in lists and dictionaries, and every figure added up from them."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from opportunities.domain.deal import TRACKED_FIELDS, DealState
from opportunities.domain.splits import Split
from pipeline.domain.cells import Cell
from pipeline.domain.trees import Tree

Parents = Mapping[int, int | None]


@dataclass(frozen=True)
class Known:
    """What is so of a deal since an instant, and the act that said it."""

    since: dt.datetime
    state: DealState
    act: int | None


class Oracle:
    """Histories of deals and shares, reporting lines by day, where products belong, and the months of each calendar."""

    def __init__(
        self,
        lines: Mapping[int, Mapping[dt.date, int | None]],
        territories: Parents,
        families: Parents,
        products: Parents,
        months: Mapping[int, list[tuple[dt.date, dt.date, int]]],
        calendar: int,
    ) -> None:
        self.histories: dict[int, list[Known]] = {}
        self.shares: dict[int, list[tuple[dt.datetime, frozenset[Split]]]] = {}
        self.lines = {person: dict(points) for person, points in lines.items()}
        self.territories, self.families, self.products = territories, families, dict(products)
        self.months, self.calendar = months, calendar

    # --- Deals

    def now(self, deal_id: int) -> DealState:
        """As it stands."""
        return self.histories[deal_id][-1].state

    def live(self) -> dict[int, DealState]:
        """The deals that are not deleted."""
        states = {pk: history[-1].state for pk, history in self.histories.items() if history}
        return {pk: state for pk, state in states.items() if not state.is_deleted}

    def states(self, at: dt.datetime | None) -> list[DealState]:
        """What was so of each deal at an instant; now, without one."""
        if at is None:
            return list(self.live().values())
        known = [[one.state for one in history if one.since <= at] for history in self.histories.values()]
        return [states[-1] for states in known if states and not states[-1].is_deleted]

    def taken_back(self, act: int) -> tuple[dict[int, DealState], set[int]]:
        """What undoing an act makes of its deals, and those it must leave: somebody changed the same since."""
        back, left = {}, set()
        for pk, history in self.histories.items():
            place = next((n for n, one in enumerate(history) if one.act == act), None)
            if place is None:
                continue
            before = history[place - 1].state if place else None
            after, now = history[place].state, history[-1].state
            names = [n for n in TRACKED_FIELDS if before is None or getattr(before, n) != getattr(after, n)]
            if any(getattr(now, name) != getattr(after, name) for name in names):
                left.add(pk)
            elif before is None:
                back[pk] = replace(now, is_deleted=True)
            elif names:
                back[pk] = replace(now, **{name: getattr(before, name) for name in names})
        return back, left

    def shared_at(self, deal_id: int, at: dt.datetime | None) -> frozenset[Split]:
        """Who had which part at an instant; now, without one."""
        known = [splits for since, splits in self.shares.get(deal_id, []) if at is None or since <= at]
        return known[-1] if known else frozenset()

    # --- People

    def manager(self, person: int, day: dt.date) -> int | None:
        """Whom the person reported to on a day."""
        points = self.lines.get(person, {})
        begun = [since for since in points if since <= day]
        return points[max(begun)] if begun else None

    def moved(self, person: int, manager: int | None, day: dt.date) -> bool:
        """From the day on the person reports to the manager, until the next planned change; False: that is a circle."""
        if self.manager(person, day) == manager:
            return True
        former = self.lines.get(person, {})
        self.lines[person] = {**former, day: manager}
        kept: dict[dt.date, int | None] = {}
        for since, chosen in sorted(self.lines[person].items()):
            previous = kept[max(kept)] if kept else None
            if chosen is not None or previous is not None:
                kept[since] = chosen
        self.lines[person] = kept
        days = {since for points in self.lines.values() for since in points}
        if person == manager or any(self._has_circle(since) for since in days):
            self.lines[person] = former
            return False
        return True

    def _has_circle(self, day: dt.date) -> bool:
        for person in self.lines:
            seen, above = {person}, self.manager(person, day)
            while above is not None:
                if above in seen:
                    return True
                seen.add(above)
                above = self.manager(above, day)
        return False

    # --- Figures

    def month(self, day: dt.date | None) -> int:
        """The fiscal month of a day in the company's calendar; 0 for none."""
        months = self.months[self.calendar]
        place = bisect_right(months, (day, dt.date.max, 0)) - 1 if day else -1
        return months[place][2] if place >= 0 and day is not None and day < months[place][1] else 0

    def cells(self, tree: Tree, nodes: Iterable[int], at: dt.datetime | None, today: dt.date) -> list[Cell]:
        """The cells of these nodes, deal by deal."""
        wanted, above = set(nodes), self._above(tree, at.date() if at else today)
        sums: dict[tuple[Any, ...], list[Any]] = defaultdict(lambda: [0, 0, Decimal(0), Decimal(0)])
        for state in self.states(at):
            key = (
                self.month(state.close_date), str(state.category), state.subcategory_id or 0, state.currency_id,
            )  # fmt: skip
            for node in above(state) & wanted:
                cell = sums[(node, *key)]
                cell[0] += 1
                cell[1] += state.amount is None
                cell[2] += state.amount or 0
                cell[3] += (state.amount or Decimal(0)) * (state.probability or Decimal(0)) / 100
        return [Cell(*key, *values) for key, values in sorted(sums.items())]

    def _above(self, tree: Tree, day: dt.date) -> Callable[[DealState], set[int]]:
        if tree is Tree.PEOPLE:
            parents: Parents = {person: self.manager(person, day) for person in self.lines}
            return lambda state: _up(parents, state.owner_id)
        if tree is Tree.TERRITORY:
            return lambda state: _up(self.territories, state.territory_id)
        return lambda state: _up(self.families, self.products.get(state.product_id or 0))


def _up(parents: Parents, node: int | None) -> set[int]:
    found = set()
    while node is not None:
        found.add(node)
        node = parents.get(node)
    return found or {0}
