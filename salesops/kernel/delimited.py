"""CSV and its relatives: encoding, delimiter and header found from the file, records streamed with their
line numbers."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from salesops.kernel.lines import Exhausted, Joined, Lines, LongLine, Unclosed
from salesops.kernel.said import Said
from salesops.kernel.tabular import (
    Gatherer,
    Limits,
    Problem,
    Row,
    Shape,
    Table,
    TableReader,
    UnreadableFile,
    clean_header,
    fitted,
)

DELIMITERS = ("+|", "||", ",", ";", "\t", "|", "^", "\x1f")
SAMPLE_BYTES = 256 * 1024
SAMPLE_RECORDS = 200
SURELY_ROWS = 4
"""Lines within a cell that all have as many cells as the header, so many or more, are rows and no text."""
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CP1252_HOLES = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
_LOOKS_LIKE_DATA = re.compile(r"[-+.$€£]?\d[\d.,:/\- T+%]*|\d{4}-\d{2}-\d{2}.*|true|false", re.IGNORECASE)


def open_delimited(
    path: Path,
    *,
    name: str = "",
    limits: Limits | None = None,
    shape: Shape | None = None,
    columns: tuple[str, ...] = (),
) -> Table:
    """Open a delimited file. `shape` overrides what would be found; `columns` names those of a file without header.

    Raises `UnreadableFile` when the file is empty, too large, not text, or has more columns than allowed.
    """
    limits = limits or Limits()
    name = name or path.name
    if path.stat().st_size > limits.file_bytes:
        message = Said("is larger than %(most)s bytes", most=limits.file_bytes)
        raise _unreadable(name, message, Said("Export fewer rows per file."), "TOO_LARGE")
    found = shape or Shape(encoding=detect_encoding(path))
    sample = _sample(path, found.encoding)
    if not sample.strip():
        raise _unreadable(name, Said("is empty"), Said("Export the file again."), "EMPTY")
    if shape is None:
        found = replace(found, delimiter=sniff_delimiter(sample))
        found = replace(
            found, has_header=not columns and looks_like_header(_records(sample, found.delimiter))
        )
    reader = DelimitedReader(path, name, found, limits)
    header = reader.prepare(columns)
    return Table(name, header, found, reader, digest_of(path))


def detect_encoding(path: Path) -> str:
    """The encoding by byte order mark, then by NUL pattern (UTF-16 without mark), then strict UTF-8, then
    cp1252 or latin-1."""
    with path.open("rb") as file:
        head = file.read(4096)
        for mark, encoding in _BOMS:
            if head.startswith(mark):
                return encoding
        even, odd = head[0::2].count(0), head[1::2].count(0)
        half = max(1, len(head) // 2)
        if odd > 0.4 * half and even < 0.1 * half:
            return "utf-16-le"
        if even > 0.4 * half and odd < 0.1 * half:
            return "utf-16-be"
        return _eight_bit(file, head)


def _eight_bit(file: io.BufferedReader, head: bytes) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_utf8, has_hole, block = True, False, head
    while block:
        if is_utf8:
            try:
                decoder.decode(block)
            except UnicodeDecodeError:
                is_utf8 = False
        has_hole = has_hole or bool(_CP1252_HOLES.search(block))
        block = file.read(1 << 20)
    if is_utf8:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            is_utf8 = False
    if is_utf8:
        return "utf-8"
    return "latin-1" if has_hole else "cp1252"


def digest_of(path: Path) -> str:
    """SHA-256 of the file's bytes, in hex: a byte-identical retry is recognised before a row is read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sample(path: Path, encoding: str) -> str:
    with path.open("r", encoding=encoding, errors="replace", newline="") as file:
        text = file.read(SAMPLE_BYTES)
    cut = max(text.rfind("\n"), text.rfind("\r"))
    return text if len(text) < SAMPLE_BYTES or cut < 0 else text[: cut + 1]


def _records(sample: str, delimiter: str) -> list[list[str]]:
    out: list[list[str]] = []
    try:
        for cells in _split(io.StringIO(sample, newline=""), delimiter):
            if any(cells):
                out.append(cells)
            if len(out) >= SAMPLE_RECORDS:
                break
    except csv.Error:
        pass
    return out


