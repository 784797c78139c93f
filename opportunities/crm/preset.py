"""What a preset is: how to recognise the files of an export by their headers, and what their columns mean."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from opportunities.domain.import_mapping import (
    FIELDS,
    ColumnMap,
    Extract,
    FileMapping,
    ImportMapping,
    Role,
    StageRule,
    signature_of,
)


@dataclass(frozen=True, slots=True)
class FileHead:
    """What is known of a file before it is read: its name, header, and the first rows."""

    name: str
    header: tuple[str, ...]
    has_header: bool = True
    sample: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class FilePattern:
    """One kind of file of an export: recognised by columns it must have, or (without header) by name and
    width."""

    needs: tuple[str, ...]
    extracts: tuple[Extract, ...]
    file_name: str = ""
    """Regular expression on the file's name; demanded for files without header."""
    columns: tuple[str, ...] = ()
    """Names of the columns of a file without header."""

    def fits(self, head: FileHead) -> int:
        """How specific the match is (number of demanded columns); 0 = no match."""
        if self.file_name and not re.fullmatch(self.file_name, head.name, re.IGNORECASE):
            return 0
        if self.columns:
            width = len(head.header)
            return width if not head.has_header and width == len(self.columns) else 0
        have = {name.casefold() for name in head.header}
        return (
            len(self.needs) if head.has_header and all(need.casefold() in have for need in self.needs) else 0
        )

    def mapping(self, head: FileHead) -> FileMapping:
        """The mapping of this very file: alternatives chosen, absent columns left out."""
        header = self.columns or head.header
        by_fold = {name.casefold(): name for name in header}
        extracts = tuple(_present(extract, by_fold) for extract in self.extracts)
        return FileMapping(head.name, signature_of(header), extracts, self.columns)


@dataclass(frozen=True, slots=True)
class Preset:
    """An export format: its files and its stated semantics."""

    code: str
    label: str
    patterns: tuple[FilePattern, ...]
    base: ImportMapping = field(default_factory=ImportMapping)

    def recognise(self, heads: list[FileHead]) -> tuple[int, ImportMapping]:
        """Score (0 = not this format) and mapping. A format is only recognised by a file that carries its
        main rows."""
        score, files = 0, []
        for head in heads:
            best = max(self.patterns, key=lambda pattern: pattern.fits(head))
            fit = best.fits(head)
            if not fit:
                continue
            files.append(best.mapping(head))
            weight = 10 if any(extract.role in _MAIN for extract in best.extracts) else 1
            score += weight * fit
        mapping = replace(
            self.base, preset=self.code, source=self.base.source or self.code, files=tuple(files)
        )
        return score, mapping


_MAIN = frozenset({Role.OPPORTUNITY, Role.ORDER_LINE, Role.QUOTA, Role.CURRENCY_RATE})


def _present(extract: Extract, by_fold: dict[str, str]) -> Extract:
    columns: dict[str, ColumnMap] = {}
    for name, column in extract.columns.items():
        if column.constant:
            columns[name] = column
            continue
        found = next(
            (by_fold[alt.casefold()] for alt in column.column.split("|") if alt.casefold() in by_fold), None
        )
        if found is not None:
            columns[name] = replace(column, column=found)
    where = tuple(
        (by_fold[name.casefold()], values) for name, values in extract.where if name.casefold() in by_fold
    )
    identity = tuple(by_fold[name.casefold()] for name in extract.identity if name.casefold() in by_fold)
    return replace(extract, columns=columns, where=where, identity=identity)


def extract(
    role: Role,
    *,
    where: dict[str, tuple[str, ...]] | None = None,
    optional: bool = False,
    identity: tuple[str, ...] = (),
    blanks: tuple[str, ...] = (),
    **columns: str | ColumnMap,
) -> Extract:
    """Declare an extract; a column is its header name (alternatives parted by `|`) or a whole `ColumnMap`."""
    maps = {}
    for name, column in columns.items():
        if name not in FIELDS[role]:
            raise ValueError(f"{role} has no field {name}")
        maps[name] = ColumnMap(column, blanks=blanks) if isinstance(column, str) else column
    return Extract(role, maps, tuple((where or {}).items()), identity, optional)


def stages(
    *rows: tuple[str, str, str] | tuple[str, str, str, str], process: str = ""
) -> tuple[StageRule, ...]:
    """Declare stages in order: name, status, category, and probability where the source states one."""
    return tuple(
        StageRule(row[0], row[1], row[2], position, row[3] if len(row) > 3 else "", process)
        for position, row in enumerate(rows, start=1)
    )
