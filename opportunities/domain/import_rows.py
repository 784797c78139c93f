"""From the cells of a row to values: typed, repaired, with every problem named by row, column, value, cause
and cure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from opportunities.domain.import_mapping import (
    FIELDS,
    LONGEST_KEY,
    Answers,
    ColumnMap,
    Extract,
    FieldSpec,
    Kind,
    Role,
)
from opportunities.domain.import_typing import percent_in_range, reader_for
from salesops.kernel.numbers import currency_mark
from salesops.kernel.said import BadValue, Said
from salesops.kernel.tabular import Gatherer, Problem, Row, Severity

MONEY_LIMIT = Decimal(10) ** 15
MONEY_PLACES = Decimal("0.0001")
YEARS = range(1900, 2201)
LENGTHS = {
    "name": 255,
    "next_step": 500,
    "deal_type": 64,
    "lead_source": 64,
    "external_id": 128,
    "industry": 100,
    "country": 100,
    "region": 100,
    "city": 100,
    "postal_code": 20,
    "title": 200,
    "email": 254,
    "currency": 3,
    "first_name": 100,
    "last_name": 99,
    "kind": 32,
}
SHORTER = {(Role.PERSON, "name"): 200, (Role.TERRITORY, "name"): 200, (Role.FAMILY, "name"): 200}

_CORRECT_DATE = Said("Correct the date in the CRM, or choose another date order.")
CURES = {
    Kind.DATE: _CORRECT_DATE,
    Kind.INSTANT: _CORRECT_DATE,
    Kind.MONEY: Said("Write the amount in digits 0-9, or choose another decimal mark."),
    Kind.NUMBER: Said("Write the number in digits 0-9, or choose another decimal mark."),
    Kind.PERCENT: Said("Write a percentage from 0 to 100."),
    Kind.BOOL: Said("Write TRUE or FALSE."),
}


@dataclass(slots=True)
class Record:
    """A row read for one role: values by field, blanks absent."""

    role: Role
    line: int
    values: dict[str, Any]
    key: str = ""
    is_rejected: bool = False
    written: dict[str, str] = field(default_factory=dict)
    """What the file has, by field, where a repair replaced it: problems show that, and it can be replaced anew."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """The file's column of each field."""
    mark: str = ""
    """The sign or code of a currency beside the amount."""

    def column(self, name: str) -> str:
        """What the file calls a field; the field's own name where the file has none."""
        return self.columns.get(name, name)


@dataclass(slots=True)
class _Cell:
    """How one field is taken from a row."""

    field: str
    column: str
    index: int
    read: Callable[[str], object]
    kind: Kind
    blanks: frozenset[str]
    repairs: dict[str, tuple[str, str]]
    """Written value -> the column it was given for, and the value to use instead."""
    met: set[tuple[str, str, str]]
    limit: int
    refers: bool


