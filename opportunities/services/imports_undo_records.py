"""Undoing what an import did to look-up records (accounts, products, people …), wherever they still are what the
import left. What somebody changed since stays, with all it names, and is told by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, connection

from opportunities.models import Account, ImportEffect, Product, ProductFamily, SalesProcess, Stage
from opportunities.services.families import rebuild_family_closure
from opportunities.services.imports_undo_drop import staying, take_away
from organization.domain.sources import UNDONE
from organization.models import Person, Territory, TerritoryMembership
from organization.services import rebuild_person_closure, rebuild_territory_closure
from salesops.wall.context import saving

# Who refers to others comes before them.
_KINDS: dict[str, Any] = {
    "MEMBERSHIP": TerritoryMembership,
    "STAGE": Stage,
    "PROCESS": SalesProcess,
    "ACCOUNT": Account,
    "PRODUCT": Product,
    "FAMILY": ProductFamily,
    "PERSON": Person,
    "TERRITORY": Territory,
}


@dataclass(frozen=True)
class Kept:
    """Something undoing left as it is."""

    kind: str
    id: int
    name: str
    reason: str
    """CHANGED: somebody changed it since. IN_USE: something else that stays names it. GONE: what it named before
    is no longer there."""


_DIFFERS = """
SELECT e.object_id FROM opportunities_importeffect e JOIN {table} t ON t.id = e.object_id
WHERE e.batch_id = %s AND e.kind = %s AND EXISTS (
  SELECT 1 FROM jsonb_each(e.after) a
  WHERE to_jsonb(t) ? a.key AND to_jsonb(t) -> a.key IS DISTINCT FROM a.value)
"""
_LINES_DIFFER = """
SELECT e.object_id FROM opportunities_importeffect e
WHERE e.batch_id = %s AND e.kind = 'REPORTING_LINE' AND e.after ? 'lines' AND e.after -> 'lines' IS DISTINCT FROM (
  SELECT coalesce(jsonb_agg(jsonb_build_array(l.manager_id, l.from_date, l.to_date) ORDER BY l.from_date), '[]')
  FROM organization_reportingline l WHERE l.person_id = e.object_id)
