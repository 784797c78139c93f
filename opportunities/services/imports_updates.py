"""Changing deals we have: one more version each, or their history rewritten from where the file tells it
differently."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from opportunities.domain.deal import TRACKED_FIELDS
from opportunities.domain.import_changes import Change, Deed, pushes, stage_since
from opportunities.models import ImportEffect, OpportunityVersion
from opportunities.models.opportunity import FAR_FUTURE_AT
from opportunities.services.imports_copy import Writer, cell, copy_in, insert_versions, version_row
from opportunities.services.imports_decisions import Decision, lines_of
from opportunities.services.rewriting import rewrite_history

_TARGET = (
    "id",
    "version",
    "changed_at",
    "change_set_id",
    "source_row",
    "content_hash",
    "stage_entered_at",
    "push_count",
    *TRACKED_FIELDS,
)
_MAKE = "CREATE TEMPORARY TABLE import_target (LIKE opportunities_opportunity) ON COMMIT DROP"
_SET = ", ".join(
    f"{name} = t.{name}" for name in _TARGET if name not in {"id", "stage_entered_at", "push_count"}
)
_APPEND = f"UPDATE opportunities_opportunity o SET {_SET} FROM import_target t WHERE o.id = t.id"  # noqa: S608
_REPLACE = (
    f"UPDATE opportunities_opportunity o SET {_SET}, stage_entered_at = t.stage_entered_at, push_count = t.push_count "  # noqa: S608
    "FROM import_target t WHERE o.id = t.id"
)


def write_changes(writer: Writer, decisions: Sequence[Decision]) -> None:
    """Write what was decided of deals we have; what each was before is noted for undoing."""
    by_deed: dict[Deed, list[Decision]] = {deed: [] for deed in Deed}
    for decision in decisions:
        by_deed[_change(decision).deed].append(decision)
    _note(writer, decisions)
    unversioned = {Deed.SAME, Deed.MERGE}
    _follow([c for c in map(_change, decisions) if c.deed in unversioned or c.created_at is not None])
    if by_deed[Deed.APPEND]:
        _append(writer, [_change(decision) for decision in by_deed[Deed.APPEND]])
    if by_deed[Deed.REPLAY]:
        _replay(writer, by_deed[Deed.REPLAY])
    if by_deed[Deed.MERGE]:
        histories = {_change(decision).former.pk: decision.history for decision in by_deed[Deed.MERGE]}
        rewrite_history(change_set_id=next(iter(writer.change_sets.values())), histories=histories)


def _change(decision: Decision) -> Change:
    assert decision.change is not None
    return decision.change


def _follow(changes: Sequence[Change]) -> None:
    """What no version tells: the hash of the row last read, and when the deal was created, where it is corrected."""
    if not changes:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE opportunities_opportunity o "
            "SET content_hash = n.hash, created_at = coalesce(n.created, o.created_at) "
            "FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[]) AS n(id, hash, created) WHERE o.id = n.id",
            [
                [change.former.pk for change in changes],
                [change.digest for change in changes],
                [change.created_at for change in changes],
            ],
        )


def _note(writer: Writer, decisions: Sequence[Decision]) -> None:
    """What each deal was before, its lines included, is the way back."""
    lines = lines_of([_change(decision).former.pk for decision in decisions])
    effects = []
    for decision in decisions:
        former, outcome = _change(decision).former, decision.outcome
        had = [[None if cell is None else str(cell) for cell in line] for line in lines.get(former.pk, [])]
        effects.append(
            ImportEffect(
                batch_id=writer.batch_id, kind="OPPORTUNITY", object_id=former.pk,
                action="NOTED" if outcome == "UNCHANGED" else outcome, before={**former.before, "lines": had},
            )
        )  # fmt: skip
    ImportEffect.objects.bulk_create(effects, batch_size=5000)


def _append(writer: Writer, changes: list[Change]) -> None:
    buffer = io.StringIO()
    out = csv.writer(buffer)
    for change in changes:
        former = change.former
        head = (
            former.pk,
            former.version + 1,
            change.at,
            writer.change_sets[change.file],
            change.line,
            change.digest,
            None,
            0,
        )
        out.writerow([cell(value) for value in (*head, *(change.state[name] for name in TRACKED_FIELDS))])
    _update(_APPEND, buffer)


def _update(statement: str, buffer: io.StringIO) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS import_target")
        cursor.execute(_MAKE)
        for column in ("source", "external_id", "created_at", "attributes"):
            cursor.execute(f"ALTER TABLE import_target ALTER COLUMN {column} DROP NOT NULL")
    copy_in("import_target", _TARGET, buffer)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE import_target")
        cursor.execute(statement)


def _replay(writer: Writer, decisions: Sequence[Decision]) -> None:
    """From the first difference between the told history and the known one on, supersede and write anew."""
    last_seq = _last_seq([_change(decision).former.pk for decision in decisions])
    buffer = io.StringIO()
    out = csv.writer(buffer)
    superseded: list[int] = []
    closed: list[tuple[int, datetime]] = []
    versions = []
    for decision in decisions:
        change, common = _change(decision), decision.common
        told, pk = change.segments, change.former.pk
        seq = max(last_seq.get(pk, 0), change.former.version)
        superseded += [version.pk for version in decision.known[common:]]
        if common and common < len(told):
            version = decision.known[common - 1]
            if version.valid_to == FAR_FUTURE_AT:
                closed.append((version.pk, told[common].valid_from))
        for index in range(common, len(told)):
            seq += 1
            until = told[index + 1].valid_from if index + 1 < len(told) else None
            versions.append(version_row(pk, seq, told[index], until, writer))
        last = told[-1]
        head = (
            pk, seq, last.valid_from, writer.change_sets[last.file], last.line, change.digest, stage_since(told),
            pushes(told),
        )  # fmt: skip
        out.writerow([cell(value) for value in (*head, *(last.state[name] for name in TRACKED_FIELDS))])
    _rewrite(writer, superseded, closed, versions, buffer)


def _rewrite(
    writer: Writer,
    superseded: list[int],
    closed: list[tuple[int, datetime]],
    versions: list[list[object]],
    buffer: io.StringIO,
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL salesops.rewriting = 'on'")
    OpportunityVersion.objects.filter(pk__in=superseded).update(superseded_at=writer.stamp)
    for pk, at in closed:
        OpportunityVersion.objects.filter(pk=pk).update(valid_to=at)
    _update(_REPLACE, buffer)
    insert_versions(versions)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL salesops.rewriting = 'off'")


def _last_seq(deals: list[int]) -> dict[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT opportunity_id, max(seq) FROM opportunities_opportunityversion WHERE opportunity_id = "
            "ANY(%s) GROUP BY 1",
            [deals],
        )
        return dict(cursor.fetchall())
