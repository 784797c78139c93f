"""Deals whose identity looks like that of another deal, of the files or known: found by the database, in one join."""

from __future__ import annotations

from typing import Any

from django.db import connection

from opportunities.domain.import_look_alikes import CHANGED, INTO, look_alike
from opportunities.domain.import_mapping import DEAL_ROLES
from opportunities.services.imports_prepare import Prepared

_PLAIN = "normalize(btrim(translate(normalize(key, NFKD), %(changed)s, %(into)s)), NFC)"
_DISGUISED = f"""
SELECT key, plain FROM (SELECT key, {_PLAIN} AS plain FROM (
  SELECT key FROM opportunities_importrow
  WHERE batch_id = %(batch)s AND role = 'D' AND octet_length(key) <> char_length(key)
  UNION ALL SELECT external_id FROM opportunities_opportunity
  WHERE source = %(source)s AND NOT is_deleted AND octet_length(external_id) <> char_length(external_id)) k OFFSET 0) p
WHERE key <> plain
"""  # noqa: S608 - identities of one byte a character look like what they are; OFFSET: each is worked out once
_ALIKE = f"""
WITH disguised AS MATERIALIZED ({_DISGUISED}),
alike AS (SELECT key, plain FROM disguised UNION SELECT plain, plain FROM disguised),
there AS (
  SELECT a.plain, a.key, d.file, d.line FROM alike a
  JOIN opportunities_importrow d ON d.batch_id = %(batch)s AND d.role = 'D' AND d.key = a.key
  UNION ALL SELECT a.plain, a.key, NULL, NULL FROM alike a
  JOIN opportunities_opportunity o ON o.source = %(source)s AND NOT o.is_deleted AND o.external_id = a.key),
first AS (
  SELECT DISTINCT ON (plain) * FROM there ORDER BY plain, file NULLS FIRST, line, key <> plain)
SELECT t.file, t.line, t.key, f.key, f.line, count(*) OVER () FROM there t JOIN first f USING (plain)
WHERE t.file IS NOT NULL AND t.key <> f.key ORDER BY t.file, t.line LIMIT %(room)s
"""  # noqa: S608


def report_look_alikes(prepared: Prepared) -> None:
    """Tell every staged deal that looks like an earlier one: a known one, else that of the first row."""
    gather, names, columns = prepared.gather, list(prepared.tables), _identity_columns(prepared)
    values: dict[str, Any] = {
        "batch": prepared.batch.pk, "source": prepared.mapping.source, "changed": CHANGED, "into": INTO,
        "room": max(gather.room, 1),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS ({_DISGUISED})", values)  # the usual case ends here
        if not cursor.fetchone()[0]:
            return
        cursor.execute("SET LOCAL enable_nestloop = off")
        cursor.execute(_ALIKE, values)
        rows = cursor.fetchall()
        cursor.execute("SET LOCAL enable_nestloop = on")
    for file, line, key, other, row, _ in rows:
        gather.add(look_alike(names[file], line, columns.get(names[file], ""), key, other, row))
    if rows and rows[0][-1] > len(rows):
        gather.count("LOOKS_ALIKE", rows[0][-1] - len(rows))


def _identity_columns(prepared: Prepared) -> dict[str, str]:
    """What each file of deals calls the column, or columns, of the identity."""
    found = {}
    for file in prepared.mapping.files:
        for part in file.extracts:
            if part.role in DEAL_ROLES:
                column = part.columns.get("external_id")
                found[file.name] = (
                    column.column if column and not part.identity else " + ".join(part.identity)
                )
    return found
