"""Tables as files: CSV for machines, a workbook for people; what was asked is written on top.

Figures are calculated with many digits; here is where a file rounds them: amounts to the minor unit of their currency,
ratios to `RATIO_PLACES`.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.http import HttpResponse

from forecasting.domain.columns import Unit
from salesops.kernel.money import minor_step, quantize_half_up
from salesops.ui.exports import BYTE_ORDER_MARK, csv_lines, file_stem, new_workbook, plain_decimal

WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FLOAT_DIGITS = 15
RATIO_PLACES = 6


@dataclass(frozen=True)
class Sheet:
    """A table with a title and the facts that say what it shows (whose, when, in what).

    `units` by place of the column: how a workbook writes its numbers (money where nothing is said).
    """

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[Any]]
    facts: Sequence[tuple[str, str]]
    units: Mapping[int, Unit] = field(default_factory=dict)
    minor_unit: int = 2
    plain: frozenset[int] = frozenset()
    """Places of columns whose numbers are no amounts, and keep all their digits."""
    period: str = ""
    """Named at the end of the file's name."""

    def number_format(self, place: int) -> str:
        """How a workbook writes the numbers of a column."""
        if place in self.plain:
            return "General"
        shown = {Unit.RATIO: "0.0%", Unit.MULTIPLE: "0.00"}.get(self.units.get(place, Unit.MONEY))
        return shown or "#,##0" + str(minor_step(self.minor_unit))[1:]


def rounded(value: Decimal | None, unit: Unit, minor_unit: int) -> Decimal | None:
    """A figure as files carry it."""
    if value is None:
        return None
    return quantize_half_up(value, minor_unit if unit is Unit.MONEY else RATIO_PLACES)


def respond(kind: str, sheet: Sheet) -> HttpResponse:
    """The sheet as a download: `xlsx`, otherwise CSV in UTF-8."""
    if kind == "xlsx":
        response = HttpResponse(workbook(sheet), content_type=WORKBOOK)
    else:
        response = HttpResponse(table(sheet), content_type="text/csv; charset=utf-8")
    name = file_stem(sheet.title, sheet.period) or "forecast"
    response["Content-Disposition"] = f'attachment; filename="{name}.{"xlsx" if kind == "xlsx" else "csv"}"'
    return response


def table(sheet: Sheet) -> bytes:
    """CSV with a byte order mark, so that spreadsheets read it as UTF-8; texts that look like formulas are defused."""
    rows = [[_iso(value) for value in row] for row in sheet.rows]
    return (BYTE_ORDER_MARK + "".join(csv_lines([*sheet.facts, [], sheet.head, *rows]))).encode()


def _iso(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date) else value


def workbook(sheet: Sheet) -> bytes:
    """A workbook: facts, a frozen head, numbers as numbers (as exact text where a spreadsheet would round them)."""
    out = io.BytesIO()
    book = new_workbook(out)
    page = book.add_worksheet("Forecast")
    bold, day = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
    numbers = [
        book.add_format({"num_format": sheet.number_format(place)}) for place in range(len(sheet.head))
    ]
    for line, (name, text) in enumerate(sheet.facts):
        page.write_string(line, 0, name)
        page.write_string(line, 1, text)
    top = len(sheet.facts) + 1
    for place, name in enumerate(sheet.head):
        page.write_string(top, place, name, bold)
    for line, row in enumerate(sheet.rows, start=top + 1):
        for place, value in enumerate(row):
            _write(page, line, place, value, numbers[place], day)
    page.freeze_panes(top + 1, 1)
    page.set_column(0, 0, 34)
    page.set_column(1, max(len(sheet.head) - 1, 1), 16)
    book.close()
    return out.getvalue()


def _write(page: Any, line: int, place: int, value: Any, number: Any, day: Any) -> None:
    if isinstance(value, Decimal):
        if len(value.normalize().as_tuple().digits) <= FLOAT_DIGITS:
            page.write_number(line, place, float(value), number)
        else:
            page.write_string(line, place, plain_decimal(value))
    elif isinstance(value, dt.date):
        page.write_datetime(line, place, dt.datetime.combine(value, dt.time()), day)
    elif isinstance(value, int):
        page.write_number(line, place, value)
    elif value is not None:
        page.write_string(line, place, str(value))
