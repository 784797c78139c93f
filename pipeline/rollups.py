"""Keeping the roll-ups: folding the queue into the nodes, rebuilding them, and comparing them with the deals.

The sums themselves are SQL functions (migration `rollup_functions`), each one statement, so that no reader
ever sees a change twice or not at all. Nothing here is needed for exactness: a reader always adds the queue.
It keeps reads short.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import connection, transaction
from django.utils import timezone

from pipeline.models import RollupState

log = structlog.get_logger(__name__)
FOLD_ROWS = 20_000
"""Changes folded by one transaction: more would hold the nodes' lock for too long."""
SHOWN_DIFFERENCES = 50


@dataclass(frozen=True, slots=True)
class Difference:
    """A roll-up cell that is not the sum of its deals. `what` is the sum that differs."""

    tree: int
    node_id: int
    month_id: int
    category: str
    subcategory_id: int
    currency: str
    what: str
    stored: Any
    true: Any

    def __str__(self) -> str:
        where = f"tree {self.tree}, node {self.node_id}, month {self.month_id}, {self.category}/{self.subcategory_id}"
        return f"{where}, {self.currency}: {self.what} is {self.stored}, the deals say {self.true}"


def fold(*, max_seconds: float = 20.0, rows: int = FOLD_ROWS) -> int:
    """Apply waiting changes to the nodes until none is left; returns how many were applied.

    One at a time by an advisory lock: when somebody else folds, rebuilds or changes a tree, it returns 0 at
    once. A crash loses nothing, because taking from the queue and applying is one statement.
    """
    total = 0
    end = timezone.now() + dt.timedelta(seconds=max_seconds)
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT rollup_fold(%s)", [rows])
            folded: int = cursor.fetchone()[0]
        total += max(folded, 0)
        if folded < rows or timezone.now() > end:
            break
    if folded >= 0:
        _stamp(folded_at=timezone.now(), only_if_older=dt.timedelta(0) if total else dt.timedelta(seconds=10))
    return total


@transaction.atomic
def rebuild() -> int:
    """Sum all deals anew and drop the queue, in one snapshot; returns how many cells had been missing or
    other.

    Safe while writers are busy: their changes commit either before the snapshot, deal and queue row, or after
    it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT rollup_rebuild()")
        changed: int = cursor.fetchone()[0]
    now = timezone.now()
    _stamp(rebuilt_at=now, folded_at=now)
    return changed


def differences(limit: int = SHOWN_DIFFERENCES) -> list[Difference]:
    """Cells whose nodes plus queue are not the sum of their deals, in one snapshot; empty when all is well."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM rollup_differences() LIMIT %s", [limit])
        rows = cursor.fetchall()
    found = []
    for row in rows:
        for index, what in enumerate(("deals", "unpriced", "amount", "weighted")):
            stored, true = row[6 + 2 * index], row[7 + 2 * index]
            if stored != true:
                where: tuple[int, int, int, str, int, str] = row[:6]
                found.append(Difference(*where, what=what, stored=stored, true=true))
    return found


def reconcile(*, repair: bool = False) -> list[Difference]:
    """Compare every node of every tree with the deals and write the outcome down; with `repair`, rebuild if
    needed.
    """
    found = differences()
    if found and repair:
        rebuild()
    prune()
    note_comparison(len(found), str(found[0]) if found else "")
    return found


def note_comparison(count: int, first: str) -> None:
    """Write down that roll-ups were compared with the deals just now and how many cells differed; say it if any did."""
    _stamp(reconciled_at=timezone.now(), differences=count)
    if count:
        log.error("rollups_differ", differences=count, first=first)


def note_verification(broken: Sequence[str], first: str) -> None:
    """Write down that all invariants were checked just now and which did not hold; say it if any did not."""
    _stamp(verified_at=timezone.now(), broken=" ".join(broken))
    if broken:
        log.error("verify_broken", invariants=list(broken), first=first)


def prune() -> int:
    """Drop cells that have become nothing; returns how many. Left alone when somebody is folding."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(7201, 1)")
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(
            "DELETE FROM pipeline_rollupnode WHERE deals = 0 AND unpriced = 0 AND amount = 0 AND weighted = 0"
        )
        return cursor.rowcount


def _stamp(*, only_if_older: dt.timedelta = dt.timedelta(0), **values: Any) -> None:
    """Write into the one state row, but not more often than asked: a row updated each second is a row to
    vacuum.
    """
    rows = RollupState.objects.filter(id=1)
    if only_if_older:
        rows = rows.exclude(folded_at__gt=timezone.now() - only_if_older)
    if not rows.update(**values) and not only_if_older:
        RollupState.objects.update_or_create(id=1, defaults=values)
