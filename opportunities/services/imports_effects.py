"""Noting what an import does to look-up records: the columns before and after, so that undoing puts back exactly
what it changed, and only where nobody has changed it since. Set-wise, whatever the number of records."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

_CREATED = """
INSERT INTO opportunities_importeffect (batch_id, kind, object_id, action, before, after)
SELECT %(batch)s, %(kind)s, t.id, 'CREATED', '{{}}', to_jsonb(t) - 'id' FROM {table} t WHERE t.id = ANY(%(ids)s)
"""
_BEFORE = """
INSERT INTO opportunities_importeffect (batch_id, kind, object_id, action, before, after)
SELECT %(batch)s, %(kind)s, t.id, 'UPDATED',
       (SELECT jsonb_object_agg(x.name, to_jsonb(t) -> x.name) FROM jsonb_array_elements_text(n.names) AS x(name)),
       '{{}}'
FROM unnest(%(ids)s::bigint[], %(names)s::jsonb[]) AS n(id, names) JOIN {table} t ON t.id = n.id
"""
_AFTER = """
UPDATE opportunities_importeffect e
SET after = (SELECT jsonb_object_agg(x.name, to_jsonb(t) -> x.name) FROM jsonb_object_keys(e.before) AS x(name))
FROM {table} t
WHERE e.batch_id = %(batch)s AND e.kind = %(kind)s AND e.action = 'UPDATED' AND t.id = e.object_id
  AND t.id = ANY(%(ids)s)
"""
_PARENTS = """
UPDATE {table} t SET parent_id = n.parent FROM unnest(%s::bigint[], %s::bigint[]) AS n(id, parent) WHERE t.id = n.id
"""
_LINES = """
SELECT coalesce(jsonb_agg(jsonb_build_array(l.manager_id, l.from_date, l.to_date) ORDER BY l.from_date), '[]')
FROM organization_reportingline l WHERE l.person_id = n.id
"""
_LINES_BEFORE = f"""
INSERT INTO opportunities_importeffect (batch_id, kind, object_id, action, before, after)
SELECT %(batch)s, 'REPORTING_LINE', n.id, 'UPDATED', jsonb_build_object('lines', ({_LINES})), '{{}}'
FROM unnest(%(ids)s::bigint[]) AS n(id)
"""  # noqa: S608
_LINES_AFTER = f"""
UPDATE opportunities_importeffect e SET after = jsonb_build_object('lines', ({_LINES}))
FROM unnest(%(ids)s::bigint[]) AS n(id)
WHERE e.batch_id = %(batch)s AND e.kind = 'REPORTING_LINE' AND e.object_id = n.id
"""  # noqa: S608


def note_created(*, batch_id: int, kind: str, rows: Sequence[Any]) -> None:
    """Records as the import leaves them: call when all their columns are written."""
    if rows:
        values = {"batch": batch_id, "kind": kind, "ids": [row.pk for row in rows]}
        _run(_CREATED.format(table=rows[0]._meta.db_table), values)


def change_records(*, batch_id: int, kind: str, model: Any, changes: Mapping[int, Mapping[str, Any]]) -> None:
    """Change columns (by attribute name, per record), noting what they held and what they hold then."""
    changes = {pk: change for pk, change in changes.items() if change}
    if not changes:
        return
    table = model._meta.db_table
    values = {
        "batch": batch_id, "kind": kind, "ids": list(changes),
        "names": [json.dumps(sorted(change)) for change in changes.values()],
    }  # fmt: skip
    rows = list(model.objects.select_for_update().filter(pk__in=changes).order_by("pk"))
    _run(_BEFORE.format(table=table), values)
    for row in rows:
        for name, value in changes[row.pk].items():
            setattr(row, name, value)
    columns = sorted({name for change in changes.values() for name in change})
    model.objects.bulk_update(rows, columns, batch_size=1000)
    _run(_AFTER.format(table=table), values)


def set_parents(model: Any, parents: Mapping[int, int | None]) -> None:
    """Hang records under their parents, all at once."""
    if parents:
        with connection.cursor() as cursor:
            cursor.execute(
                _PARENTS.format(table=model._meta.db_table), [list(parents), list(parents.values())]
            )


def note_reporting_lines(*, batch_id: int, people: Sequence[int], are_written: bool) -> None:
    """All reporting lines of the people, before the import's own are written and, again, after."""
    _run(_LINES_AFTER if are_written else _LINES_BEFORE, {"batch": batch_id, "ids": list(people)})


def _run(statement: str, values: Mapping[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
