"""How a file of an import is read where a person knows better than we found out: encoding, delimiter, sheet."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from opportunities.domain.import_json import mapping_from_json
from opportunities.models import ImportBatch, ImportFile
from opportunities.services.imports import ImportRefused
from opportunities.services.imports_reading import open_file
from opportunities.services.imports_stage_values import note_stage_values
from salesops.kernel.said import Said
from salesops.kernel.tabular import AT_ONCE, Gatherer, Shape, UnreadableFile
from salesops.wall.context import saving

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1", "cp1250", "cp1251", "shift_jis", "gb18030")
DELIMITERS = (",", ";", "\t", "|", "+|", "^")
SAMPLE_ROWS = 5


@saving()
def reshape_file(
    *,
    batch_id: int,
    position: int,
    encoding: str = "",
    delimiter: str = "",
    sheet: str = "",
    has_header: bool = True,
) -> bool:
    """Read the file in another way from now on; returns whether anything differs from how it was read.

    Raises `ImportRefused` when it cannot be read that way, or the import is past changing.
    """
    batch = ImportBatch.objects.select_for_update().get(pk=batch_id)
    if batch.state in {ImportBatch.State.RUNNING, ImportBatch.State.DONE, ImportBatch.State.UNDONE}:
        raise ImportRefused(Said("This import can no longer be changed."))
    file = batch.files.get(position=position)
    found = _shape(file.shape.get("chosen") or file.shape.get("found") or {})
    wanted = replace(
        found,
        encoding=_offered(encoding or found.encoding, found.encoding),
        delimiter=delimiter if delimiter in DELIMITERS else found.delimiter,
        sheet=sheet if sheet in found.sheets else found.sheet,
        has_header=has_header,
    )
    if wanted == found:
        return False
    file.shape = {**file.shape, "chosen": asdict(wanted)}
    _look_again(file)
    note_stage_values(batch, mapping_from_json(batch.mapping))
    return True


def _offered(name: str, found: str) -> str:
    """One of the encodings the page offers: Python knows others that take hours (punycode) or are no text (zip)."""
    if name not in (found, *ENCODINGS):
        raise ImportRefused(Said("“%(name)s” is not an encoding.", name=name))
    return name


def _shape(data: dict[str, Any]) -> Shape:
    return Shape(**{**data, "sheets": tuple(data.get("sheets", ()))})


def _look_again(file: ImportFile) -> None:
    try:
        table = open_file(file, limits=AT_ONCE)
        sample = [row.cells for _, row in zip(range(SAMPLE_ROWS), table.rows(Gatherer()), strict=False)]
    except (UnreadableFile, UnicodeError) as error:
        raise ImportRefused(Said("“%(name)s” cannot be read that way.", name=file.name)) from error
    file.header, file.sample = list(table.header), sample
    file.shape = {**file.shape, "found": asdict(table.shape), "chosen": asdict(table.shape), "stages": {}}
    file.save(update_fields=["shape", "header", "sample"])
