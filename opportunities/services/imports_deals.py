"""Writing deals in chunks: new ones with their past, known ones by their difference, all through the
tables' own triggers."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import connection

from opportunities.domain.deal import TRACKED_FIELDS
from opportunities.domain.import_changes import pushes, stage_since
from opportunities.domain.import_history import Segment
from opportunities.models import ImportRow, Opportunity, OpportunityLine
from opportunities.services.entering import hold, were_given_another_meaning
from opportunities.services.imports import ImportRefused
from opportunities.services.imports_copy import Writer, cell, copy_in, insert_versions, version_row
from opportunities.services.imports_decisions import LINE, Decision, decide, staged_rows
from opportunities.services.imports_updates import write_changes
from salesops.kernel.said import Said

CHUNK = 5_000

_TO_WRITE = "verdict IN ('N', 'U', 'K')"


def chunk_count(batch_id: int) -> int:
    """How many chunks the deals to create, change or take note of make."""
    rows = ImportRow.objects.filter(batch_id=batch_id, role="D", verdict__in=("N", "U", "K")).count()
    return -(-rows // CHUNK)


def write_chunk(writer: Writer, number: int) -> Counter[str]:
    """Write one chunk of deals; returns how many rows, and deals (`deals_…`), it created and updated."""
    rows = staged_rows(writer.batch_id, _TO_WRITE, (), CHUNK, number * CHUNK)
    decisions = decide(writer, rows, lock=True)
    _hold_stages(writer, decisions)
    created = [decision for decision in decisions if decision.change is None]
    changed = [decision for decision in decisions if decision.change is not None]
    if created:
        _insert(writer, created)
    if changed:
        _bring_back(changed)
        write_changes(writer, changed)
    _write_lines(writer, decisions)
    written: Counter[str] = Counter()
    for decision in decisions:
        written[decision.outcome.lower()] += int(decision.row["payload"].get("rows", 1))
        written[f"deals_{decision.outcome.lower()}"] += 1
    return written


def _hold_stages(writer: Writer, decisions: Sequence[Decision]) -> None:
    """What the stages meant when the files were read must be what they mean while the deals are written."""
    states = [d.change.state if d.change is not None else d.segments[-1].state for d in decisions]
    meanings = hold({state["stage_id"] for state in states} - {None})
    # A file may tell of an open deal in a stage of won ones.
    others = {s["stage_id"] for s in states if meanings.get(s["stage_id"], s["status"]) != s["status"]}
    if others and were_given_another_meaning(others, writer.rules.now):
        raise ImportRefused(Said("What a stage means has changed since the preview. Import the files anew."))


def _bring_back(decisions: Sequence[Decision]) -> None:
    """A deal that comes back after its import was undone was created when the new file says."""
    for decision in decisions:
        change = decision.change
        if change is not None and change.former.is_undone:
            at = _created_at(decision.row, decision.segments)
            decision.change = replace(change, created_at=at)


def _created_at(row: dict[str, Any], segments: Sequence[Segment]) -> datetime:
    """When the deal was created, as far as the file says."""
    stated = row["moments"]["created_at"] or row["moments"]["started_at"]
    return stated if isinstance(stated, datetime) else segments[0].valid_from


_DEAL_COLUMNS = (
    "source", "external_id", "version", "changed_at", "change_set_id", "source_row", "content_hash", "created_at",
    "stage_entered_at", "push_count", "attributes", *TRACKED_FIELDS,
)  # fmt: skip


def _insert(writer: Writer, deals: Sequence[Decision]) -> None:
    """New deals: the row carries the present (its trigger writes the last version); earlier versions are
    added beside."""
    buffer = io.StringIO()
    out = csv.writer(buffer)
    for deal in deals:
        row, segments = deal.row, deal.segments
        last = segments[-1]
        created = _created_at(row, segments)
        head = (
            writer.source, row["key"], len(segments), last.valid_from.isoformat(),
            writer.change_sets[last.file], last.line, row["hash"], created.isoformat(),
            stage_since(segments).isoformat(), pushes(segments), "{}",
        )  # fmt: skip
        out.writerow([cell(value) for value in (*head, *(last.state[name] for name in TRACKED_FIELDS))])
    copy_in("opportunities_opportunity", _DEAL_COLUMNS, buffer)
    ids = dict(
        Opportunity.objects.filter(
            source=writer.source, external_id__in=[deal.row["key"] for deal in deals]
        ).values_list("external_id", "pk")
    )
    versions = [
        version_row(ids[deal.row["key"]], seq, segment, deal.segments[seq].valid_from, writer)
        for deal in deals
        for seq, segment in enumerate(deal.segments[:-1], start=1)
    ]
    insert_versions(versions)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO opportunities_importeffect (batch_id, kind, object_id, action, before, after) "
            "SELECT %s, 'OPPORTUNITY', id, 'CREATED', '{}', '{}' FROM unnest(%s::bigint[]) AS id",
            [writer.batch_id, list(ids.values())],
        )


def _write_lines(writer: Writer, decisions: Sequence[Decision]) -> None:
    lines = {decision.row["key"]: decision.lines for decision in decisions if decision.lines is not None}
    if not lines:
        return
    deals = Opportunity.objects.filter(source=writer.source, external_id__in=lines)
    ids = dict(deals.values_list("external_id", "pk"))
    OpportunityLine.objects.filter(opportunity_id__in=ids.values()).delete()
    buffer = io.StringIO()
    out = csv.writer(buffer)
    for key, told in lines.items():
        for line in told:
            out.writerow([ids[key], *(cell(value) for value in line)])
    copy_in("opportunities_opportunityline", ("opportunity_id", *LINE), buffer)
