"""Files of rows: what every reader yields, and the limits it keeps.

A reader streams `Row`s, each with the 1-based line (or sheet row) where it starts, and gathers `Problem`s
instead of raising at the first: an import shows all that is wrong at once. `delimited.py` reads CSV and its
relatives, `spreadsheet.py` XLSX, `archive.py` finds the files of a folder or zip.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from salesops.kernel.said import Said

MIB = 1024 * 1024
LONGEST_SHOWN = 200
"""Characters of a value that are kept to say what is wrong with it: ten thousand whole cells would be a gigabyte."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a file is read before it is refused; sizes in bytes."""

    file_bytes: int = 1024 * MIB
    unpacked_bytes: int = 1024 * MIB
    """Total a zip of CSV files may unpack to, declared and actual."""
    workbook_bytes: int = 50 * MIB
    """What one XLSX may unpack to: XML grows tenfold in memory."""
    ratio: int = 100
    """Largest unpacked : packed ratio of a zip or XLSX."""
    rows: int = 2_000_000
    columns: int = 500
    cells: int = 10_000_000
    """Rows times columns of a sheet, empty ones included."""
    cell_chars: int = 100_000
    record_lines: int = 100
    """Lines one quoted record may span; more means a quote was never closed."""
    record_chars: int = 4_000_000
    """Characters of one record, over all its lines; more is no table, and is never held in memory."""
    lines: int = 20_000_000
    """Lines read in all, those read again after a quote that is not closed included."""
    again_chars: int = 256 * MIB
    """Characters read again after quotes that are not closed."""
    again_lines: int = 1_000_000
    """Lines read again after them: each quote that is never closed costs a hundred."""
    name_chars: int = 255
    """Characters of a column's name. Names are compared with all that are known, letter by letter."""
    seconds: int = 60
    """How long one workbook may take to read."""
    files: int = 200
    problems: int = 10_000
    """Problems kept one by one; beyond it they are only counted."""


AT_ONCE = Limits(lines=250_000)
"""For what is read while somebody waits for a page."""


class Severity(StrEnum):
    """What a problem does to its row."""

    ERROR = "ERROR"
    """The row (or file) is not taken."""
    WARNING = "WARNING"
    """The row is taken, the value is not."""
    NOTE = "NOTE"
    """Taken as it is; worth knowing."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong, where it is, and what to do about it."""

    file: str
    row: int | None
    column: str
    value: str
    message: Said
    cure: Said
    code: str = "BAD_VALUE"
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True)
class Row:
    """One record: the line where it starts and its cells as text, one per header column."""

    line: int
    cells: list[str]


class UnreadableFile(Exception):
    """The file as a whole cannot be read; carries the problem to show."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.file}: {problem.message}")
        self.problem = problem


@dataclass(slots=True)
class Gatherer:
    """Collects problems up to a limit, counts all of them by code, and notes those of `watched` values in any case."""

    limit: int = 10_000
    problems: list[Problem] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    watched: Collection[str] = ()
    seen: set[tuple[str, str, str]] = field(default_factory=set)
    """(code, column, value) of the problems of watched values."""

    def add(self, problem: Problem) -> None:
        self.counts[problem.code] = self.counts.get(problem.code, 0) + 1
        if problem.value in self.watched:
            self.seen.add((problem.code, problem.column, problem.value))
        if len(self.problems) < self.limit:
            long = len(problem.value) > LONGEST_SHOWN
            self.problems.append(replace(problem, value=problem.value[:LONGEST_SHOWN]) if long else problem)

    def count(self, code: str, number: int) -> None:
        """So many more of a kind that are not told one by one."""
        self.counts[code] = self.counts.get(code, 0) + number

    @property
    def room(self) -> int:
        """How many more are kept."""
        return self.limit - len(self.problems)

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Shape:
    """How a file was understood; shown to the person, and overridable."""

    encoding: str = "utf-8"
    delimiter: str = ","
    has_header: bool = True
    sheet: str = ""
    sheets: tuple[str, ...] = ()


@dataclass(slots=True)
class Table:
    """A file opened for reading: header, shape, and a fresh stream of rows each time `rows()` is called."""

    name: str
    header: tuple[str, ...]
    shape: Shape
    reader: TableReader
    digest: str = ""

    def rows(self, gather: Gatherer) -> Iterator[Row]:
        """Stream the records after the header; what cannot be read goes to `gather`."""
        return self.reader.rows(gather)


class TableReader(ABC):
    """What a format must offer: a stream of rows that can be started again."""

    @abstractmethod
    def rows(self, gather: Gatherer) -> Iterator[Row]:
        """Yield the records after the header."""


def clean_header(names: list[str], file: str, limits: Limits) -> tuple[str, ...]:
    """Header names without surrounding blanks, blanks inside collapsed, empty and repeated ones made
    distinct by position. Raises `UnreadableFile` where one is no name but a text."""
    seen: dict[str, int] = {}
    out: list[str] = []
    for position, raw in enumerate(names, start=1):
        name = " ".join(raw.split()) or f"column {position}"
        if len(name) > limits.name_chars:
            message = Said("has a column name of more than %(most)s characters", most=limits.name_chars)
            cure = Said("Name the columns in the first line, each in a few words.")
            raise UnreadableFile(Problem(file, None, "", name[:LONGEST_SHOWN], message, cure, "LONG_NAME"))
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(out)


def fitted(row: Row, width: int, file: str, gather: Gatherer) -> Row | None:
    """`row` with exactly `width` cells, or None with a problem: a ragged row is never padded or cut
    silently."""
    found = len(row.cells)
    if found == width:
        return row
    if found > width and not any(row.cells[width:]):
        return Row(row.line, row.cells[:width])
    message = Said("has %(found)s cells where the header has %(width)s", found=found, width=width)
    cure = Said("Quote cells that contain the delimiter or a line break, then import the file again.")
    gather.add(Problem(file, row.line, "", _excerpt(row.cells), message, cure, "RAGGED"))
    return None


def _excerpt(cells: list[str]) -> str:
    text = " | ".join(cells)
    return text if len(text) <= 120 else text[:117] + "..."