@dataclass(slots=True)
class ExtractReader:
    """Reads one role out of the rows of one file."""

    extract: Extract
    file: str
    cells: list[_Cell]
    constants: dict[str, Any]
    where: list[tuple[int, frozenset[str]]]
    identity: list[int]
    gather: Gatherer
    columns: Mapping[str, str]
    set_aside: int = 0
    skipped: int = 0
    _named: bool = field(default=False)

    def read(self, rows: Iterator[Row]) -> Iterator[Record]:
        """Records of all rows that belong to this role; a rejected one is yielded too, marked."""
        for row in rows:
            record = self.one(row)
            if record is not None:
                yield record

    def one(self, row: Row) -> Record | None:
        """The record of a row, or None when the row is set aside by rule or holds nothing for this role."""
        cells = row.cells
        for index, wanted in self.where:
            if cells[index].strip() not in wanted:
                self.set_aside += 1
                return None
        values: dict[str, Any] = dict(self.constants)
        record = Record(self.extract.role, row.line, values, columns=self.columns)
        for cell in self.cells:
            text = cells[cell.index].strip()
            if not text or text in cell.blanks:
                continue
            if text in cell.repairs:
                text = _repaired(cell, text, record)
                if not text:
                    continue
            value = self._value(cell, text, record)
            if value is not None:
                values[cell.field] = value
        if self.identity:
            record.key = " | ".join(" ".join(cells[index].split()) for index in self.identity)
        elif "external_id" in values:
            record.key = values["external_id"]
        if len(record.key) > LONGEST_KEY and not record.is_rejected:
            self._too_long_key(record)
        if self.extract.optional and not record.key and not values.get("name"):
            self.skipped += 1
            return None
        return record

    def _value(self, cell: _Cell, text: str, record: Record) -> object:
        try:
            value = cell.read(text)
        except BadValue as error:
            self._problem(cell, record, text, error.why, "BAD_VALUE", Severity.ERROR)
            record.is_rejected = True
            return None
        if value is None:
            message = Said("means no date; read as blank")
            self._problem(cell, record, text, message, "ZERO_DATE", Severity.NOTE)
        elif cell.kind is Kind.MONEY:
            return self._money(cell, record, text, value)
        elif cell.kind is Kind.PERCENT and not percent_in_range(value):  # type: ignore[arg-type]
            message = Said("is no percentage from 0 to 100; left out")
            self._problem(cell, record, text, message, "OUT_OF_RANGE", Severity.WARNING)
            return None
        elif cell.kind in {Kind.DATE, Kind.INSTANT} and value.year not in YEARS:  # type: ignore[attr-defined]
            message = Said("lies outside the years 1900 to 2200")
            self._problem(cell, record, text, message, "OUT_OF_RANGE", Severity.ERROR)
            record.is_rejected = True
            return None
        elif cell.refers and len(text) > LONGEST_KEY:
            message = Said(
                "is longer than %(most)s characters, too long to name another record", most=LONGEST_KEY
            )
            self._problem(cell, record, text, message, "TOO_LONG_TEXT", Severity.ERROR)
            record.is_rejected = True
            return None
        elif cell.limit and len(text) > cell.limit:
            message = Said("is longer than %(most)s characters; left out", most=cell.limit)
            self._problem(cell, record, text[:60] + "…", message, "TOO_LONG_TEXT", Severity.WARNING)
            return None
        return value

    def _money(self, cell: _Cell, record: Record, text: str, value: Any) -> Decimal | None:
        if cell.field == "amount" and not (text[0].isdigit() and text[-1].isdigit()):
            record.mark = currency_mark(text)
            record.written.setdefault(cell.field, text)
        if abs(value) >= MONEY_LIMIT:
            message = Said("is too large for an amount")
            self._problem(cell, record, text, message, "OUT_OF_RANGE", Severity.ERROR)
            record.is_rejected = True
            return None
        if value.as_tuple().exponent < -4:
            return value.quantize(MONEY_PLACES, rounding=ROUND_HALF_UP)  # type: ignore[no-any-return]
        return value  # type: ignore[no-any-return]

    def _too_long_key(self, record: Record) -> None:
        message = Said(
            "the columns that identify the row make more than %(most)s characters", most=LONGEST_KEY
        )
        cure = Said("Shorten them in the CRM, or choose other columns to identify rows by.")
        value, record.key, record.is_rejected = record.key[:120], "", True
        self.gather.add(Problem(self.file, record.line, "", value, message, cure, "TOO_LONG_TEXT"))

    def _problem(
        self, cell: _Cell, record: Record, text: str, message: Said, code: str, severity: Severity
    ) -> None:
        cure = CURES.get(cell.kind, Said("Correct the value in the CRM."))
        text = record.written.get(cell.field, text)
        self.gather.add(
            Problem(self.file, record.line, cell.column, text[:120], message, cure, code, severity)
        )


def _repaired(cell: _Cell, text: str, record: Record) -> str:
    given_for, new = cell.repairs[text]
    cell.met.add((given_for, text, cell.column))
    record.written[cell.field] = text
    return new


def extract_reader(
    extract: Extract, file: str, header: tuple[str, ...], answers: Answers, gather: Gatherer
) -> ExtractReader:
    """Compile an extract for a file's header; columns the file lacks are ignored."""
    at = {name: index for index, name in enumerate(header)}
    cells, constants = [], {}
    for name, column in extract.columns.items():
        spec = FIELDS[extract.role].get(name) or FieldSpec(name, Kind.TEXT, Said(name))
        if column.constant:
            constants[name] = reader_for(spec.kind, column)(column.constant)
        elif column.column in at:
            cells.append(_cell(spec, column, at[column.column], extract.role, answers))
    where = [(at[name], frozenset(values)) for name, values in extract.where if name in at]
    identity = [at[name] for name in extract.identity if name in at]
    columns = {cell.field: cell.column for cell in cells}
    return ExtractReader(extract, file, cells, constants, where, identity, gather, columns)


def _cell(spec: FieldSpec, column: ColumnMap, index: int, role: Role, answers: Answers) -> _Cell:
    repairs = {old: (column.column, new) for old, new in column.values}
    named = {column.column, spec.name, *((spec.refers_to.value.lower(),) if spec.refers_to else ()), "*"}
    given = sorted(
        answers.repairs.items(), key=lambda repair: repair[0][0] != "*"
    )  # one for its column goes first
    repairs.update({old: (where, new) for (where, old), new in given if where in named})
    longest = SHORTER.get((role, spec.name)) or LENGTHS.get(spec.name, 0)
    limit = longest if spec.kind in {Kind.TEXT, Kind.KEY} and spec.refers_to is None else 0
    if role is Role.OPPORTUNITY and spec.name == "currency":
        limit = (
            0  # a currency that is stated but not understood rejects the row; left out, it would be invented
        )
    return _Cell(
        spec.name,
        column.column,
        index,
        reader_for(spec.kind, column),
        spec.kind,
        frozenset(column.blanks),
        repairs,
        answers.met,
        limit,
        spec.refers_to is not None,
    )
