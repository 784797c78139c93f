"""Which stages the deals of an upload stand in, counted for the page that asks what they mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import islice
from typing import Any

from opportunities.domain.import_mapping import FileMapping, ImportMapping, Role
from opportunities.models import ImportBatch
from opportunities.services.imports_reading import open_file
from salesops.kernel.tabular import AT_ONCE, Gatherer, Table

COUNTED_ROWS = 100_000
"""So many rows of a file are looked at: the page must not keep anybody waiting. Every row is when it is checked."""
SHOWN = 200


def note_stage_values(
    batch: ImportBatch, mapping: ImportMapping, tables: Mapping[str, Table] | None = None
) -> None:
    """Keep with each file of deals the texts of its stage column and how many rows have each."""
    for file in batch.files.order_by("position"):
        mapped = mapping.file(file.name)
        column = _stage_column(mapped)
        noted = file.shape.get("stages") or {}
        if tables is None and noted.get("column", "") == column:
            continue
        stages: dict[str, Any] = {}
        if column and mapped is not None:
            table = (tables or {}).get(file.name) or open_file(file, mapped.columns, limits=AT_ONCE)
            stages = _counted(table, mapped.columns or table.header, column)
        file.shape = {**file.shape, "stages": stages}
        file.save(update_fields=["shape"])


def _stage_column(mapped: FileMapping | None) -> str:
    parts = mapped.extracts if mapped else ()
    named = (
        part.columns["stage"].column
        for part in parts
        if part.role is Role.OPPORTUNITY and "stage" in part.columns
    )
    return next(named, "")


def _counted(table: Table, header: tuple[str, ...], column: str) -> dict[str, Any]:
    if column not in header:
        return {}
    index, counts, rows, gather = header.index(column), Counter[str](), 0, Gatherer()
    for row in islice(table.rows(gather), COUNTED_ROWS):
        rows += 1
        text = row.cells[index].strip()
        if text:
            counts[text] += 1
    is_whole = rows < COUNTED_ROWS and "TOO_LONG" not in gather.counts
    return {"column": column, "counts": dict(counts.most_common(SHOWN)), "is_whole": is_whole}