"""
_PUT_BACK = """
UPDATE {table} t SET {columns}
FROM opportunities_importeffect e JOIN {table} s ON s.id = e.object_id
CROSS JOIN LATERAL jsonb_populate_record(s, e.before) r
WHERE t.id = s.id AND e.batch_id = %s AND e.kind = %s AND e.action = 'UPDATED' AND t.id = ANY(%s)
"""
_FORGET_LINES = "DELETE FROM organization_reportingline WHERE person_id = ANY(%s)"
_PUT_LINES_BACK = """
INSERT INTO organization_reportingline (person_id, manager_id, from_date, to_date, recorded_at)
SELECT e.object_id, (l.line ->> 0)::bigint, (l.line ->> 1)::date, (l.line ->> 2)::date, now()
FROM opportunities_importeffect e CROSS JOIN LATERAL jsonb_array_elements(e.before -> 'lines') AS l(line)
WHERE e.batch_id = %s AND e.kind = 'REPORTING_LINE' AND e.object_id = ANY(%s)
"""


def undo_records(batch_id: int) -> tuple[int, list[Kept]]:
    """Put back and take away; returns how many records, and those left as they are."""
    count, kept = 0, []
    for kind, model in _KINDS.items():
        effects = ImportEffect.objects.filter(batch_id=batch_id, kind=kind)
        created = set(effects.filter(action="CREATED").values_list("object_id", flat=True))
        updated = set(effects.filter(action="UPDATED").values_list("object_id", flat=True))
        _hold(model, created | updated)
        reasons = dict.fromkeys(_ids(_DIFFERS.format(table=model._meta.db_table), batch_id, kind), "CHANGED")
        lines = _line_effects(batch_id) if model is Person else set()
        if lines:
            updated |= lines - created
            reasons |= dict.fromkeys(_ids(_LINES_DIFFER, batch_id), "CHANGED")
            reasons |= dict.fromkeys(_undo_lines(batch_id, lines - created - set(reasons)), "GONE")
        reasons |= dict.fromkeys(_gone(model, batch_id, kind, updated - set(reasons)), "GONE")
        reasons |= dict.fromkeys(_put_back(model, batch_id, kind, updated - set(reasons)), "GONE")
        stay = staying(model, created, created & set(reasons))
        reasons |= dict.fromkeys(stay - set(reasons), "IN_USE")
        _undo_lines(batch_id, lines & created - stay)
        take_away(model, created - stay, hide_as=f"{UNDONE}{batch_id}")
        count += len((created | updated) - set(reasons))
        kept += _named(model, kind, reasons)
    rebuild_person_closure()
    rebuild_territory_closure()
    rebuild_family_closure()
    return count, kept


def _hold(model: Any, ids: set[int]) -> None:
    """Whoever is changing them ends first, and nobody else begins, before it is looked at what they are. Deals may name
    them all the while."""
    list(model.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True).values_list("pk"))


def _ids(statement: str, *values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [row[0] for row in cursor.fetchall()]


def _named(model: Any, kind: str, reasons: dict[int, str]) -> list[Kept]:
    rows = sorted((str(row), row.pk) for row in model.objects.filter(pk__in=reasons))
    return [Kept(kind, pk, name, reasons[pk]) for name, pk in rows]


def _line_effects(batch_id: int) -> set[int]:
    """People whose reporting lines the import noted; those of imports of an older release lie open and stay."""
    effects = ImportEffect.objects.filter(batch_id=batch_id, kind="REPORTING_LINE", before__has_key="lines")
    return set(effects.values_list("object_id", flat=True))


def _gone(model: Any, batch_id: int, kind: str, ids: set[int]) -> set[int]:
    """Which records named something, before the import, that is no longer there."""
    found: set[int] = set()
    for field in model._meta.concrete_fields:
        if field.is_relation and ids:
            target = field.target_field
            statement = (
                "SELECT e.object_id FROM opportunities_importeffect e WHERE e.batch_id = %s AND e.kind = %s "  # noqa: S608
                f"AND e.object_id = ANY(%s) AND e.before ->> '{field.column}' IS NOT NULL AND NOT EXISTS ("
                f"SELECT 1 FROM {target.model._meta.db_table} x "
                f"WHERE x.{target.column}::text = e.before ->> '{field.column}')"
            )
            found.update(_ids(statement, batch_id, kind, sorted(ids)))
    return found


def _put_back(model: Any, batch_id: int, kind: str, ids: set[int]) -> set[int]:
    """The columns the import changed get their values back, all at once; returns those the database refuses."""
    names = set(_ids("SELECT DISTINCT jsonb_object_keys(before) FROM opportunities_importeffect WHERE batch_id = %s "
                     "AND kind = %s AND action = 'UPDATED'", batch_id, kind))  # fmt: skip
    columns = [field.column for field in model._meta.concrete_fields if field.column in names]
    if not ids or not columns:
        return set()
    assignments = ", ".join(f"{column} = r.{column}" for column in columns)
    statement = _PUT_BACK.format(table=model._meta.db_table, columns=assignments)
    return _all_or_each(ids, lambda some: _execute((statement, [batch_id, kind, some])))


def _undo_lines(batch_id: int, people: set[int]) -> set[int]:
    """The people report to whom they reported before; returns those for whom the database refuses it."""
    return _all_or_each(
        people, lambda some: _execute((_FORGET_LINES, [some]), (_PUT_LINES_BACK, [batch_id, some]))
    )


def _execute(*statements: tuple[str, list[Any]]) -> None:
    with connection.cursor() as cursor:
        for statement, values in statements:
            cursor.execute(statement, values)


def _all_or_each(ids: set[int], act: Callable[[list[int]], None]) -> set[int]:
    """Act on all at once; when somebody's change since stands against that (a circle in a tree), one by one, so that
    only those concerned are left."""
    if not ids:
        return set()
    try:
        with saving():
            act(sorted(ids))
    except IntegrityError:
        if len(ids) == 1:
            return ids
        return {pk for one in sorted(ids) for pk in _all_or_each({one}, act)}
    return set()