def sniff_delimiter(sample: str) -> str:
    """The delimiter that cuts the sample into the most regular records; a one-column file reads as comma-
    separated."""
    best, best_score = ",", 0.0
    for delimiter in DELIMITERS:
        if delimiter not in sample:
            continue
        widths = Counter(len(cells) for cells in _records(sample, delimiter))
        if not widths:
            continue
        width, times = widths.most_common(1)[0]
        share = times / widths.total()
        if width < 2:
            continue
        # Regularity first; among equally regular ones the longer delimiter, then more columns.
        score = share * 100 + (5 if len(delimiter) > 1 else 0) + min(width, 40) / 10
        if score > best_score:
            best, best_score = delimiter, score
    return best


def looks_like_header(records: list[list[str]]) -> bool:
    """Whether the first record names columns: texts, distinct, none of them a number, date or blank inside
    the record."""
    if not records:
        return True
    first = [cell.strip() for cell in records[0]]
    while first and not first[-1]:
        first.pop()
    if any(_LOOKS_LIKE_DATA.fullmatch(cell) for cell in first):
        return False
    return len(first) > 0 and sum(1 for cell in first if not cell) * 2 < len(first)


def _split(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    """Cells of each record; a delimiter of several characters is cut plainly, as such files do not quote."""
    if len(delimiter) == 1:
        yield from csv.reader(lines, delimiter=delimiter)
        return
    for line in lines:
        yield line.rstrip("\r\n").split(delimiter)


class DelimitedReader(TableReader):
    """Streams a delimited file. See `open_delimited`."""

    def __init__(self, path: Path, name: str, shape: Shape, limits: Limits) -> None:
        self._path, self._name, self._shape, self._limits = path, name, shape, limits
        self._width = 0
        self._names: tuple[str, ...] = ()

    def prepare(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        """Read the header (or take `columns`), check its width, and return it."""
        gather = _Refusing() if self._shape.has_header else Gatherer()
        first = next(iter(self._all(gather)), None)
        if first is None:
            raise _unreadable(self._name, Said("holds no records"), Said("Export the file again."), "EMPTY")
        if len(first.cells) > self._limits.columns:
            message = Said("has more than %(most)s columns", most=self._limits.columns)
            raise _unreadable(self._name, message, Said("Export fewer columns."), "TOO_WIDE")
        if self._shape.has_header:
            header = clean_header(first.cells, self._name, self._limits)
        else:
            width = max(len(first.cells), len(columns))
            header = tuple(columns) + tuple(f"column {n}" for n in range(len(columns) + 1, width + 1))
        self._width, self._names = len(header), header
        return header

    def rows(self, gather: Gatherer) -> Iterator[Row]:
        stream = self._all(gather)
        if self._shape.has_header:
            next(stream, None)
        for count, row in enumerate(stream, start=1):
            if count > self._limits.rows:
                message = Said("has more than %(most)s rows", most=self._limits.rows)
                cure = Said("Split the export into several files.")
                gather.add(Problem(self._name, row.line, "", "", message, cure, "TOO_LONG"))
                return
            whole = row if len(row.cells) == self._width else fitted(row, self._width, self._name, gather)
            if whole is not None:
                yield whole

    def _all(self, gather: Gatherer) -> Iterator[Row]:
        with self._path.open("r", encoding=self._shape.encoding, errors="strict", newline="") as file:
            lines = Lines(file, self._limits)
            while True:
                try:
                    yield from self._records(lines, gather)
                    return
                except (Unclosed, Joined, LongLine, csv.Error) as error:
                    lines.refused += 1
                    gather.add(self._broken(lines, error))
                except (UnicodeDecodeError, Exhausted) as error:
                    gather.add(self._ended(lines.number + 1, error))
                    return

    def _ended(self, line: int, error: Exception) -> Problem:
        """Why nothing is read from this line on."""
        if isinstance(error, Exhausted):
            message = Said(
                "has too many lines, or too many quotes that are not closed: nothing is read from here on"
            )
            cure = Said("Close the quotes, or split the export into several files.")
            return Problem(self._name, line, "", "", message, cure, "TOO_LONG")
        message = Said(
            "is not %(encoding)s text: nothing is read from about this line on",
            encoding=self._shape.encoding,
        )
        return Problem(self._name, line, "", "", message, Said("Choose another encoding."), "ENCODING")

    def _records(self, lines: Lines, gather: Gatherer) -> Iterator[Row]:
        limit = self._limits.cell_chars
        lines.begin()
        for cells in _split(lines, self._shape.delimiter):
            start = lines.start
            if lines.has_nul or (len(cells) and max(map(len, cells)) > limit):
                lines.refused += 1
                gather.add(self._bad_cell(lines, cells))
            elif any(cells) and not (lines.is_within_record and self._refuse_joined(lines, cells, gather)):
                yield Row(start, cells)
            lines.begin()

    def _bad_cell(self, lines: Lines, cells: list[str]) -> Problem:
        """What is wrong with the cell that holds most NULs, or is the longest."""
        lengths = [cell.count("\0") if lines.has_nul else len(cell) for cell in cells]
        at = lengths.index(max(lengths))
        column = self._names[at] if at < len(self._names) else ""
        value = cells[at][:1000].replace("\0", "\N{SYMBOL FOR NULL}")[:120]
        what, code = Said("contains a NUL character"), "NUL"
        if not lines.has_nul:
            what, code = (
                Said("has a cell of more than %(most)s characters", most=self._limits.cell_chars),
                "HUGE_CELL",
            )
        cure = Said("Remove it from the export; the rest of the file is read.")
        return Problem(self._name, lines.start, column, value, what, cure, code)

    def _refuse_joined(self, lines: Lines, cells: list[str], gather: Gatherer) -> bool:
        """Whether a record of several lines is no row; raises `Joined` where its lines are rows that a quote left open
        has joined. A cell may have several lines: they are no rows of the table."""
        width, record = self._width, lines.record
        is_ragged = len(cells) < width or any(cells[width:])
        may_be_rows = width >= SURELY_ROWS and (is_ragged or len(record) > 2)
        if may_be_rows and _are_rows(record[1:], self._shape.delimiter, width):
            raise Joined
        if width and is_ragged:
            gather.add(_ragged_over_lines(self._name, lines.start, lines.number, cells, width))
        return bool(width and is_ragged)

    def _broken(self, lines: Lines, error: Exception) -> Problem:
        is_alone, last = not lines.is_within_record, lines.number
        start, text = lines.back_to_second_line()
        value = text[:1000].replace("\0", "\N{SYMBOL FOR NULL}").strip()[:120]  # PostgreSQL stores no NUL
        if isinstance(error, LongLine) and is_alone:
            message = Said("is a line of more than %(most)s characters", most=self._limits.record_chars)
            cure = Said("Export a table with one record per line.")
            return Problem(self._name, start, "", value, message, cure, "HUGE_LINE")
        if isinstance(error, Joined):
            cure = Said("Close or remove the quote in line %(line)s.", line=start)
            return Problem(self._name, start, "", value, _joined(start, last), cure, "UNCLOSED_QUOTE")
        if isinstance(error, (Unclosed, LongLine)):
            message = Said(
                "opens a quote that is not closed within %(most)s lines or before the file ends",
                most=self._limits.record_lines,
            )
            cure = Said("Close or double the quote in this line.")
            return Problem(self._name, start, "", value, message, cure, "UNCLOSED_QUOTE")
        message = Said("cannot be split into cells")
        cure = Said("Shorten the cell or correct its quotes.")
        return Problem(self._name, start, "", value, message, cure, "MALFORMED")


def _joined(start: int, last: int) -> Said:
    if last == start + 1:
        return Said(
            "opens a quote that is closed in line %(last)s; line %(last)s is read without it", last=last
        )
    return Said(
        "opens a quote that is closed in line %(last)s; lines %(first)s to %(last)s are read without it",
        first=start + 1, last=last,
    )  # fmt: skip


def _are_rows(lines: list[str], delimiter: str, width: int) -> bool:
    """Whether each line alone has as many cells as the header."""
    try:
        return all(len(cells) == width for line in lines for cells in csv.reader([line], delimiter=delimiter))
    except csv.Error:
        return False


def _ragged_over_lines(name: str, first: int, last: int, cells: list[str], width: int) -> Problem:
    message = Said(
        "has %(found)s cells where the header has %(width)s: "
        "a quote opened in line %(first)s is closed in line %(last)s",
        found=len(cells), width=width, first=first, last=last,
    )  # fmt: skip
    cure = Said(
        "Close or remove that quote, or quote cells that contain the delimiter; then import the file again."
    )
    return Problem(name, first, "", " | ".join(cells)[:120], message, cure, "RAGGED")


class _Refusing(Gatherer):
    """While the names of the columns are looked for, the first problem refuses the file: the next line is no header."""

    def add(self, problem: Problem) -> None:
        raise UnreadableFile(problem)


def _unreadable(name: str, message: Said, cure: Said, code: str) -> UnreadableFile:
    return UnreadableFile(Problem(name, None, "", "", message, cure, code))
