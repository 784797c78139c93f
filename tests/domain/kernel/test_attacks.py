"""Files made to take a server down, or to be misread: each ends in a reading or in a refusal that says what to do."""

from __future__ import annotations

import io
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from salesops.kernel import spreadsheet
from salesops.kernel.archive import SourceFile, find_files, open_table
from salesops.kernel.tabular import Gatherer, Limits, Problem, UnreadableFile
from tests.german import left_in_english

MIB = 1024 * 1024
ROOT = Path(__file__).resolve().parents[3]
READ = """
import sys
from pathlib import Path
from salesops.kernel import spreadsheet
from salesops.kernel.archive import SourceFile, open_table
from salesops.kernel.tabular import Gatherer, UnreadableFile
gather = Gatherer()
try:
    count = sum(1 for row in open_table(SourceFile(Path(sys.argv[1]), "file.csv")).rows(gather))
    codes = [problem.code for problem in gather.problems[:1]]
except UnreadableFile as refused:
    count, codes = 0, [refused.problem.code]
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(count, *codes, int(peak.split()[1]) // 1024)
"""


def read_apart(path: Path) -> tuple[int, str, int]:
    """Rows, the first problem's code and MiB at most, of a process that reads the file and does nothing else."""
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    count, *codes, mib = done.stdout.split()
    return int(count), " ".join(codes), int(mib)


def read(path: Path, limits: Limits | None = None) -> tuple[list[tuple[int, list[str]]], list[Problem]]:
    """Rows with their lines, and what was told; of a refused file only the refusal."""
    gather = Gatherer()
    try:
        table = open_table(SourceFile(path, path.name), limits=limits)
        rows = [(row.line, row.cells) for row in table.rows(gather)]
    except UnreadableFile as refused:
        rows, gather.problems = [], [refused.problem]
    assert all((problem.message, problem.cure) for problem in gather.problems)
    assert (
        left_in_english(*(said for problem in gather.problems for said in (problem.message, problem.cure)))
        == []
    )
    return rows, gather.problems


