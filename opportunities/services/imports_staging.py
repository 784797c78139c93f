"""Staging: typed rows into an unlogged table by COPY, then one join that says which are new, changed or the
same."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils.translation import gettext_noop

from opportunities.domain.import_deals import DealReader, content_hash, content_text, digest_of_text
from opportunities.domain.import_history import Event
from opportunities.domain.import_mapping import DEAL_ROLES, Extract, FileMapping, Role
from opportunities.domain.import_orders import Order, order_of
from opportunities.domain.import_plan import Plan
from opportunities.domain.import_refs import canonical_id, id_key
from opportunities.domain.import_rows import ExtractReader, Record, extract_reader
from opportunities.models import ImportRow
from opportunities.selectors.imports_known import known_deal_currencies
from opportunities.services.imports_prepare import Prepared, Tell, deal_reader, extracts_of, silent
from opportunities.services.imports_quotas import dated, quota_rows
from opportunities.services.imports_verdicts import classify
from organization.domain.scope import Scope
from salesops.kernel.said import Said
from salesops.kernel.tabular import Gatherer, Problem, Severity, Table

BLOCK = 20_000
_COPY = (
    "COPY opportunities_importrow (batch_id, role, file, line, key, hash, payload, verdict) "
    "FROM STDIN WITH (FORMAT csv)"
)
StagedRow = tuple[str, int, int, str, int, dict[str, Any] | str]
"""Role, file, line, key, hash, and what the row states (as data, or already as JSON)."""


def stage(prepared: Prepared, plan: Plan, *, tell: Tell = silent) -> None:
    """Fill the staging table for this batch from its files and classify; counts and problems go to `plan`."""
    clear(prepared.batch.pk)
    prepared.deal_currencies = _kept_currencies(prepared)
    rows = _copy(prepared.batch.pk, _deal_rows(prepared, plan, tell), tell)
    rows += _copy(prepared.batch.pk, _history_rows(prepared, plan), tell)
    rows += _copy(prepared.batch.pk, _other_rows(prepared, plan), tell)
    prepared.batch.staged_rows = rows
    tell(gettext_noop("Comparing with what is known"), rows)
    classify(prepared, plan)


def _kept_currencies(prepared: Prepared) -> dict[str, str]:
    """Where nothing states a currency, known deals keep theirs, and their amounts are in it."""
    mapping = prepared.mapping
    parts = [part for file in mapping.files for part in file.extracts if part.role in DEAL_ROLES]
    if mapping.currency or any("currency" in part.columns for part in parts):
        return {}
    scope, usual = Scope.system("CRM import"), prepared.known.corporate_currency
    kept = known_deal_currencies(scope, mapping.source, usual)
    return {id_key(key): currency for key, currency in kept.items()}


def clear(batch_id: int) -> None:
    """Forget the staged rows of a batch."""
    ImportRow.objects.filter(batch_id=batch_id).delete()


def _copy(batch_id: int, rows: Iterator[StagedRow], tell: Tell) -> int:
    count = 0
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    with connection.cursor() as cursor:
        for role, file, line, key, digest, payload in rows:
            writer.writerow(
                (
                    batch_id,
                    role,
                    file,
                    line,
                    key,
                    digest,
                    payload if isinstance(payload, str) else json.dumps(payload, default=_json),
                    "?",
                )
            )
            count += 1
            if count % BLOCK == 0:
                _flush(cursor, buffer)
                tell(gettext_noop("Reading rows"), count)
        _flush(cursor, buffer)
        if count:
            cursor.execute("ANALYZE opportunities_importrow")
    return count


def _flush(cursor: Any, buffer: io.StringIO) -> None:
    buffer.seek(0)
    cursor.copy_expert(_COPY, buffer)
    buffer.seek(0)
    buffer.truncate()


def _json(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    raise TypeError(f"cannot stage a {type(value).__name__}")


def _columns(part: Extract) -> dict[str, str]:
    return {name: column.column or name for name, column in part.columns.items()}


def _reader(prepared: Prepared, file: FileMapping, part: Extract, table: Table) -> ExtractReader:
    return extract_reader(part, file.name, file.columns or table.header, prepared.answers, prepared.gather)


def _deal_rows(prepared: Prepared, plan: Plan, tell: Tell) -> Iterator[StagedRow]:
    for file, part, table in extracts_of(prepared, Role.OPPORTUNITY):
        tell(gettext_noop("Taking in") + f": {file.name}", 0)
        broken = Gatherer()
        reader = _reader(prepared, file, part, table)
        deals = deal_reader(prepared, file.name)
        columns, number = _columns(part), prepared.file_number(file.name)
        for row in table.rows(broken):
            plan.rows += 1
            record = reader.one(row)
            if record is None:
                plan.set_aside += 1
                continue
            staged = _deal(record, deals, columns, number, prepared)
            if staged is None:
                plan.rejected += 1
            else:
                yield staged
        _take_over(prepared, plan, broken)
    yield from _order_rows(prepared, plan, tell)


def _take_over(prepared: Prepared, plan: Plan, broken: Gatherer) -> None:
    """Lines that could not be split into cells are rows too: rejected ones."""
    plan.rows += broken.total
    plan.rejected += broken.total
    for problem in broken.problems:
        prepared.gather.add(problem)


def _deal(
    record: Record, deals: DealReader, columns: dict[str, str], number: int, prepared: Prepared
) -> StagedRow | None:
    if record.is_rejected:
        return None
    if not record.key:
        message = Said("has no identity")
        cure = Said("Give every deal an identity, or choose a natural key.")
        column = columns.get("external_id", "")
        prepared.gather.add(Problem(deals.file, record.line, column, "", message, cure, "NO_IDENTITY"))
        return None
    state, moments = deals.deal(record, columns)
    if record.is_rejected:
        return None
    key = canonical_id(record.key, prepared.mapping.source)
    if prepared.deal_processes is not None and state["process"]:
        prepared.deal_processes[id_key(key)] = state["process"]
    stated, told = content_text(state)[1:-1], content_text(_told(moments))[1:-1]
    has_stage = "stage" in record.values or "outcome" in columns or "is_won" in columns
    extra = {
        "has_stage": has_stage,
        "category_stated": "forecast_category" in record.values,
        "start_is_date": moments["start_is_date"],
    }
    payload = f'{{"state":{stated},"moments":{told},{json.dumps(extra)[1:]}'
    return "D", number, record.line, key, digest_of_text(stated + told), payload


def _told(moments: dict[str, Any]) -> dict[str, Any]:
    """The instants a row states, without what is only concluded from them."""
    return {name: moment for name, moment in moments.items() if name != "start_is_date"}


def _order_rows(prepared: Prepared, plan: Plan, tell: Tell) -> Iterator[StagedRow]:
    """Order lines, gathered by order: an order is a won deal."""
    for file, part, table in extracts_of(prepared, Role.ORDER_LINE):
        tell(gettext_noop("Taking in") + f": {file.name}", 0)
        reader, deals = _reader(prepared, file, part, table), deal_reader(prepared, file.name)
        columns, number = _columns(part), prepared.file_number(file.name)
        orders: dict[str, list[Record]] = {}
        broken = Gatherer()
        for row in table.rows(broken):
            plan.rows += 1
            record = reader.one(row)
            if record is None:
                plan.set_aside += 1
            elif record.is_rejected or not record.key:
                plan.rejected += 1
            else:
                orders.setdefault(record.key, []).append(record)
        _take_over(prepared, plan, broken)
        for key, records in orders.items():
            order = order_of(key, records, deals, columns)
            if any(
                record.is_rejected for record in records
            ):  # an order without one of its lines is another order
                plan.rejected += len(records)
                _reject_rest(prepared, file.name, records)
                continue
            yield _order(order, number, deals.default_process, prepared)


def _reject_rest(prepared: Prepared, file: str, records: list[Record]) -> None:
    message = Said("belongs to an order of which another line is rejected")
    cure = Said("Correct that line.")
    for record in records:
        if not record.is_rejected:
            prepared.gather.add(
                Problem(file, record.line, "", record.key[:120], message, cure, "ORDER_REJECTED")
            )


def _order(order: Order, number: int, process: str, prepared: Prepared) -> StagedRow:
    stage = (
        prepared.known.refs.find_stage(process, prepared.mapping.stages[0].name)
        if prepared.mapping.stages
        else None
    )
    state = {**order.state, "process": process, "stage": stage}
    payload = {
        "state": state,
        "moments": order.moments,
        "lines": order.lines,
        "has_stage": True,
        "category_stated": False,
        "rows": len(order.lines),
    }
    return "D", number, order.line, order.key, content_hash(state, order.moments, order.lines), payload


def _history_rows(prepared: Prepared, plan: Plan) -> Iterator[StagedRow]:
    merged = _survivors(prepared)
    for file, part, table in extracts_of(prepared, Role.STAGE_HISTORY):
        reader, deals = _reader(prepared, file, part, table), deal_reader(prepared, file.name)
        columns, number = _columns(part), prepared.file_number(file.name)
        for row in table.rows(prepared.gather):
            plan.history_rows += 1
            record = reader.one(row)
            if record is None or record.values.get("is_deleted"):
                plan.history_set_aside += 1
                continue
            deal = str(record.values.get("deal", ""))
            deal = merged.get(id_key(deal), deal)
            if record.is_rejected:
                continue
            if id_key(deal) not in prepared.deal_keys:
                plan.history_orphans += 1
                prepared.gather.add(_orphan(file.name, record.line, columns.get("deal", ""), deal))
                continue
            record.values["deal"] = deal
            event = deals.event(record, columns, number)
            if event is not None:
                yield _event_row(event, canonical_id(deal, prepared.mapping.source))


def _orphan(file: str, line: int, column: str, deal: str) -> Problem:
    message = Said("belongs to a deal that is not there")
    cure = Said("Export the deal as well, or ignore this line of history.")
    return Problem(file, line, column, deal, message, cure, "ORPHAN_HISTORY")


def _event_row(event: Event, key: str) -> StagedRow:
    body = {
        "at": event.at,
        "order": event.order,
        "stage": event.stage,
        "status": event.status,
        "category": event.category,
        "extra": event.extra,
    }
    digest = content_hash(event.at, event.order[0], event.stage, event.status, event.category, event.extra)
    return "H", event.file, event.line, key, digest, body


def _survivors(prepared: Prepared) -> dict[str, str]:
    """Merged identity -> the deal it went into, where that deal is there."""
    survivors: dict[str, str] = {}
    for file, part, table in extracts_of(prepared, Role.MERGED):
        reader = _reader(prepared, file, part, table)
        for record in reader.read(table.rows(prepared.gather)):
            deal, merged = str(record.values.get("deal", "")), str(record.values.get("merged", ""))
            if id_key(deal) in prepared.deal_keys:
                survivors[id_key(merged)] = deal
            else:
                message = Said("survivor of a merge is not in the export")
                cure = Said("Export the surviving deal as well.")
                code, severity = "ORPHAN_MERGE", Severity.NOTE
                prepared.gather.add(
                    Problem(
                        file.name, record.line, record.column("deal"), deal, message, cure, code, severity
                    )
                )
    return survivors


def _other_rows(prepared: Prepared, plan: Plan) -> Iterator[StagedRow]:
    """Quotas and exchange rates: staged like deals, written by their own apps."""
    for role, letter, counts in ((Role.QUOTA, "Q", plan.quotas), (Role.CURRENCY_RATE, "X", plan.rates)):
        for file, part, table in extracts_of(prepared, role):
            reader, number = _reader(prepared, file, part, table), prepared.file_number(file.name)
            records = list(reader.read(table.rows(prepared.gather)))
            rows = [(record.line, dated(record.values)) for record in records if not record.is_rejected]
            if role is Role.QUOTA:
                rows = quota_rows(prepared, records, file.name)
            counts["rows"] = counts.get("rows", 0) + len(records)
            counts["staged"] = counts.get("staged", 0) + len(rows)
            if len(rows) < len(records):
                counts["rejected"] = counts.get("rejected", 0) + len(records) - len(rows)
            for line, values in rows:
                yield letter, number, line, str(line), content_hash(values), values
