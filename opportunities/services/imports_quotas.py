"""Quota rows of an import before they are staged: those that cannot be taken are reported, with the cure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

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
    """The rows of a quota file whose person is known and whose date means a period; the others are reported."""
    people, cure = prepared.known.refs.of(Role.PERSON), Said("Import the people as well.")
    rows = []
    for record in records:
        who = str(record.values.get("person", ""))
        key = people.find(who)
        if key is None:
            where = (file, record.line, record.column("person"))
            prepared.gather.add(Problem(*where, who, NOT_KNOWN[Role.PERSON], cure, "MISSING_PERSON"))
        elif not record.is_rejected:
            rows.append((record.line, {**dated(record.values), "person": key}))
    refused = {
        problem.row: problem for problem in refused_by_sink(Role.QUOTA, mapping=prepared.mapping, rows=rows)
    }
    for problem in refused.values():
        prepared.gather.add(replace(problem, file=file))
    return [row for row in rows if row[0] not in refused]
