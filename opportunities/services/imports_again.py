"""The same files again. When they are read on the same terms and nothing they are compared with has changed since they
were imported, every row is unchanged: that is known without reading one. Whatever cannot be shown to be the same is
read in full.

Four things are compared: the files by digest, the terms (mapping, answers, the code that reads), the look-up records
and the deals of the source, each row by a hash of its columns. The last two are what a batch leaves (`remember_result`)
and stand for every import, undo and edit since, however it was made.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import babel
from django.conf import settings
from django.db import connection

from opportunities.domain.import_json import mapping_to_json
from opportunities.domain.import_mapping import Role
from opportunities.models import ImportBatch
from opportunities.services.imports_prepare import Prepared, settled_on
from opportunities.services.imports_reading import answers_of, mapping_for, open_tables
from opportunities.services.imports_verdicts import absent_open

_RECORDS = """
SELECT 'ACCOUNT' AS kind, id, hashtextextended(t::text, 0) AS hash FROM opportunities_account t
UNION ALL SELECT 'PRODUCT', id, hashtextextended(t::text, 0) FROM opportunities_product t
UNION ALL SELECT 'FAMILY', id, hashtextextended(t::text, 0) FROM opportunities_productfamily t
UNION ALL SELECT 'PROCESS', id, hashtextextended(t::text, 0) FROM opportunities_salesprocess t
UNION ALL SELECT 'STAGE', id, hashtextextended(t::text, 0) FROM opportunities_stage t
UNION ALL SELECT 'PERSON', id, hashtextextended(t::text, 0) FROM organization_person t
UNION ALL SELECT 'TERRITORY', id, hashtextextended(t::text, 0) FROM organization_territory t
UNION ALL SELECT 'COMPANY', id, hashtextextended(t::text, 0) FROM organization_company t
UNION ALL SELECT 'REPORTING_LINE', person_id, hashtextextended(string_agg(
  concat_ws(' ', manager_id, from_date, to_date), ',' ORDER BY from_date), 0) FROM organization_reportingline GROUP BY 2
"""
_STATE = "SELECT kind, count(*), coalesce(sum(hash), 0)::text FROM ({rows}) r GROUP BY kind ORDER BY kind"
_DEALS = """
SELECT count(*), coalesce(sum(hashtextextended(concat_ws(' ', external_id, version, content_hash, is_deleted, status,
  created_at), 0)), 0)::text FROM opportunities_opportunity WHERE source = %s
"""
_TOUCHED_BY_OTHERS = f"""
SELECT EXISTS (
  SELECT coalesce(n.kind, s.kind), coalesce(n.id, s.id)
  FROM ({_RECORDS}) n FULL JOIN import_seen s ON s.kind = n.kind AND s.id = n.id
  WHERE n.hash IS DISTINCT FROM s.hash
  EXCEPT SELECT kind, object_id FROM opportunities_importeffect WHERE batch_id = %s AND kind <> 'OPPORTUNITY')
"""  # noqa: S608 - sets are subtracted: probing each record's effect takes a time that grows with their product
_NOT_AS_READ = """
SELECT EXISTS (SELECT 1 FROM opportunities_importrow x
  LEFT JOIN opportunities_opportunity o ON o.source = %s AND o.external_id = x.key
  WHERE x.batch_id = %s AND x.role = 'D' AND x.verdict NOT IN ('R', 'A') AND o.content_hash IS DISTINCT FROM x.hash)
"""


def records_state() -> str:
    """A digest of all look-up records an import may be compared with."""
    with connection.cursor() as cursor:
        cursor.execute(_STATE.format(rows=_RECORDS))
        return _digest(cursor.fetchall())


def watch_records() -> str:
    """Like `records_state`; also keeps, until the transaction ends, what every record is."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS import_seen")
        cursor.execute(f"CREATE TEMPORARY TABLE import_seen ON COMMIT DROP AS {_RECORDS}")
        cursor.execute(_STATE.format(rows="SELECT * FROM import_seen"))
        return _digest(cursor.fetchall())


def note_records_left(batch: ImportBatch, before: str) -> None:
    """Keep with the batch what the look-up records are now, if since its plan nobody but the batch has changed any."""
    with connection.cursor() as cursor:
        cursor.execute(_TOUCHED_BY_OTHERS, [batch.pk])
        is_ours = before == batch.plan.get("records") and not cursor.fetchone()[0]
    batch.plan["records_left"] = records_state() if is_ours else ""
    batch.save(update_fields=["plan"])


