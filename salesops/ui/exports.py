"""Files people open in a spreadsheet: CSV that Excel reads as UTF-8 and that cannot carry a formula.

Every export of the product is written here, so that a deal called ``=HYPERLINK(…)`` stays the text it is
(`tests/house/test_exports.py` finds writers elsewhere).
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

import xlsxwriter
from django.http import HttpResponse
from django.utils.text import slugify

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What makes a spreadsheet calculate: the signs, white space some of them strip, and the signs' full-width forms."""
BYTE_ORDER_MARK = "\ufeff"


_WITHIN = re.compile(r"([;\t\r\n][ \"]*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")
"""Where a cell would begin in a spreadsheet that takes semicolons or tabs for what parts cells, as those in German do:
it heeds no quotes that stand inside such a cell."""


def safe_text(text: str) -> str:
    """The text; where a spreadsheet would take it, or a part of it, for a formula, an apostrophe stands in front."""
    text = _WITHIN.sub(r"\1'", text)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def plain_decimal(value: Decimal) -> str:
    """The number in digits, without an exponent and without zeros at its end that say nothing."""
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def safe_cell(value: object) -> str:
    """The value as text: numbers as they are, texts without power, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return plain_decimal(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, (dict, list)):
        return safe_text(json.dumps(value, ensure_ascii=False, default=str))
    return safe_text(str(value))


class _Echo:
    """A file that hands back what is written."""

    def write(self, text: str) -> str:
        """The text itself."""
        return text


def csv_lines(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Each row as one line of CSV (RFC 4180), for files too long to hold at once."""
    writer = csv.writer(_Echo())
    for row in rows:
        yield writer.writerow([safe_cell(cell) for cell in row])  # type: ignore[misc]


def csv_text(header: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """Header and rows as CSV, with the mark by which Excel knows UTF-8."""
    return BYTE_ORDER_MARK + "".join(csv_lines([header])) + "".join(csv_lines(rows))


def file_stem(title: str, period: str = "") -> str:
    """What to call a file: its title, shortened where it is long, and the period, which is never cut off."""
    last = slugify(period)
    first = slugify(title)[: 80 - len(last)].strip("-")
    return "-".join(part for part in (first, last) if part)


def csv_response(
    name: str,
    header: Sequence[object],
    rows: Iterable[Sequence[object]],
    facts: Sequence[tuple[str, str]] = (),
) -> HttpResponse:
    """A CSV download named `name`; `facts`, what was asked, stand above the header with a line left empty."""
    above = "".join(csv_lines([*facts, []])) if facts else ""
    text = BYTE_ORDER_MARK + above + csv_text(header, rows).removeprefix(BYTE_ORDER_MARK)
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def new_workbook(buffer: io.BytesIO) -> xlsxwriter.Workbook:
    """An empty workbook in which text stays text: no formula and no link is made of what somebody typed."""
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    return xlsxwriter.Workbook(buffer, {**options, "strings_to_numbers": False})


def xlsx_response(
    name: str, sheet: str, header: Sequence[object], rows: Iterable[Sequence[object]]
) -> HttpResponse:
    """A workbook of one sheet: numbers as numbers, text as text (never as a formula), the header frozen."""
    buffer = io.BytesIO()
    book = new_workbook(buffer)
    page = book.add_worksheet(sheet[:31])
    bold = book.add_format({"bold": True})
    for column, cell in enumerate(header):
        page.write_string(0, column, str(cell), bold)
    page.freeze_panes(1, 1)
    for index, row in enumerate(rows, start=1):
        for column, cell in enumerate(row):
            if isinstance(cell, (int, Decimal)) and not isinstance(cell, bool):
                page.write_number(index, column, cell)
            elif cell is not None:
                page.write_string(index, column, str(cell))
    page.autofit()
    book.close()
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    response = HttpResponse(buffer.getvalue(), content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
