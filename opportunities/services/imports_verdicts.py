"""Which staged rows are new, changed, the same, repeated or absent: by joins of the whole staging table."""

from __future__ import annotations

from django.db import connection

from opportunities.domain.import_plan import Plan
from opportunities.models import ImportRow
from opportunities.services.imports_look_alikes import report_look_alikes
from opportunities.services.imports_prepare import Prepared
from opportunities.services.imports_preview import settle_changes
from salesops.kernel.said import Said
from salesops.kernel.tabular import Problem, Severity

_WITH_HISTORY = """
UPDATE opportunities_importrow d SET hash = hashtextextended(d.hash::text || ':' || h.digests, 0)
FROM (SELECT key, string_agg(hash::text, ',' ORDER BY hash) AS digests FROM opportunities_importrow
      WHERE batch_id = %(batch)s AND role = 'H' GROUP BY key) h
WHERE d.batch_id = %(batch)s AND d.role = 'D' AND d.key = h.key
"""
_REPEATED = """
WITH repeated AS (
  SELECT key, min(hash) <> max(hash) AS differs, min(file * 10000000::bigint + line) AS first
  FROM opportunities_importrow WHERE batch_id = %(batch)s AND role = 'D' GROUP BY key HAVING count(*) > 1)
UPDATE opportunities_importrow d SET verdict = CASE WHEN r.differs THEN 'R' WHEN d.file * 10000000::bigint +
d.line <> r.first THEN 'A' ELSE d.verdict END FROM repeated r WHERE d.batch_id = %(batch)s AND d.role = 'D'
AND d.key = r.key
"""
_VERDICT = """
UPDATE opportunities_importrow d
SET verdict = CASE WHEN o.id IS NULL AND (d.payload #>> '{state,is_deleted}') = 'true' THEN 'A'
                   WHEN o.id IS NULL OR (o.is_deleted AND o.content_hash IS NULL) THEN 'N'
                   ELSE 'U' END
FROM opportunities_importrow x LEFT JOIN opportunities_opportunity o ON o.source = %(source)s AND
o.external_id = x.key WHERE x.id = d.id AND x.batch_id = %(batch)s AND x.role = 'D' AND x.verdict = '?'
  AND (o.content_hash IS DISTINCT FROM x.hash OR o.is_deleted AND o.content_hash IS NULL)
"""
_COUNTS = """
SELECT CASE WHEN verdict IN ('?', 'K') THEN 'S' ELSE verdict END,
       sum(coalesce((payload->>'rows')::int, 1)), count(*) FROM opportunities_importrow
WHERE batch_id = %(batch)s AND role = 'D' GROUP BY 1
"""
_REPEATS = """
SELECT count(*), coalesce(sum(coalesce((payload->>'rows')::int, 1)), 0) FROM opportunities_importrow
WHERE batch_id = %(batch)s AND role = 'D' AND verdict = 'A'
"""
_ABSENT = """
SELECT count(*) FROM opportunities_opportunity o WHERE o.source = %(source)s AND o.status = 'OPEN' AND NOT
o.is_deleted
  AND NOT EXISTS (SELECT 1 FROM opportunities_importrow d WHERE d.batch_id = %(batch)s AND d.role = 'D'
    AND d.key = o.external_id)
  AND EXISTS (SELECT 1 FROM opportunities_importrow d WHERE d.batch_id = %(batch)s AND d.role = 'D')
"""


def classify(prepared: Prepared, plan: Plan) -> None:
    """Give every staged deal its verdict; counts and problems go to `plan`."""
    values: dict[str, str | int] = {"batch": prepared.batch.pk, "source": prepared.mapping.source}
    with connection.cursor() as cursor:
        # Right after a first import the statistics still say "empty", and a nested loop would be quadratic.
        cursor.execute("SET LOCAL enable_nestloop = off")
        if plan.history_rows:
            cursor.execute(_WITH_HISTORY, values)
        cursor.execute(_REPEATED, values)
        repeated, plan.repeats, named = _repeats(prepared)
        cursor.execute(_VERDICT, values)
        cursor.execute("SET LOCAL enable_nestloop = on")
        plan.largest_changes = settle_changes(prepared)
        cursor.execute("SET LOCAL enable_nestloop = off")
        cursor.execute(_COUNTS, values)
        found = cursor.fetchall()
        counts = {verdict: int(count) for verdict, count, _ in found}
        deals = {verdict: count for verdict, _, count in found}
        if deals != counts:
            words = {"N": "created", "U": "updated", "S": "unchanged", "R": "rejected", "A": "set_aside"}
            plan.deals = {words[verdict]: count for verdict, count in deals.items()}
        plan.absent_open = absent_open(prepared.batch.pk, prepared.mapping.source)
        cursor.execute("SET LOCAL enable_nestloop = on")
    plan.created, plan.updated, plan.unchanged = counts.get("N", 0), counts.get("U", 0), counts.get("S", 0)
    plan.rejected += counts.get("R", 0)
    plan.set_aside += counts.get("A", 0)
    if counts.get("R"):
        _report_differing(prepared)
    report_look_alikes(prepared)
    _report_repeats(prepared, repeated, named)


def absent_open(batch_id: int, source: str) -> int:
    """How many open deals of the source the staged rows do not name; none where no deals are staged at all."""
    with connection.cursor() as cursor:
        cursor.execute(_ABSENT, {"batch": batch_id, "source": source})
        return int(cursor.fetchone()[0])


Named = tuple[int, int, str]
"""File, line and key of a row."""


def _repeats(prepared: Prepared) -> tuple[int, int, list[Named]]:
    """Rows that say word for word what another one says: how many, in how many lines, those there is room to name."""
    with connection.cursor() as cursor:
        cursor.execute(_REPEATS, {"batch": prepared.batch.pk})
        rows, lines = cursor.fetchone()
    found = ImportRow.objects.filter(batch_id=prepared.batch.pk, role="D", verdict="A")
    named = found.order_by("file", "line").values_list("file", "line", "key")[: prepared.gather.room]
    return int(rows), int(lines), list(named)


def _report_repeats(prepared: Prepared, rows: int, named: list[Named]) -> None:
    """After everything a person must mend: notes must not take the room of errors."""
    names, gather = list(prepared.tables), prepared.gather
    told = named[: gather.room]
    for file, line, key in told:
        message = Said("is an exact repeat of another row; the deal is taken once")
        cure = Said("Nothing needs to be done.")
        gather.add(Problem(names[file], line, "", key, message, cure, "REPEATED_ROW", Severity.NOTE))
    if rows > len(told):
        gather.count("REPEATED_ROW", rows - len(told))


def _report_differing(prepared: Prepared) -> None:
    names = list(prepared.tables)
    rows = ImportRow.objects.filter(batch_id=prepared.batch.pk, role="D", verdict="R").values_list(
        "file", "line", "key"
    )
    for file, line, key in rows.order_by("key", "line")[: prepared.gather.limit]:
        message = Said("appears more than once with different content; no row of it is taken")
        cure = Said("Keep one row per deal in the export.")
        prepared.gather.add(Problem(names[file], line, "", key, message, cure, "DUPLICATE"))
