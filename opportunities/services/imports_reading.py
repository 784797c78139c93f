"""Opening the files of a batch and finding out what export they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from opportunities.crm.preset import FileHead
from opportunities.crm.recognise import recognise
from opportunities.crm.suggest import suggest_file
from opportunities.domain.import_json import mapping_from_json
from opportunities.domain.import_mapping import Answers, FileMapping, ImportMapping, signature_of
from opportunities.models import ImportBatch, ImportFile, RememberedMapping
from salesops.kernel.archive import SourceFile, open_table
from salesops.kernel.tabular import AT_ONCE, Gatherer, Limits, Problem, Shape, Table, UnreadableFile

LIMITS = Limits()
SAMPLE_ROWS = 5


def answers_of(batch: ImportBatch) -> Answers:
    """The decisions stored with a batch."""
    repairs = {(column, old): new for column, old, new in batch.repairs}
    return Answers(dict(batch.answers), repairs)


def open_tables(
    batch: ImportBatch, mapping: ImportMapping | None = None, *, limits: Limits = LIMITS
) -> tuple[dict[str, Table], list[Problem]]:
    """The tables of a batch by file name, with problems for files that cannot be read at all."""
    tables: dict[str, Table] = {}
    problems: list[Problem] = []
    for file in batch.files.order_by("position"):
        columns: tuple[str, ...] = ()
        if mapping is not None:
            known = mapping.file(file.name)
            columns = known.columns if known else ()
        try:
            tables[file.name] = open_file(file, columns, limits=limits)
        except UnreadableFile as error:
            problems.append(error.problem)
    return tables, problems


def open_file(file: ImportFile, columns: tuple[str, ...] = (), *, limits: Limits = LIMITS) -> Table:
    """One file as a table, in the shape a person chose for it, if any. Raises `UnreadableFile`."""
    chosen: dict[str, Any] = file.shape.get("chosen") or {}
    shape = Shape(**{**chosen, "sheets": tuple(chosen.get("sheets", ()))}) if chosen else None
    return open_table(SourceFile(Path(file.path), file.name), limits=limits, shape=shape, columns=columns)


def has_broken_rows(file: ImportFile) -> bool:
    """Whether lines of a file cannot be split into as many cells as it has columns."""
    gather = Gatherer()
    for _row in open_file(file, limits=AT_ONCE).rows(gather):
        pass
    return gather.total > 0


def heads_of(tables: dict[str, Table]) -> list[FileHead]:
    """Names and headers, for recognition."""
    return [FileHead(table.name, table.header, table.shape.has_header) for table in tables.values()]


def mapping_for(tables: dict[str, Table], *, preset: str = "", source: str = "") -> ImportMapping:
    """The mapping of these files: a remembered one, else the preset that fits best, else suggestions by column name.

    Files that a preset does not know are ignored, and said to be.
    """
    heads = heads_of(tables)
    recognised = recognise(heads, preset)
    if recognised is None:
        files = tuple(mapping for mapping in (suggest_file(head) for head in heads) if mapping is not None)
        recognised = ImportMapping(source=source or "files", files=files)
    mapping = replace(recognised, source=source or recognised.source)
    return mapping if preset else _with_remembered(mapping, heads)


def _with_remembered(mapping: ImportMapping, heads: list[FileHead]) -> ImportMapping:
    by_signature = {signature_of(head.header): head for head in heads}
    found = RememberedMapping.objects.filter(signature__in=by_signature, source=mapping.source)
    for remembered in found.order_by("pk"):
        head = by_signature[remembered.signature]
        parsed = mapping_from_json({"files": [remembered.file_mapping], **remembered.run_mapping})
        mapping = mapping.with_file(replace(parsed.files[0], name=head.name))
        stated = {rule.name.casefold() for rule in mapping.stages}
        more = tuple(rule for rule in parsed.stages if rule.name.casefold() not in stated)
        mapping = replace(mapping, stages=(*mapping.stages, *more))
    return mapping


def remembered_answers(tables: dict[str, Table], source: str) -> Answers:
    """What was answered and repaired for files of these headers before."""
    signatures = [signature_of(table.header) for table in tables.values()]
    given: dict[str, str] = {}
    repairs: dict[tuple[str, str], str] = {}
    for remembered in RememberedMapping.objects.filter(signature__in=signatures, source=source).order_by(
        "used_at"
    ):
        given.update(remembered.answers)
        repairs.update({(column, old): new for column, old, new in remembered.repairs})
    return Answers(given, repairs)


def combine(remembered: Answers, given: Answers) -> Answers:
    """What is answered now takes precedence over what was remembered."""
    return Answers({**remembered.given, **given.given}, {**remembered.repairs, **given.repairs})


def with_columns(file: FileMapping, table: Table) -> FileMapping:
    """The mapping with the signature of the file as it was read."""
    return replace(file, signature=file.signature or signature_of(table.header))
