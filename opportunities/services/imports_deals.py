"""Writing deals in chunks: new ones with their past, known ones by their difference, all through the
tables' own triggers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from opportunities.domain.deal import TRACKED_FIELDS
from opportunities.domain.import_changes import Change, Current, planned_change, pushes, stage_since
from opportunities.domain.import_deals import facts_of
from opportunities.domain.import_history import Event, Segment, State, timeline
from opportunities.domain.import_mapping import Role
from opportunities.models import ImportRow, Opportunity, OpportunityLine
from opportunities.services.imports_copy import Writer, cell, copy_in, insert_versions, version_row
from opportunities.services.imports_references import Keys
from opportunities.services.imports_updates import write_changes

CHUNK = 5_000

_REFERENCES = {
    "account": Role.ACCOUNT,
    "owner": Role.PERSON,
    "process": Role.PROCESS,
    "stage": Role.STAGE,
    "product": Role.PRODUCT,
    "territory": Role.TERRITORY,
}


def chunk_count(batch_id: int) -> int:
    """How many chunks the deals to create or change make."""
    rows = ImportRow.objects.filter(batch_id=batch_id, role="D", verdict__in=("N", "U")).count()
    return -(-rows // CHUNK)


def write_chunk(writer: Writer, number: int) -> int:
    """Write one chunk of new and changed deals; returns how many rows it had."""
    rows = _rows(writer.batch_id, number)
    events = _events(writer.batch_id, [row["key"] for row in rows])
    known = _known(writer.source, [row["key"] for row in rows])
    created: list[tuple[dict[str, Any], list[Segment]]] = []
    changes: list[Change] = []
    back: list[tuple[int, datetime]] = []
    for row in rows:
        segments = timeline(_facts(row), events.get(row["key"], ()), writer.rules)
        former = known.get(row["key"])
        if former is None:
            created.append((row, [_with_ids(segment, writer.keys) for segment in segments]))
        else:
            resolved = [_with_ids(segment, writer.keys) for segment in segments]
            change = planned_change(
                row, resolved, former, has_events=row["key"] in events, stamp=writer.stamp,
                rules=writer.rules, policies=writer.policies, stages=writer.stages,
            )  # fmt: skip
            changes.append(change)
            if former.is_undone:
                back.append((former.pk, _created_at(row, segments)))
    if created:
        _insert(writer, created)
    if changes:
        write_changes(writer, changes)
    for pk, at in back:
        Opportunity.objects.filter(pk=pk).update(created_at=at)
    _write_lines(writer, rows)
    return len(rows)


def _created_at(row: dict[str, Any], segments: Sequence[Segment]) -> datetime:
    """When the deal was created, as far as the file says."""
    stated = row["moments"]["created_at"] or row["moments"]["started_at"]
    return stated if isinstance(stated, datetime) else segments[0].valid_from


def _rows(batch_id: int, number: int) -> list[dict[str, Any]]:
    fields = ("key", "file", "line", "hash", "payload", "verdict")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT key, file, line, hash, payload::text, verdict FROM opportunities_importrow "
            "WHERE batch_id = %s AND role = 'D' AND verdict IN ('N', 'U') ORDER BY key COLLATE \"C\" LIMIT "
            "%s OFFSET %s",
            [batch_id, CHUNK, number * CHUNK],
        )
        return [
            dict(zip(fields, (*row[:4], json.loads(row[4], parse_float=Decimal), row[5]), strict=True))
            for row in cursor.fetchall()
        ]


def _events(batch_id: int, keys: Sequence[str]) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = {}
    rows = ImportRow.objects.filter(batch_id=batch_id, role="H", key__in=keys).values_list(
        "key", "file", "line", "payload"
    )
    for key, file, line, body in rows.iterator(chunk_size=20_000):
        extra = {name: _typed(name, value) for name, value in body["extra"].items()}
        event = Event(
            datetime.fromisoformat(body["at"]), (body["order"][0], body["order"][1]), body["stage"], body["status"],
            body["category"], extra, file, line,
        )  # fmt: skip
        found.setdefault(key, []).append(event)
    return found


def _known(source: str, keys: Sequence[str]) -> dict[str, Current]:
    columns = (
        "pk",
        "external_id",
        "version",
        "changed_at",
        "content_hash",
        "push_count",
        "stage_entered_at",
        "change_set_id",
        "source_row",
        *TRACKED_FIELDS,
    )
    rows = (
        Opportunity.objects.select_for_update()
        .filter(source=source, external_id__in=keys)
        .order_by("pk")
        .values(*columns)
    )
    return {row["external_id"]: Current.of(row) for row in rows}


def _typed(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in {"amount", "list_amount", "probability"}:
        return Decimal(str(value))
    if name in {"close_date", "started_on"}:
        return date.fromisoformat(value)
    if name.endswith("_at"):
        return datetime.fromisoformat(value)
    return value


def _facts(row: dict[str, Any]) -> Any:
    state: State = {name: _typed(name, value) for name, value in row["payload"]["state"].items()}
    moments = {name: _typed(name, value) for name, value in row["payload"]["moments"].items()}
    moments["start_is_date"] = row["payload"].get("start_is_date", False)
    row["moments"] = moments
    return facts_of(state, moments, has_stage=row["payload"]["has_stage"], file=row["file"], line=row["line"])


def _with_ids(segment: Segment, keys: Keys) -> Segment:
    """The segment with row ids in place of reference keys, under the names of the tables' columns."""
    state: State = {"subcategory_id": None}
    for name, value in segment.state.items():
        role = _REFERENCES.get(name)
        if role is not None:
            state[f"{name}_id"] = keys.of(role, value)
        else:
            state["currency_id" if name == "currency" else name] = value
    return Segment(segment.valid_from, state, segment.origin, segment.file, segment.line)


