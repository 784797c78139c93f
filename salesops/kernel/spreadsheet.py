"""XLSX, read in a child process that may be killed.

A workbook is a zip of XML: 390 KB can unpack to 400 MB, and 1.7 KB can name row 1,048,576 of column XFD.
Sizes, declared and actual, and the extent of each sheet are measured before any parser builds cells; the
parser itself runs with a memory and a time limit. Cells come out as text, dates in ISO form by the
workbook's own date system (1900 or 1904).
"""

from __future__ import annotations

import csv
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from salesops.kernel.delimited import digest_of, looks_like_header
from salesops.kernel.packed import CURES, PackedBadly, opened_zip
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
)

CHILD_MEMORY = 512 * 1024 * 1024
"""Address space of the child. The largest sheet within the limits takes about 370 MiB, most of it for empty cells."""
_CELL = re.compile(rb'<(?:\w+:)?(?:c|row)\b[^<>]*?\br="([A-Z]{0,3})(\d{1,7})"')
"""Never past the next tag: looked for to the end of the block, a file of unclosed tags would take hours."""
_NO_RESULT = re.compile(
    rb'<c r="([A-Z]{1,3}\d{1,7})"(?![^<>]*\bt="str")[^<>]*>'
    rb"<f\b(?:[^<>]*/>|[^<>]*>[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>"
)
"""A formula nobody ever calculated: programs that write workbooks leave its result out."""


def open_workbook(
    path: Path,
    *,
    name: str = "",
    limits: Limits | None = None,
    sheet: str = "",
    columns: tuple[str, ...] = (),
) -> Table:
    """Open one sheet (the first when unnamed) of an XLSX. Raises `UnreadableFile` when limits are passed or
    it is no workbook."""
    limits = limits or Limits()
    name = name or path.name
    check_workbook(path, name, limits)
    reader = WorkbookReader(path, name, limits)
    sheets = reader.load(sheet)
    header = reader.prepare(columns)
    shape = Shape(
        encoding="xlsx", delimiter="", has_header=reader.has_header, sheet=sheet or sheets[0], sheets=sheets
    )
    return Table(name, header, shape, reader, digest_of(path))


def check_workbook(path: Path, name: str, limits: Limits) -> None:
    """Refuse a bomb: declared size, actual size, ratio and sheet extent within limits."""
    try:
        with opened_zip(path) as archive:
            names = archive.namelist()
            if "xl/workbook.xml" not in names:
                message = Said("is not an XLSX workbook but another kind of archive")
                raise _refused(name, message, "NOT_A_WORKBOOK")
            sheets = sum(1 for member in names if _is_sheet(member))
            declared = sum(info.file_size for info in archive.infolist())
            if declared > limits.workbook_bytes or declared > limits.ratio * max(1, path.stat().st_size):
                raise _refused(name, Said("unpacks to more than is allowed"), "BOMB")
            left = limits.workbook_bytes
            for info in archive.infolist():
                left -= _measure(archive, info, left, name, limits, is_only=sheets == 1)
    except PackedBadly as bad:
        if bad.code == "NOT_A_ZIP":
            raise _refused(name, Said("is not an XLSX workbook"), "NOT_A_WORKBOOK") from None
        raise _refused(name, bad.message, bad.code) from None


def _is_sheet(member: str) -> bool:
    return member.startswith("xl/worksheets/") and member.endswith(".xml")


def _measure(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, left: int, name: str, limits: Limits, *, is_only: bool
) -> int:
    """How large a member is; refuses it when it is too large, or the only sheet and not calculated."""
    is_sheet = _is_sheet(info.filename)
    size, tail, most_rows, most_columns = 0, b"", 0, 0
    with archive.open(info) as member:
        while block := member.read(1 << 20):
            size += len(block)
            if size > left:
                raise _refused(name, Said("unpacks to more than is allowed"), "BOMB")
            if is_sheet:
                for letters, digits in _CELL.findall(tail + block):
                    most_rows = max(most_rows, int(digits))
                    most_columns = max(most_columns, _column_number(letters))
                if is_only and (cell := _NO_RESULT.search(block)):
                    raise _uncalculated(name, cell[1].decode())
                tail = block[-64:]
    if most_rows > limits.rows or most_columns > limits.columns or most_rows * most_columns > limits.cells:
        message = Said(
            "has a sheet of %(rows)s rows and %(columns)s columns", rows=most_rows, columns=most_columns
        )
        raise _refused(name, message, "TOO_LONG")
    return size


