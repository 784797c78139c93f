"""Rows into the deal tables by COPY."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from opportunities.domain.deal import TRACKED_FIELDS
from opportunities.domain.import_changes import StageDefaults
from opportunities.domain.import_history import Segment, Semantics
from opportunities.services.imports_references import Keys

FAR = "9999-12-31 00:00:00+00"


@dataclass(slots=True)
class Writer:
    """What writing a chunk needs to know."""

    batch_id: int
    source: str
    keys: Keys
    rules: Semantics
    stamp: datetime
    change_sets: dict[int, int]
    """File number -> change set."""
    policies: dict[str, str]
    stages: dict[int, StageDefaults]


VERSION_COLUMNS = (
    "opportunity_id",
    "seq",
    "valid_from",
    "valid_to",
    "recorded_at",
    "superseded_at",
    "change_set_id",
    "source_row",
    "origin",
    *TRACKED_FIELDS,
)


def version_row(
    deal_id: int, seq: int, segment: Segment, valid_to: datetime | None, writer: Writer
) -> list[Any]:
    """One version as a row to copy."""
    until = valid_to.isoformat() if valid_to is not None else FAR
    head = (
        deal_id, seq, segment.valid_from.isoformat(), until, writer.stamp.isoformat(), FAR,
        writer.change_sets[segment.file], segment.line, segment.origin,
    )  # fmt: skip
    return [cell(value) for value in (*head, *(segment.state[name] for name in TRACKED_FIELDS))]


def insert_versions(rows: Iterable[list[Any]]) -> None:
    """Copy versions into history."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerows(rows)
    copy_in("opportunities_opportunityversion", VERSION_COLUMNS, buffer)


def copy_in(table: str, columns: Sequence[str], buffer: io.StringIO) -> None:
    """COPY a CSV buffer into a table; `\\N` is null, so that an empty text stays one."""
    buffer.seek(0)
    with connection.cursor() as cursor:
        cursor.copy_expert(
            f"COPY {table} ({', '.join(columns)}) FROM STDIN WITH (FORMAT csv, NULL '\\N')", buffer
        )


def cell(value: Any) -> Any:
    """A value as a cell of a COPY buffer."""
    if value is None:
        return "\\N"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return value