_DEAL_COLUMNS = (
    "source", "external_id", "version", "changed_at", "change_set_id", "source_row", "content_hash", "created_at",
    "stage_entered_at", "push_count", "attributes", *TRACKED_FIELDS,
)  # fmt: skip


def _insert(writer: Writer, deals: list[tuple[dict[str, Any], list[Segment]]]) -> None:
    """New deals: the row carries the present (its trigger writes the last version); earlier versions are
    added beside."""
    buffer = io.StringIO()
    out = csv.writer(buffer)
    for row, segments in deals:
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
            source=writer.source, external_id__in=[row["key"] for row, _ in deals]
        ).values_list("external_id", "pk")
    )
    versions = [
        version_row(ids[row["key"]], seq, segment, segments[seq].valid_from, writer)
        for row, segments in deals
        for seq, segment in enumerate(segments[:-1], start=1)
    ]
    insert_versions(versions)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO opportunities_importeffect (batch_id, kind, object_id, action, before) "
            "SELECT %s, 'OPPORTUNITY', id, 'CREATED', '{}' FROM unnest(%s::bigint[]) AS id",
            [writer.batch_id, list(ids.values())],
        )


def _write_lines(writer: Writer, rows: list[dict[str, Any]]) -> None:
    with_lines = {row["key"]: row["payload"]["lines"] for row in rows if row["payload"].get("lines")}
    if not with_lines:
        return
    ids = dict(
        Opportunity.objects.filter(source=writer.source, external_id__in=with_lines).values_list(
            "external_id", "pk"
        )
    )
    OpportunityLine.objects.filter(opportunity_id__in=ids.values()).delete()
    buffer = io.StringIO()
    out = csv.writer(buffer)
    for key, lines in with_lines.items():
        for line in lines:
            product = writer.keys.of(Role.PRODUCT, line["product"])
            if product is not None:
                out.writerow(
                    [
                        ids[key],
                        line["position"],
                        product,
                        line["quantity"],
                        cell(line["unit_price"]),
                        line["amount"],
                    ]
                )
    copy_in(
        "opportunities_opportunityline",
        ("opportunity_id", "position", "product_id", "quantity", "unit_price", "amount"),
        buffer,
    )
