"""Quota rows of an import before they are staged: those that cannot be taken are reported, with the cure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from opportunities.domain.import_currencies import CURE, is_of_another, other_currency
from opportunities.domain.import_deals import NOT_KNOWN
from opportunities.domain.import_mapping import Role
from opportunities.domain.import_rows import Record
from opportunities.services.imports_prepare import Prepared
from opportunities.services.imports_sinks import refused_by_sink
from salesops.kernel.said import Said
from salesops.kernel.tabular import Problem


def dated(values: dict[str, Any]) -> dict[str, Any]:
    """The values with stamps cut to the days they mean."""
    days = ("period_date", "from_date")
    return {
        name: value.date() if name in days and isinstance(value, datetime) else value
        for name, value in values.items()
    }


def quota_rows(prepared: Prepared, records: list[Record], file: str) -> list[tuple[int, dict[str, Any]]]:
    """The rows of a quota file whose person and currency are known and whose date means a period, each with its
    currency; the others are reported.
    """
    people, cure = prepared.known.refs.of(Role.PERSON), Said("Import the people as well.")
    rows = []
    for record in records:
        who = str(record.values.get("person", ""))
        key = people.find(who)
        if key is None:
            where = (file, record.line, record.column("person"))
            prepared.gather.add(Problem(*where, who, NOT_KNOWN[Role.PERSON], cure, "MISSING_PERSON"))
        elif not record.is_rejected and (currency := _currency(prepared, record, file)):
            rows.append((record.line, {**dated(record.values), "person": key, "currency": currency}))
    refused = {
        problem.row: problem for problem in refused_by_sink(Role.QUOTA, mapping=prepared.mapping, rows=rows)
    }
    for problem in refused.values():
        prepared.gather.add(replace(problem, file=file))
    return [row for row in rows if row[0] not in refused]


def _currency(prepared: Prepared, record: Record, file: str) -> str:
    """The row's own currency, else the one chosen in Match, else the company's; empty, and told, where it is none or
    the amount is written in another.
    """
    known = prepared.known
    text = str(record.values.get("currency") or prepared.mapping.currency or known.corporate_currency)
    code = text.upper()
    if code not in known.currencies:
        where, message = record.column("currency"), Said("is not a known currency")
        prepared.gather.add(Problem(file, record.line, where, text[:120], message, CURE, "UNKNOWN_CURRENCY"))
        return ""
    if record.mark and is_of_another(record.mark, code, known.currencies):
        where, (message, cure) = record.column("amount"), other_currency(record.mark, code)
        prepared.gather.add(Problem(file, record.line, where, record.mark, message, cure, "OTHER_CURRENCY"))
        return ""
    return code