def _uncalculated(name: str, cell: str) -> UnreadableFile:
    message = Said("has a formula without result in cell %(cell)s", cell=cell)
    cure = Said("Open the workbook in a spreadsheet program, save it there, and choose it again.")
    row = int(cell.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    return UnreadableFile(Problem(name, row, "", cell, message, cure, "FORMULA"))


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _refused(name: str, message: Said, code: str) -> UnreadableFile:
    cure = CURES.get(code, Said("Save the sheet as CSV, or export fewer rows."))
    return UnreadableFile(Problem(name, None, "", "", message, cure, code))


class WorkbookReader(TableReader):
    """Holds a sheet converted to CSV by the child; rows keep the sheet's row numbers."""

    def __init__(self, path: Path, name: str, limits: Limits) -> None:
        self._path, self._name, self._limits = path, name, limits
        self._folder = TemporaryDirectory(prefix="sheet-")
        self._csv = Path(self._folder.name) / "sheet.csv"
        self._width = 0
        self.has_header = True

    def load(self, sheet: str) -> tuple[str, ...]:
        """Convert the sheet in a child process; returns the names of all sheets."""
        command = [
            sys.executable,
            "-m",
            "salesops.kernel.spreadsheet",
            str(self._path),
            str(self._csv),
            sheet,
            str(CHILD_MEMORY),
            str(self._limits.seconds),
        ]
        root = str(Path(__file__).resolve().parents[2])
        try:
            done = subprocess.run(
                command, cwd=root, capture_output=True, text=True, timeout=self._limits.seconds, check=False
            )
        except subprocess.TimeoutExpired:
            message = Said("took more than %(seconds)s s to read", seconds=self._limits.seconds)
            raise _refused(self._name, message, "TOO_SLOW") from None
        if done.returncode != 0:
            reason = (done.stderr.strip().splitlines() or [""])[-1][:200]
            if done.returncode < 0 or reason.startswith("MemoryError"):
                message = Said("needs more memory or time to read than one sheet may")
                raise _refused(self._name, message, "TOO_LARGE")
            # Why, in the words of the library that reads it, is for the log only.
            message = Said("cannot be read as a workbook")
            raise _refused(self._name, message, "NOT_A_WORKBOOK") from RuntimeError(reason)
        return tuple(done.stdout.splitlines())

    def prepare(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        """Find the header row (the first that is not blank) or take `columns`."""
        with self._csv.open(encoding="utf-8", newline="") as file:
            records = [cells[1:] for cells in islice(csv.reader(file), 50)]
        if not records:
            raise _refused(self._name, Said("has no rows in this sheet"), "EMPTY")
        self.has_header = not columns and looks_like_header(records)
        width = max(len(record) for record in records)
        first = records[0] + [""] * (width - len(records[0]))
        names = clean_header(first, self._name, self._limits) if self.has_header else tuple(columns) + tuple(
            f"column {n}" for n in range(len(columns) + 1, width + 1)
        )  # fmt: skip
        self._width = len(names)
        return names

    def rows(self, gather: Gatherer) -> Iterator[Row]:
        with self._csv.open(encoding="utf-8", newline="") as file:
            records = csv.reader(file)
            if self.has_header:
                next(records, None)
            for number, *cells in records:
                if max(map(len, cells), default=0) > self._limits.cell_chars or any(
                    "\0" in cell for cell in cells
                ):
                    most = self._limits.cell_chars
                    message = Said("has a cell of more than %(most)s characters or a NUL", most=most)
                    cure = Said("Shorten it.")
                    longest = max(cells, key=len)[:120].replace("\0", "\N{SYMBOL FOR NULL}")
                    gather.add(Problem(self._name, int(number), "", longest, message, cure, "HUGE_CELL"))
                    continue
                yield Row(int(number), (cells + [""] * self._width)[: self._width])


def _cell_text(value: object) -> str:
    """One cell as text: whole floats without point, dates and times in ISO form."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, (date, time, timedelta)):
        return str(value)
    return str(value)


def _convert(source: str, target: str, sheet: str, memory: str, seconds: str) -> None:
    """Child: write the sheet as CSV with the row number first, print the sheet names."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))  # should the parent be gone
    except ImportError:  # no such limits on this system; the parent's measurements and time limit remain
        pass
    from python_calamine import CalamineWorkbook

    workbook = CalamineWorkbook.from_path(source)
    chosen = workbook.get_sheet_by_name(sheet or workbook.sheet_names[0])
    longest = Limits().cell_chars + 1  # longer ones are refused, and a CSV reader stops at 131,072
    with Path(target).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        for number, cells in enumerate(chosen.iter_rows(), start=1):
            texts = [_cell_text(cell)[:longest] for cell in cells]
            if any(texts):
                writer.writerow([number, *texts])
    sys.stdout.write("\n".join(workbook.sheet_names))


if __name__ == "__main__":
    _convert(*sys.argv[1:6])
