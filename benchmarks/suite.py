"""The benchmarks of roll-ups and of the past. Each checks its answers before it reports a time."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterator

import numpy as np
from django.db import connection, transaction
from django.utils import timezone

from benchmarks.importing import imports
from benchmarks.live import live_change
from benchmarks.measuring import Result, compare, one, seconds
from benchmarks.pages import pages
from benchmarks.writers import write_overhead, writers_16, writers_16_batch
from opportunities.models import ChangeSet
from organization.domain.scope import Scope
from organization.selectors import (
    company,
    month_periods_of,
    now_date,
    people_tree,
    period_containing,
    subtree_ids,
)
from pipeline import checkpoints, rollups
from pipeline.domain.cells import Cell
from pipeline.domain.trees import Tree
from pipeline.selectors import node_cells
from pipeline.selectors.checkpointed import bases_for

SYSTEM = Scope.system("benchmark")
FAR = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)


def _levels() -> list[tuple[int, int, int]]:
    """For each level of the organisation, its person with the most people below: (level, id, people)."""
    best: dict[int, tuple[int, int]] = {}
    for node in people_tree(SYSTEM):
        size = len(subtree_ids(node.id))
        if size > best.get(node.depth, (0, 0))[1]:
            best[node.depth] = (node.id, size)
    return [(depth + 1, *best[depth]) for depth in sorted(best)]


def _quarter() -> list[int]:
    return [month.id for month in month_periods_of(period_containing("QUARTER", now_date()))]


def rollup_read() -> Iterator[Result]:
    """A node's quarter, beside one primary-key lookup; node plus queue are compared with the deals."""
    rollups.fold()
    assert rollups.differences() == [], "roll-ups differ from the deals"
    some, months = one("SELECT min(id) FROM opportunities_opportunity"), _quarter()
    for level, person, people in _levels():
        yield compare(
            f"rollup_read L{level}",
            f"{people} people, 3 months",
            lambda person=person: node_cells(SYSTEM, tree=Tree.PEOPLE, node_ids=[person], month_ids=months),
            lambda: one("SELECT name FROM opportunities_opportunity WHERE id = %s", [some]),
            called="primary-key lookup",
            target=5.0,
            checked="equal to the deals",
        )


def fold_scaling() -> Iterator[Result]:
    """Folding k waiting changes: time per change, and how it grows with k."""
    total = int(str(one("SELECT count(*) FROM opportunities_opportunity WHERE amount IS NOT NULL")))
    sizes = [k for k in (1000, 5000, 20_000) if k <= total] or [total]
    act = ChangeSet.objects.create(kind=ChangeSet.Kind.SYSTEM, at=timezone.now(), actor_name="benchmark").pk
    times: dict[int, list[float]] = {k: [] for k in sizes}
    for _ in range(5):
        for k in sizes:
            rollups.fold()
            _queue(act, k)
            times[k].append(seconds(lambda: rollups.fold(rows=50_000)))
    assert rollups.differences() == []
    middle = {k: sorted(t)[2] for k, t in times.items()}
    first, last = sizes[0], sizes[-1]
    slope = math.log(middle[last] / middle[first]) / math.log(last / first) if last > first else 1.0
    yield Result(
        "fold_scaling", f"slope of time over changes, {first:,} to {last:,}", middle[last] * 1e3, middle[first] * 1e3,
        "exponent", slope, 1.1, slope, slope, "equal to the deals",
        {f"us_per_change_{k}": round(middle[k] / k * 1e6, 1) for k in sizes},
    )  # fmt: skip


def _queue(act: int, count: int) -> None:
    """So many waiting changes, one row each."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO pipeline_rollupqueue (owner_id, territory_id, family_id, month_id, category, subcategory_id,
                 currency, deals, unpriced, amount, weighted, queued_at)
               SELECT owner_id, territory_id, NULL, 0, category, 0, currency_id, 0, 0, 0, 1, clock_timestamp()
               FROM opportunities_opportunity WHERE amount IS NOT NULL ORDER BY id LIMIT %s""",
            [count],
        )
        cursor.execute(
            """INSERT INTO pipeline_rollupqueue (owner_id, territory_id, family_id, month_id, category, subcategory_id,
                 currency, deals, unpriced, amount, weighted, queued_at)
               SELECT owner_id, territory_id, family_id, month_id, category, subcategory_id, currency, -deals,
                      -unpriced, -amount, -weighted, queued_at FROM pipeline_rollupqueue"""
        )


