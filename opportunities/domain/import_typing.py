"""How the columns of a file write numbers and dates: evidence gathered over every value, then a reading or
a question."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from opportunities.domain.import_mapping import (
    FIELDS,
    LONGEST_KEY,
    NUMERIC,
    TEMPORAL,
    ColumnMap,
    FileMapping,
    Kind,
)
from salesops.kernel.dates import (
    ZERO_DATES,
    BadDate,
    DateOrder,
    cached,
    infer_order,
    parse_moment,
    telling_value,
)
from salesops.kernel.numbers import BadNumber, NumberStyle, infer_style, parse_amount, parse_percent
from salesops.kernel.said import BadValue, Said

KEPT_SAMPLES = 5
KEPT_AMBIGUOUS = 400
DISTINCT_LIMIT = 200_000

_DATE_PART = re.compile(r"\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})(?!\d)|\d{4,6}(?:\.\d+)?$", re.ASCII)
_DECIDES_NOTHING = re.compile(r"-?[0-9]+", re.ASCII)
_CLEARLY_POINT = re.compile(r"-?[0-9]+\.(?:[0-9]{1,2}|[0-9]{4,8})", re.ASCII)


class QuestionKind(StrEnum):
    """What a question is about; the wizard shows each kind in its own way."""

    DATE_ORDER = "DATE_ORDER"
    DECIMAL_MARK = "DECIMAL_MARK"
    IDENTITY = "IDENTITY"
    STAGE = "STAGE"
    REPAIR = "REPAIR"
    MISSING_OWNERS = "MISSING_OWNERS"
    FORMAT = "FORMAT"


@dataclass(frozen=True, slots=True)
class Option:
    """One possible answer."""

    value: str
    label: Said


@dataclass(frozen=True, slots=True)
class Question:
    """Something the file does not decide. Nothing is written while a blocking question is open."""

    key: str
    kind: QuestionKind
    text: Said
    options: tuple[Option, ...] = ()
    suggestion: str = ""
    blocking: bool = True
    file: str = ""
    column: str = ""
    value: str = ""
    count: int = 0
    samples: tuple[str, ...] = ()
    first_row: int | None = None

    def keys(self) -> tuple[str, ...]:
        """The keys that answer it, most specific first: `date-order:deals.csv:Close`, `date-order:Close`,
        `date-order`."""
        if self.kind not in {QuestionKind.DATE_ORDER, QuestionKind.DECIMAL_MARK, QuestionKind.IDENTITY}:
            return (self.key,)
        stem = self.key.split(":", 1)[0]
        return (self.key, f"{stem}:{self.column}", f"{stem}:{self.file}", stem)

    def answer(self, given: dict[str, str]) -> str | None:
        return next((given[key] for key in self.keys() if key in given), None)


@dataclass(slots=True)
class Evidence:
    """What one column showed while its file was read once."""

    kind: Kind
    filled: int = 0
    blank: int = 0
    samples: list[str] = field(default_factory=list)
    undecided: dict[str, None] = field(default_factory=dict)
    """Distinct texts (or date parts) that depend on the reading; bounded."""
    numbers: set[str] = field(default_factory=set)
    values: dict[str, int] = field(default_factory=dict)
    """Distinct values with counts, for columns that refer to something."""
    first_row: dict[str, int] = field(default_factory=dict)

    def see(self, text: str, line: int) -> None:
        """Take one filled cell into account; a long text is neither number nor date, and is told of when its row is."""
        self.filled += 1
        if len(text) > LONGEST_KEY:
            return
        if len(self.samples) < KEPT_SAMPLES and text not in self.samples:
            self.samples.append(text)
        if self.kind in TEMPORAL:
            match = _DATE_PART.match(text)
            if match and len(self.undecided) < 20_000:
                self.undecided[match[0]] = None
        elif self.kind in NUMERIC and not _DECIDES_NOTHING.fullmatch(text):
            if _CLEARLY_POINT.fullmatch(text):
                self.numbers.add(NumberStyle.POINT.value)
            elif len(self.undecided) < KEPT_AMBIGUOUS:
                self.undecided[text.rstrip("% ")] = None
            else:
                self._see_late(text.rstrip("% "))

    def see_reference(self, text: str, line: int) -> None:
        """Count a value that refers to a record."""
        if text in self.values:
            self.values[text] += 1
        elif len(self.values) < DISTINCT_LIMIT and len(text) <= LONGEST_KEY:
            self.values[text] = 1
            self.first_row[text] = line

    def _see_late(self, text: str) -> None:
        """Beyond the kept sample only what decides matters: a value that one style alone can read."""
        if len(self.numbers) < 2:
            styles = infer_style([text])
            if len(styles) == 1 and not _reads_both(text):
                self.numbers |= {str(style) for style in styles}

    def styles(self) -> set[NumberStyle]:
        late = {NumberStyle(name) for name in self.numbers}
        if late and all(_DECIDES_NOTHING.fullmatch(text) for text in self.undecided):
            return late
        found = infer_style(self.undecided)
        if len(found) == 2 and len(late) == 1 and not _contradicts(self.undecided, late):
            return late
        return found | late

    def orders(self) -> set[DateOrder]:
        return infer_order(self.undecided)


def _contradicts(values: Iterable[str], styles: set[NumberStyle]) -> bool:
    """Whether some value can be read, but not in any of these styles."""
    return any(infer_style([text]) - styles and len(infer_style([text])) == 1 for text in values)


def _reads_both(text: str) -> bool:
    try:
        return parse_amount(text, NumberStyle.POINT) == parse_amount(text, NumberStyle.COMMA)
    except BadNumber:
        return False


_ORDER_LABEL = {
    DateOrder.DMY: Said("Day first"), DateOrder.MDY: Said("Month first"), DateOrder.YMD: Said("Year first"),
    DateOrder.EXCEL_1900: Said("Serial day, 1900 system"), DateOrder.EXCEL_1904: Said("Serial day, 1904 system"),
}  # fmt: skip


def date_question(file: str, column: str, evidence: Evidence, orders: set[DateOrder]) -> Question:
    """Ask for the order of a date column, showing what a value that tells them apart becomes under each."""
    sample = telling_value(evidence.undecided, orders)
    options = []
    for order in sorted(orders):
        try:
            read = parse_moment(sample, order)
            day = read.date() if isinstance(read, datetime) else read
            shown = Said("%(order)s: %(text)s is %(date)s", order=_ORDER_LABEL[order], text=sample, date=day)
        except BadDate:
            shown = _ORDER_LABEL[order]
        options.append(Option(order.value, shown))
    text = Said("Dates in “%(column)s” can be read in several ways.", column=column)
    return Question(
        f"date-order:{file}:{column}", QuestionKind.DATE_ORDER, text, tuple(options), "", True, file, column,
        count=evidence.filled, samples=tuple(evidence.samples),
    )  # fmt: skip


_MARK_LABEL = {NumberStyle.POINT: Said("Decimal point"), NumberStyle.COMMA: Said("Decimal comma")}


def decimal_question(file: str, column: str, evidence: Evidence) -> Question:
    """Ask whether comma or point is the decimal mark, showing what a sample would become."""
    sample = next((text for text in evidence.undecided if not _reads_both(text)), "")
    options = []
    for style, mark in _MARK_LABEL.items():
        try:
            read = f"{parse_amount(sample, style):f}"
            shown = Said("%(mark)s: %(text)s is %(number)s", mark=mark, text=sample, number=read)
        except BadNumber:
            shown = mark
        options.append(Option(style.value, shown))
    text = Said("Numbers in “%(column)s” can be read in two ways.", column=column)
    return Question(
        f"decimal:{file}:{column}", QuestionKind.DECIMAL_MARK, text, tuple(options), "", True, file, column,
        count=evidence.filled, samples=tuple(evidence.samples),
    )  # fmt: skip


Reader = Callable[[str], object]

_TRUE = frozenset({"true", "t", "1", "yes", "y", "ja", "wahr", "oui", "vrai", "x"})
_FALSE = frozenset({"false", "f", "0", "no", "n", "nein", "falsch", "non", "faux"})


class BadFlag(BadValue):
    """The text is neither yes nor no."""


def _flag(text: str) -> bool:
    folded = text.casefold()
    if folded in _TRUE:
        return True
    if folded in _FALSE:
        return False
    raise BadFlag(Said("is neither yes nor no"))


def reader_for(kind: Kind, column: ColumnMap) -> Reader:
    """The function that turns a filled cell of this column into a value; it raises `BadValue` with the
    reason."""
    if kind in TEMPORAL:
        order = column.order
        return cached(lambda text: None if text in ZERO_DATES else parse_moment(text, order))
    if kind in NUMERIC:
        style = column.style or NumberStyle.POINT
        parse = parse_percent if kind is Kind.PERCENT else parse_amount
        factor = column.factor()
        if factor is None:
            return lambda text: parse(text, style)
        return lambda text, factor=factor: parse(text, style) * factor  # type: ignore[misc]
    if kind is Kind.BOOL:
        return cached(_flag)
    return lambda text: text


def kinds_of(mapping: FileMapping) -> dict[str, Kind]:
    """The strictest kind each mapped column of a file is read as (a column may feed several fields)."""
    kinds: dict[str, Kind] = {}
    for extract in mapping.extracts:
        for name, column in extract.columns.items():
            spec = FIELDS[extract.role].get(name)
            kind = spec.kind if spec else Kind.TEXT
            if column.column and kinds.get(column.column) in {None, Kind.TEXT, Kind.KEY}:
                kinds[column.column] = kind
    return kinds


def percent_in_range(value: Decimal) -> bool:
    """Whether a number of percent points lies between 0 and 100."""
    return 0 <= value <= 100
