"""The closures of today's trees, brought up to date by their difference only: missing pairs in, extra pairs out.

Set-wise, because triggers of the roll-ups shift sums by exactly the pairs that change.
"""

from __future__ import annotations

import datetime as dt

from django.db import connection

from organization.selectors.company import is_set_up, now_date
from organization.services.trail import PEOPLE_LOCK, TERRITORY_LOCK, lock
from salesops.wall.context import saving

_PEOPLE = """
WITH RECURSIVE edge(parent, child) AS (
  SELECT manager_id, person_id FROM organization_reportingline WHERE from_date <= %(day)s AND to_date > %(day)s
), wanted(a, d, depth) AS (
  SELECT id, id, 0 FROM organization_person
  UNION ALL
  SELECT w.a, e.child, w.depth + 1 FROM wanted w JOIN edge e ON e.parent = w.d
)
"""
_TERRITORIES = """
WITH RECURSIVE edge(parent, child) AS (
  SELECT parent_id, id FROM organization_territory WHERE parent_id IS NOT NULL
), wanted(a, d, depth) AS (
  SELECT id, id, 0 FROM organization_territory
  UNION ALL
  SELECT w.a, e.child, w.depth + 1 FROM wanted w JOIN edge e ON e.parent = w.d
)
"""
_STEPS = (
    "DELETE FROM {table} c WHERE NOT EXISTS "
    "(SELECT 1 FROM wanted w WHERE w.a = c.ancestor_id AND w.d = c.descendant_id)",
    "INSERT INTO {table} (ancestor_id, descendant_id, depth) SELECT w.a, w.d, w.depth FROM wanted w "
    "WHERE NOT EXISTS (SELECT 1 FROM {table} c WHERE c.ancestor_id = w.a AND c.descendant_id = w.d)",
    "UPDATE {table} c SET depth = w.depth FROM wanted w "
    "WHERE w.a = c.ancestor_id AND w.d = c.descendant_id AND w.depth <> c.depth",
)


def _bring_up_to_date(wanted: str, table: str, parameters: dict[str, dt.date]) -> int:
    changed = 0
    with connection.cursor() as cursor:
        for step in _STEPS:
            cursor.execute(wanted + step.format(table=table), parameters)
            changed += cursor.rowcount
    return changed


def hold_hierarchies() -> None:
    """Take the locks of both trees until the transaction ends. Before anything that changes closures and more: the
    roll-ups' lock comes with the first pair changed, and whoever took it first would wait for a rebuild that waits.
    """
    lock(PEOPLE_LOCK)
    lock(TERRITORY_LOCK)


@saving()
def rebuild_person_closure(*, today: dt.date | None = None) -> int:
    """Make the closure that of the reporting lines in force today; returns how many pairs changed."""
    lock(PEOPLE_LOCK)
    day = today or (now_date() if is_set_up() else dt.datetime.now(dt.UTC).date())
    return _bring_up_to_date(_PEOPLE, "organization_personclosure", {"day": day})


@saving()
def rebuild_territory_closure() -> int:
    """Make the closure that of the territories' parents; returns how many pairs changed."""
    lock(TERRITORY_LOCK)
    return _bring_up_to_date(_TERRITORIES, "organization_territoryclosure", {})