class _Columns:
    """Every version resident in numpy: the bound on what a computation of the past can take."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                """SELECT extract(epoch FROM valid_from)::float8, extract(epoch FROM valid_to)::float8, owner_id,
                          f.month_id, (amount * 100)::bigint, array_position(
                            ARRAY['WON','COMMIT','UPSIDE','PIPELINE','LOST','OMITTED'], category::text) - 1
                   FROM opportunities_opportunityversion v JOIN organization_fiscalday f
                     ON f.calendar_id = %s AND f.day = v.close_date
                   WHERE v.superseded_at = %s AND NOT v.is_deleted AND v.amount IS NOT NULL
                     AND v.owner_id IS NOT NULL""",
                [company().calendar_id, FAR],
            )
            parts = []
            while rows := cursor.fetchmany(200_000):  # millions of tuples at once would be gigabytes
                parts.append(np.array(rows, dtype=np.float64))
        columns = np.concatenate(parts).T.copy()
        self.first, self.last = columns[0], columns[1]
        self.owner, self.month, self.amount, self.category = columns[2:].astype(np.int64)

    def grid(self, at: float, months: list[int]) -> np.ndarray:
        """Amounts by owner and category at an instant: the whole grid."""
        keep = (self.first <= at) & (self.last > at) & np.isin(self.month, months)
        size = int(self.owner.max()) + 1
        keys = self.owner[keep] * 6 + self.category[keep]
        return np.bincount(keys, weights=self.amount[keep], minlength=size * 6).reshape(size, 6)


FULL_SIZE = 4_000_000
"""Versions from which the bars of the past apply: below, the fixed cost of a statement is all there is to see."""
SOME_PEOPLE = 93
"""A node of the fourth level in the measured organisation of 2,000."""


def _asof(name: str, nodes: list[int], target: float, tree: Tree = Tree.PEOPLE) -> Iterator[Result]:
    """Nodes' quarter at two past instants, beside the whole grid from resident columns; answers compared."""
    checkpoints.refresh(max_seconds=math.inf)
    columns, months = _Columns(), _quarter()
    for days in (10, 45):
        at = timezone.now() - dt.timedelta(days=days)

        def read(at: dt.datetime = at) -> list[Cell]:
            return node_cells(SYSTEM, tree=tree, node_ids=nodes, month_ids=months, at=at)

        grid = columns.grid(at.timestamp(), months)
        people = nodes if tree is Tree.OWN else [p for node in nodes for p in subtree_ids(node, at)]
        members = [person for person in people if person < len(grid)]
        ours = sum(int(cell.amount * 100) for cell in read())
        assert ours == int(grid[members].sum()), f"{name}: {ours} is not {grid[members].sum()}"
        way = "versions"
        if bases_for(SYSTEM, tree, nodes, months, [at]) is not None:
            way = "checkpoint and ledger"
        yield compare(
            f"{name} {days}d",
            f"{days} days ago, {len(people)} people, {len(columns.first):,} versions, from {way}",
            read,
            lambda at=at: columns.grid(at.timestamp(), months),
            called="numpy, whole grid",
            target=target if len(columns.first) >= FULL_SIZE else None,
            checked="equal to numpy",
        )


def asof_root() -> Iterator[Result]:
    """The whole company as of the past."""
    yield from _asof("asof_root", [_levels()[0][1]], 1.5)


def asof_l4() -> Iterator[Result]:
    """A team of about a hundred people as of the past, several nodes together where none is that large."""
    chosen: list[int] = []
    people = 0
    for node in people_tree(SYSTEM):
        size = len(subtree_ids(node.id)) if node.depth in {1, 2, 3} and people < SOME_PEOPLE else 0
        if 0 < size <= SOME_PEOPLE - people and node.parent_id not in chosen:
            chosen.append(node.id)
            people += size
    yield from _asof("asof_l4", chosen, 0.3)


def asof_grid() -> Iterator[Result]:
    """Everybody's own deals as of the past, every person by itself."""
    yield from _asof("asof_grid", [node.id for node in people_tree(SYSTEM)], 30.0, Tree.OWN)


BENCHMARKS: dict[str, Callable[[], Iterator[Result]]] = {
    "rollup_read": rollup_read,
    "write_overhead": write_overhead,
    "fold_scaling": fold_scaling,
    "asof_root": asof_root,
    "asof_l4": asof_l4,
    "asof_grid": asof_grid,
    "writers_16": writers_16,
    "writers_16_batch": writers_16_batch,
    "pages": pages,
    "imports": imports,
    "live_change": live_change,
}
