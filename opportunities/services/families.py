"""The closure of the product tree."""

from __future__ import annotations

from django.db import connection

from salesops.wall.context import saving

_WANTED = """
WITH RECURSIVE wanted(a, d, depth) AS (
  SELECT id, id, 0 FROM opportunities_productfamily
  UNION ALL
  SELECT w.a, f.id, w.depth + 1 FROM wanted w JOIN opportunities_productfamily f ON f.parent_id = w.d
) CYCLE d SET is_cycle USING path
"""
_STEPS = (
    "DELETE FROM opportunities_productfamilyclosure c WHERE NOT EXISTS "
    "(SELECT 1 FROM wanted w WHERE w.a = c.ancestor_id AND w.d = c.descendant_id AND NOT w.is_cycle)",
    "INSERT INTO opportunities_productfamilyclosure (ancestor_id, descendant_id, depth) "
    "SELECT w.a, w.d, w.depth FROM wanted w WHERE NOT w.is_cycle AND NOT EXISTS "
    "(SELECT 1 FROM opportunities_productfamilyclosure c WHERE c.ancestor_id = w.a AND c.descendant_id = w.d)",
    "UPDATE opportunities_productfamilyclosure c SET depth = w.depth FROM wanted w "
    "WHERE w.a = c.ancestor_id AND w.d = c.descendant_id AND NOT w.is_cycle AND w.depth <> c.depth",
)


def hold_families() -> None:
    """Take the lock of the tree until the transaction ends: before anything that changes its closure and more."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('opportunities.family_closure', 0))")


@saving()
def rebuild_family_closure() -> int:
    """Make the closure that of the families' parents; returns how many pairs changed.

    Written as a difference, set-wise, because triggers of the roll-ups shift sums by exactly the pairs that change.
    """
    changed = 0
    hold_families()
    with connection.cursor() as cursor:
        for step in _STEPS:
            cursor.execute(_WANTED + step)
            changed += cursor.rowcount
    return changed