def file(tmp_path: Path, data: bytes, name: str = "deals.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("before", "unit", "code"),
    [
        (b"a,b\n1,", b"x", "HUGE_LINE"),
        (b"a,b\n1,", "💥".encode(), "HUGE_LINE"),
        (b"", b"x,", "HUGE_LINE"),
        (b"", b"\0", "HUGE_LINE"),
        (b'a,b\n1,"', b"text over many lines, " * 50 + b"\n", "UNCLOSED_QUOTE"),
        ("a,b\n1,".encode("utf-16-le"), "é".encode("utf-16-le"), "HUGE_LINE"),
    ],
    ids=[
        "a cell",
        "a cell of wide characters",
        "a million columns",
        "all NUL",
        "an unclosed quote",
        "UTF-16",
    ],
)
def test_no_text_takes_memory_without_bound(tmp_path: Path, before: bytes, unit: bytes, code: str) -> None:
    path = file(tmp_path, before + unit * (40 * MIB // len(unit)))
    rows, told, mib = read_apart(path)
    assert (rows, told) == (0, code)
    assert mib < 96, "a line is read piece by piece"


def test_rows_as_large_as_they_may_be_are_in_memory_one_at_a_time(tmp_path: Path) -> None:
    row = ("💥" * 99_000 + ",") * 40 + "\n"
    path = file(tmp_path, (",".join("abcdefgh" * 5) + ",\n" + row * 4).encode())
    rows, told, mib = read_apart(path)
    assert (rows, told) == (4, "")
    assert mib < 160


def test_a_column_is_named_and_not_told_a_story(tmp_path: Path) -> None:
    """Names are compared with all that are known, letter by letter: long ones would keep the page waiting for hours."""
    for length, codes in ((255, []), (256, ["LONG_NAME"])):
        text = file(tmp_path, b"a," + b"s" * length + b"\n1,2\n")
        book = workbook(tmp_path, SHEET.replace(b"<t>sum</t>", b"<t>" + b"s" * length + b"</t>") % b"")
        for path in (text, book):
            told = []
            try:
                open_table(SourceFile(path, path.name))
            except UnreadableFile as refused:
                told = [refused.problem.code]
            assert told == codes


def test_the_rest_of_a_file_with_a_huge_line_is_read(tmp_path: Path) -> None:
    limits = Limits(record_chars=50)
    data = b"a,b\n1,2\n3," + b"x" * 500 + b"\n4,5\n" + b'6,"' + b"y" * 40 + b"\n7,z\n8,zzzzz\n9,10\n"
    rows, problems = read(file(tmp_path, data), limits)
    assert rows == [
        (2, ["1", "2"]), (4, ["4", "5"]), (6, ["7", "z"]), (7, ["8", "zzzzz"]), (8, ["9", "10"]),
    ]  # fmt: skip
    assert [(problem.row, problem.code) for problem in problems] == [(3, "HUGE_LINE"), (5, "UNCLOSED_QUOTE")]


def test_quotes_that_never_close_are_not_looked_for_for_ever(tmp_path: Path) -> None:
    """Every line opens a quote, whether the one before is open or not: each is read a hundred times."""
    path = file(tmp_path, b"a,b\n" + b'a","\n' * 50_000)
    _rows, problems = read(path, Limits(lines=100_000))
    assert (problems[0].row, problems[0].code) == (2, "UNCLOSED_QUOTE")
    assert (problems[-1].code, problems[-1].row is not None) == ("TOO_LONG", True)
    for limits in (Limits(again_chars=100_000), Limits(again_lines=100_000)):
        _rows, problems = read(path, limits)
        assert problems[-1].code == "TOO_LONG"


@pytest.mark.parametrize("line", [b"12345,\0\n", b"1," + b"x" * 60 + b"\n", b"1," + b"x" * 30 + b"\n"])
def test_rows_that_are_refused_count_as_rows(tmp_path: Path, line: bytes) -> None:
    """To say what is wrong with a row takes longer than to read it."""
    limits = Limits(rows=100, cell_chars=20, record_chars=50)
    _rows, problems = read(file(tmp_path, b"a,b\n" + line * 200), limits)
    assert problems[-1].code == "TOO_LONG"
    assert 101 <= len(problems) <= 102
    assert all(problem.row and (problem.column or problem.value) for problem in problems[:-1])


def test_blank_lines_are_lines(tmp_path: Path) -> None:
    _rows, problems = read(file(tmp_path, b"a,b\n" + b"\n" * 2_000), Limits(lines=1_000))
    assert [(problem.row, problem.code) for problem in problems] == [(1001, "TOO_LONG")]


@pytest.mark.parametrize("head", [b"a,\0b\n", b"a," + b"x" * 200_000 + b"\n", b'a,"b\n'])
def test_a_row_never_stands_in_for_a_broken_header(tmp_path: Path, head: bytes) -> None:
    rows, problems = read(file(tmp_path, head + b"Acme,Ann\nInitech,Bob\n"))
    assert rows == []
    assert [problem.row for problem in problems] == [1]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "EMPTY"), (b"\xef\xbb\xbf", "EMPTY"), (b"\xff\xfe", "EMPTY"), (b"\xfe\xff", "EMPTY"), (b"\n\n \n", "EMPTY"),
        (b"\0" * 5000, "NUL"), (b"<!DOCTYPE html><html><table><tr><td>a,b", "NOT_A_TABLE"),
        (b"\xef\xbb\xbf\n<HTML xmlns:x='urn:x'><body>", "NOT_A_TABLE"),
        (b"<?xml version='1.0'?><Workbook>", "NOT_A_TABLE"), (b"%PDF-1.7 a,b", "NOT_A_TABLE"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "NOT_A_TABLE"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["deals.csv", "deals.xlsx"])
def test_what_is_no_table_is_refused(tmp_path: Path, data: bytes, code: str, name: str) -> None:
    rows, problems = read(file(tmp_path, data, name))
    assert rows == []
    assert problems[0].code == (code if name.endswith("csv") or code == "NOT_A_TABLE" else "NOT_A_WORKBOOK")


def test_utf_16_cut_in_the_middle_of_a_character(tmp_path: Path) -> None:
    rows, problems = read(file(tmp_path, "a,b\n1,2\n3,4".encode("utf-16")[:-1]))
    assert [cells for _, cells in rows] in ([["1", "2"]], [])
    assert problems[-1].code == "ENCODING"


def packed(members: dict[str, bytes], **how: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how.get("packing", zipfile.ZIP_DEFLATED)) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = how.get("mode", 0o100644) << 16
            info.compress_type = how.get("packing", zipfile.ZIP_DEFLATED)
            archive.writestr(info, data)
    return out.getvalue()


def encrypted(data: bytes) -> bytes:
    """The archive with every member marked as encrypted, as one with a password has them."""
    at = data.rfind(b"PK\x01\x02")
    marked = data[:6] + b"\x01" + data[7:]
    return marked[: at + 8] + b"\x01" + marked[at + 9 :]


ONE = packed({"deals.csv": b"a,b\n1,2\n" * 2000})
ZIPS = {
    "a zip in a zip": (packed({"inner.zip": ONE}), "EMPTY"),
    "a link": (packed({"deals.csv": b"/etc/passwd"}, mode=0o120777), "LINK"),
    "a password": (encrypted(ONE), "ENCRYPTED"),
    "LZMA": (packed({"deals.csv": b"a,b\n1,2\n"}, packing=zipfile.ZIP_LZMA), "PACKING"),
    "cut off": (ONE[: len(ONE) // 2], "NOT_A_ZIP"),
    "a flipped byte": (ONE[:60] + b"\xff\xff\xff\xff" + ONE[64:], "DAMAGED"),
    "no end": (b"PK\x03\x04", "NOT_A_ZIP"),
    "a list of 4 GiB": (ONE[:-10] + b"\xfe\xff\xff\xff" + ONE[-6:], "TOO_MANY"),
    "a bomb": (packed({"deals.csv": b"a" * 3_000_000}), "BOMB"),
    "too many": (packed({f"{n}.csv": b"a,b\n1,2\n" for n in range(201)}), "TOO_MANY"),
}  # fmt: skip


@pytest.mark.parametrize("which", ZIPS)
def test_archives_that_are_refused(tmp_path: Path, which: str) -> None:
    data, code = ZIPS[which]
    with pytest.raises(UnreadableFile) as refused:
        find_files(file(tmp_path, data, "export.zip"), unpack_to=tmp_path / "out")
    problem = refused.value.problem
    assert problem.code == code
    assert problem.cure
    assert left_in_english(problem.message, problem.cure) == []


def test_files_of_one_name_in_several_folders_are_all_taken(tmp_path: Path) -> None:
    data = packed(
        {"2025/deals.csv": b"a,b\n1,2\n", "2026/deals.csv": b"a,b\n3,4\n", "../../deals.csv": b"a,b\n5,6\n"}
    )
    found = find_files(file(tmp_path, data, "export.zip"), unpack_to=tmp_path / "out")
    assert [source.name for source in found] == ["deals.csv", "deals (2).csv", "deals (3).csv"]
    assert all(source.path.parent == tmp_path / "out" for source in found)


def test_a_zip_called_csv_is_no_workbook(tmp_path: Path) -> None:
    _rows, problems = read(file(tmp_path, packed({"a.csv": b"a,b"})))
    assert problems[0].code == "NOT_A_WORKBOOK"


SHEET = (
    b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    b'<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c><c r="B1" t="inlineStr"><is><t>sum</t></is></c></row>'
    b'<row r="2"><c r="A2"><v>1</v></c>%s</row></sheetData></worksheet>'
)


WIDEST = SHEET.replace(b"%s</row>", b'</row><row r="500000"><c r="T500000"><v>9</v></c></row>')


def workbook(tmp_path: Path, sheet: bytes, name: str = "book.xlsx") -> Path:
    made = tmp_path / "made.xlsx"
    book = xlsxwriter.Workbook(str(made))
    book.add_worksheet("Deals").write(0, 0, "id")
    book.close()
    with zipfile.ZipFile(made) as old:
        members = {info.filename: old.read(info) for info in old.infolist()}
    return file(
        tmp_path, packed({**members, "xl/worksheets/sheet1.xml": sheet}, packing=zipfile.ZIP_DEFLATED), name
    )


@pytest.mark.parametrize(
    ("cell", "read_as"),
    [
        (b'<c r="B2"><f>1+1</f><v>2</v></c>', "2"),
        (b'<c r="B2" t="str"><f>""</f><v></v></c>', ""),
        (b'<c r="B2" t="inlineStr"><is><t>' + b"x" * 100_000 + b"</t></is></c>", "x" * 100_000),
        (b'<c r="B2"><v>1E+300</v></c>', "1e+300"),
    ],
    ids=["formula", "formula of no text", "long text", "large number"],
)
def test_cells_of_a_workbook(tmp_path: Path, cell: bytes, read_as: str) -> None:
    rows, problems = read(workbook(tmp_path, SHEET % cell))
    assert (rows, problems) == ([(2, ["1", read_as])], [])


@pytest.mark.parametrize("value", [b"<v></v>", b"<v/>", b"<v />", b""])
def test_a_formula_nobody_calculated_is_not_read_as_blank(tmp_path: Path, value: bytes) -> None:
    rows, problems = read(workbook(tmp_path, SHEET % (b'<c r="B2"><f>SUM(A1:A2)</f>' + value + b"</c>")))
    assert (rows, problems[0].code, problems[0].row, problems[0].value) == ([], "FORMULA", 2, "B2")


def test_a_cell_of_a_workbook_longer_than_csv_allows(tmp_path: Path) -> None:
    cell = b'<c r="B2" t="inlineStr"><is><t>' + b"x" * 200_000 + b"</t></is></c>"
    rows, problems = read(workbook(tmp_path, SHEET % cell))
    assert (rows, [(problem.row, problem.code) for problem in problems]) == ([], [(2, "HUGE_CELL")])


ENTITIES = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(
    b'<!ENTITY %c "%s">' % (97 + n, b"&%c;" % (96 + n) * 10) for n in range(1, 12)
) + b"]>"  # fmt: skip
SHEETS = {
    "open tags": b"<c " * 400_000,
    "entities": SHEET.replace(b"<worksheet", ENTITIES + b"<worksheet")
    % b'<c r="B2" t="inlineStr"><is><t>&l;</t></is></c>',
    "last cell": SHEET % b'<c r="XFD1048576"><v>1</v></c>',
    "cut off": (SHEET % b"")[:-60],
    "cells without place": b"<worksheet><sheetData><row>"
    + b"<c/>" * 200_000
    + b"</row></sheetData></worksheet>",
}


@pytest.mark.parametrize("which", SHEETS)
def test_sheets_made_to_take_long(tmp_path: Path, which: str) -> None:
    path = workbook(tmp_path, SHEETS[which])
    with path.open("ab") as more, zipfile.ZipFile(more, "a") as archive:  # keeps the ratio within its limit
        archive.writestr("pad.bin", bytes(range(256)) * 100, zipfile.ZIP_STORED)
    rows, problems = read(path)
    assert problems or rows in ([(2, ["1", "&l;"])], [(2, ["1", ""])])
    assert len(rows) < 2
    assert read_apart(path)[2] < 128


def test_the_widest_sheet_allowed_fits_into_the_readers_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """500,000 rows of 20 columns, nearly all empty; with less memory it is refused, and the cure is told."""
    widest = workbook(tmp_path, WIDEST)
    assert spreadsheet.CHILD_MEMORY == 512 * MIB
    rows, problems = read(widest)
    assert ([number for number, _cells in rows], problems) == ([2, 500_000], [])
    monkeypatch.setattr(spreadsheet, "CHILD_MEMORY", 256 * MIB)
    rows, problems = read(widest)
    assert (rows, [(problem.code, bool(problem.cure)) for problem in problems]) == ([], [("TOO_LARGE", True)])


def test_a_workbook_that_takes_too_long_is_given_up_with_its_reader(tmp_path: Path) -> None:
    """Ten million cells, which takes some seconds; the limit is lowered, nothing else."""
    slow = workbook(tmp_path, WIDEST)
    assert Limits().seconds == 60
    began = time.monotonic()
    rows, problems = read(slow, Limits(seconds=1))
    assert (rows, [problem.code for problem in problems]) == ([], ["TOO_SLOW"])
    assert 1 <= time.monotonic() - began < 10
    assert problems[0].cure
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not [command for command in commands if str(slow).encode() in command], "its reader is gone"


def test_a_full_sheet_is_not_held_by_whoever_asks_for_it(tmp_path: Path) -> None:
    """Six hundred thousand cells, no two alike: they are in the memory of the reader that may be killed, row by row here."""
    rows = (
        b"<row>" + b"".join(b"<c><v>%d</v></c>" % (100_000 + 10 * n + i) for i in range(10)) + b"</row>"
        for n in range(60_000)
    )
    sheet = SHEET.partition(b"<row")[0] + b"".join(rows) + b"</sheetData></worksheet>"
    count, told, mib = read_apart(workbook(tmp_path, sheet))
    assert (count, told) == (60_000, "")
    assert mib < 56


@pytest.mark.parametrize("where", [0.1, 0.5, 0.9, 0.99])
def test_a_workbook_that_was_not_sent_whole(tmp_path: Path, where: float) -> None:
    whole = workbook(tmp_path, SHEET % b"").read_bytes()
    rows, problems = read(file(tmp_path, whole[: int(len(whole) * where)], "book.xlsx"))
    assert (rows, problems[0].code) == ([], "NOT_A_WORKBOOK")
    assert "save or export it again" in problems[0].cure, "fewer rows would not help"
    assert "rror" not in problems[0].message, "our own words"


def test_a_workbook_with_a_broken_part_is_told_in_our_own_words(tmp_path: Path) -> None:
    broken = packed({"xl/workbook.xml": b"<workbook><sheets", "[Content_Types].xml": b"<x/>"})
    rows, problems = read(file(tmp_path, broken, "book.xlsx"))
    assert (rows, problems[0].message) == ([], "cannot be read as a workbook")
    assert "save or export it again" in problems[0].cure


def test_an_open_document_is_no_workbook_whatever_it_is_called(tmp_path: Path) -> None:
    ods = packed({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": b"<x/>"})
    for name in ("deals.xlsx", "deals.csv"):
        assert read(file(tmp_path, ods, name))[1][0].code == "NOT_A_WORKBOOK"
