"""Whole exports of any roles, as folders, zips and workbooks, as no CRM should write them."""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import xlsxwriter
from hypothesis import strategies as st

from opportunities.domain.import_mapping import (
    FIELDS,
    ColumnMap,
    Extract,
    FieldSpec,
    FileMapping,
    ImportMapping,
    Kind,
    Role,
    StageRule,
)
from tests.fuzz.exports import MEAN, STAGES

KEYS = ("A", "B", "c", "Ann Smith", "Bob Jones", "a ", "1", "01", "D-1", "D-2", "West")
DAYS = ("2026-02-01", "2026-03-31", "2025-12-01", "2026-06-30")
_text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
_short = tuple(text for text in MEAN if len(text) < 1000)
_usual: dict[Kind, st.SearchStrategy[str]] = {
    Kind.KEY: st.sampled_from(KEYS),
    Kind.TEXT: st.sampled_from((*KEYS, "ann@example.com")),
    Kind.DATE: st.sampled_from(DAYS),
    Kind.INSTANT: st.sampled_from((*DAYS, "2026-02-01 08:30", "2026-02-01T08:30:00Z")),
    Kind.BOOL: st.sampled_from(("true", "false", "1", "0", "")),
    Kind.MONEY: st.integers(-(10**6), 10**9).map(str),
    Kind.NUMBER: st.integers(-9, 10**6).map(str),
    Kind.PERCENT: st.sampled_from(("0", "50", "100", "0.5")),
}
SHAPES = ("folder", "zip", "workbooks", "zip of workbooks", "zip in a zip")


@dataclass(frozen=True)
class Parcel:
    """Tables by file name, and how they are sent."""

    tables: dict[str, tuple[Role, list[list[str]]]]
    shape: str
    spoil: tuple[tuple[str, float, int], ...]
    """How, where (a share of the bytes) and with what byte the first file sent is spoiled."""

    def mapping(self) -> ImportMapping:
        """What the columns mean: each is called like its field."""
        files = []
        for name, (role, rows) in self.tables.items():
            columns = {field: ColumnMap(field) for field in rows[0]}
            files.append(FileMapping(self.sent_as(name), "", (Extract(role, columns),)))
        stages = (StageRule("Prospecting", "OPEN", "PIPELINE", 1), StageRule("Closed Won", "WON", "WON", 2))
        return ImportMapping(source="crm", files=tuple(files), stages=stages, currency="USD")

    def sent_as(self, name: str) -> str:
        """The name of a table's file."""
        return f"{name}.xlsx" if "workbooks" in self.shape else f"{name}.csv"

    def send(self, folder: Path) -> Path:
        """Write it all; the file or folder to import."""
        for name, (_role, rows) in self.tables.items():
            data = _workbook(rows) if "workbooks" in self.shape else _delimited(rows)
            if "zip" not in self.shape and name == next(iter(self.tables)):
                data = self._spoiled(data)
            (folder / self.sent_as(name)).write_bytes(data)
        if "zip" not in self.shape:
            return folder
        data = _zip({path.name: path.read_bytes() for path in sorted(folder.iterdir())})
        if self.shape == "zip in a zip":
            data = _zip({"inner.zip": data, "deals.csv": b"external_id\nD-1\n"})
        sent = folder / "export.zip"
        sent.write_bytes(self._spoiled(data))
        return sent

    def _spoiled(self, data: bytes) -> bytes:
        for how, share, byte in self.spoil:
            at = int(len(data) * share)
            rest = {
                "cut": b"", "flip": bytes([byte]) + data[at + 1 :], "insert": bytes([byte]) + data[at:],
                "double": data[at:] + data[at:],
            }[how]  # fmt: skip
            data = data[:at] + rest
        return data


def _delimited(rows: list[list[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode(errors="replace")


def _workbook(rows: list[list[str]]) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet("Rows")
    for number, cells in enumerate(rows):
        for column, text in enumerate(cells):
            if text.isascii() and text.isdigit() and len(text) < 12 and not text.startswith("0"):
                sheet.write_number(number, column, int(text))
            elif text.startswith("=") and len(text) > 1:
                sheet.write_formula(number, column, text, value=2)
            else:
                sheet.write_string(number, column, text)
    book.close()
    return out.getvalue()


def _zip(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def _cells(role: Role, spec: FieldSpec) -> st.SearchStrategy[str]:
    if spec.name == "stage" or (role is Role.STAGE and spec.name == "name"):
        usual = st.sampled_from(STAGES)
    elif "currency" in spec.name:
        usual = st.sampled_from(("USD", "EUR", "usd", "XXX", ""))
    else:
        usual = _usual[spec.kind]
    return st.one_of(usual, usual, usual, st.sampled_from(_short), _text)


@st.composite
def _table(draw: st.DrawFn, role: Role) -> list[list[str]]:
    fields = [
        spec for spec in FIELDS[role].values() if spec.name != "is_deleted" or role is Role.STAGE_HISTORY
    ]
    needed = [spec for spec in fields if spec.name in ("external_id", "name", "deal", "person")]
    others = [spec for spec in fields if spec not in needed]
    chosen = needed + draw(
        st.lists(st.sampled_from(others or needed), unique_by=lambda spec: spec.name, max_size=7)
    )
    chosen = list({spec.name: spec for spec in chosen}.values())
    row = st.tuples(*(_cells(role, spec) for spec in chosen)).map(list)
    return [[spec.name for spec in chosen], *draw(st.lists(row, min_size=1, max_size=5))]


@st.composite
def parcels(draw: st.DrawFn) -> Parcel:
    """One to four tables of different roles, sent in any shape; one in three is spoiled on its way."""
    roles = draw(st.lists(st.sampled_from(tuple(Role)), unique=True, min_size=1, max_size=4))
    tables = {role.value.lower(): (role, draw(_table(role))) for role in roles}
    spoil = st.tuples(
        st.sampled_from(("cut", "flip", "insert", "double")), st.floats(0, 1), st.integers(0, 255)
    )
    damage = draw(st.lists(spoil, min_size=1, max_size=3)) if draw(st.integers(0, 2)) == 0 else []
    return Parcel(tables, draw(st.sampled_from(SHAPES)), tuple(damage))