_NEVER_AGAIN = frozenset({Role.QUOTA, Role.CURRENCY_RATE, Role.STAGE, Role.MEMBERSHIP})


def remember_result(batch: ImportBatch, prepared: Prepared, read_as: dict[str, Any]) -> None:
    """Note on what terms (`read_as`: the mapping as it was given) and in what state the same files say nothing new.

    Nothing is noted where that cannot be known: quotas, rates and stages of their own are counted otherwise when they
    come again, what memberships say depends on the day, and somebody may have changed what the rows were compared
    with while they were written.
    """
    plan = batch.plan
    left, _ = plan.pop("records_left", ""), plan.pop("records", "")
    roles = {part.role for file in prepared.mapping.files for part in file.extracts}
    if (
        not left
        or roles & {Role.QUOTA, Role.CURRENCY_RATE, Role.STAGE, Role.MEMBERSHIP}
        or _is_any_row_not_as_read(batch)
    ):
        return
    if plan["absent_open"] == absent_open(batch.pk, batch.source):
        plan["again"] = {"terms": _terms_again(batch, prepared, read_as), "state": _state(batch.source, left)}


def _is_any_row_not_as_read(batch: ImportBatch) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_NOT_AS_READ, [batch.source, batch.pk])
        return bool(cursor.fetchone()[0])


def _terms_again(batch: ImportBatch, prepared: Prepared, read_as: dict[str, Any]) -> list[str]:
    """The terms of this run; and those on which the files are read from now on, by what is remembered of them, where
    these come to the same."""
    found = [_terms(batch, read_as)]
    tables, _ = open_tables(batch)
    offered = mapping_for(tables, source=batch.source)
    answers = answers_of(batch).with_values_of(offered)
    settled, questions = settled_on(offered, prepared.profiles, prepared.known.refs, answers)
    if not questions and mapping_to_json(settled) == mapping_to_json(prepared.mapping):
        found.append(_terms(batch, mapping_to_json(offered)))
    return found


def same_again(batch: ImportBatch) -> ImportBatch | None:
    """The import of these very files whose result still stands, if there is one."""
    terms, state = _terms(batch, batch.mapping), ""
    formers = ImportBatch.objects.filter(
        source=batch.source, digest=batch.digest, state=ImportBatch.State.DONE
    )
    for former in formers.exclude(pk=batch.pk).order_by("-applied_at"):
        again = former.plan.get("again", {})
        if terms in again.get("terms", ()):
            state = state or _state(batch.source, records_state())
            if again["state"] == state:
                return former
    return None


def _terms(batch: ImportBatch, mapping: dict[str, Any]) -> str:
    shapes = [
        [file.position, file.name, file.shape.get("chosen") or {}]
        for file in batch.files.order_by("position")
    ]
    return _digest([batch.digest, mapping, batch.answers, sorted(batch.repairs), shapes, _code()])


def _state(source: str, records: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(_DEALS, [source])
        return _digest([records, cursor.fetchall()])


def _digest(parts: Any) -> str:
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def _code() -> str:
    """A digest of the code that reads files: another release may read the same file otherwise."""
    digest = hashlib.sha256(babel.__version__.encode())
    for package in ("opportunities", "salesops/kernel"):
        for file in sorted((Path(settings.BASE_DIR) / package).rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()


def repeated_plan(former: ImportBatch) -> dict[str, Any]:
    """The plan of an import whose files say what they said: all that was created or changed is unchanged."""
    plan = dict(former.plan)
    for name in ("undone", "written", "generation"):
        plan.pop(name, None)
    plan["unchanged"] += plan["created"] + plan["updated"]
    plan["created"] = plan["updated"] = 0
    deals = dict(plan["deals"])
    same = sum(deals.pop(name, 0) for name in ("created", "updated", "unchanged"))
    plan["deals"] = {**deals, "unchanged": same} if plan["deals"] and same else deals
    plan["references"] = {
        role: {**counts, "created": 0, "updated": 0,
               "unchanged": counts["created"] + counts["updated"] + counts["unchanged"]}
        for role, counts in plan["references"].items()
        if counts["rows"] and role != str(Role.STAGE)
    }  # fmt: skip
    plan["largest_changes"] = plan["new_processes"] = []
    return {**plan, "same_as": former.pk}
