"""Taking away records an import created: deleted when nothing names them, put out of sight while superseded history
does, left when something that stays names them."""

from __future__ import annotations

from typing import Any

from django.db import connection

from organization.domain.sources import UNDONE

_CLOSURES = {
    "opportunities_productfamily": ("opportunities_productfamilyclosure",),
    "organization_person": ("organization_personclosure",),
    "organization_territory": ("organization_territoryclosure",),
}
_IN_SIGHT = f"source NOT LIKE '{UNDONE}%%'"
_LIVE = {
    "opportunities_opportunity": "true",
    "opportunities_opportunityline": "true",
    "opportunities_opportunitysplit": "true",
    "organization_reportingline": "true",
    "organization_territorymembership": "true",
    "opportunities_stage": "is_active",
    "opportunities_salesprocess": _IN_SIGHT,
    "opportunities_account": _IN_SIGHT,
    "opportunities_product": _IN_SIGHT,
    "opportunities_productfamily": _IN_SIGHT,
    "organization_person": _IN_SIGHT,
    "organization_territory": _IN_SIGHT,
}
"""What refers to a record as of now, and which of its rows count: not those put out of sight themselves."""


def staying(model: Any, ids: set[int], changed: set[int]) -> set[int]:
    """Which of the records stay: those `changed` since, and those something that stays names."""
    going = ids - changed
    while going and (used := _named(model, going, only_live=True)):
        going -= used
    return ids - going


def take_away(model: Any, ids: set[int], *, hide_as: str) -> None:
    """Delete what nothing names any more; what superseded history names is put out of sight and found no more."""
    if ids:
        free = ids - _named(model, ids)
        _delete(model, sorted(free))
        _hide(model, ids - free, hide_as)


def _delete(model: Any, ids: list[int]) -> None:
    if not ids:
        return
    fields = {field.name for field in model._meta.get_fields()}
    if "parent" in fields:
        model.objects.filter(parent_id__in=ids).update(parent=None)
    table = model._meta.db_table
    with connection.cursor() as cursor:
        for closure in _CLOSURES.get(table, ()):
            cursor.execute(
                f"DELETE FROM {closure} WHERE ancestor_id = ANY(%s) OR descendant_id = ANY(%s)",  # noqa: S608
                [ids, ids],
            )
        cursor.execute(f"DELETE FROM {table} WHERE id = ANY(%s)", [ids])  # noqa: S608


def _hide(model: Any, ids: set[int], hide_as: str) -> None:
    hidden: dict[str, Any] = {}
    fields = {field.name for field in model._meta.get_fields()}
    if "is_active" in fields:
        hidden["is_active"] = False
    if "source" in fields:
        hidden["source"] = hide_as
    model.objects.filter(pk__in=ids).update(**hidden)


def _named(model: Any, ids: set[int], *, only_live: bool = False) -> set[int]:
    """Which of the records another row refers to, by any foreign key but the closures'. Live: only what stays
    in sight counts; neither those records themselves nor whom they report to."""
    found: set[int] = set()
    table, wanted = model._meta.db_table, list(ids)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.conrelid::regclass::text, a.attname FROM pg_constraint c "
            "JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] "
            "WHERE c.contype = 'f' AND c.confrelid = %s::regclass",
            [table],
        )
        for other, column in cursor.fetchall():
            if "closure" in other or (only_live and other not in _LIVE) or (other == table and not only_live):
                continue
            where = f"{column} = ANY(%s)"
            values: list[Any] = [wanted]
            if only_live:
                where += f" AND {_LIVE[other]}"
            if other in (table, "organization_reportingline") and only_live:
                where += f" AND {'id' if other == table else 'person_id'} <> ALL(%s)"
                values.append(wanted)
            cursor.execute(f"SELECT DISTINCT {column} FROM {other} WHERE {where}", values)  # noqa: S608
            found.update(row[0] for row in cursor.fetchall())
    return found
