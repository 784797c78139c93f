"""Files as they come: encodings, delimiters, broken quotes, bombs."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.kernel.archive import SourceFile, find_files, open_table
from salesops.kernel.delimited import detect_encoding, looks_like_header, sniff_delimiter
from salesops.kernel.tabular import Gatherer, Limits, Table, UnreadableFile

TEXT = "name;city;amount\nMüller;Köln;1,5\nŁódź GmbH;“quoted”;2\n"


def table(tmp_path: Path, data: bytes, name: str = "file.csv", **more: object) -> Table:
    path = tmp_path / name
    path.write_bytes(data)
    return open_table(SourceFile(path, name), **more)  # type: ignore[arg-type]


def rows(opened: Table) -> tuple[list[tuple[int, list[str]]], Gatherer]:
    gather = Gatherer()
    return [(row.line, row.cells) for row in opened.rows(gather)], gather


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_any_unicode_encoding(tmp_path: Path, encoding: str) -> None:
    opened = table(tmp_path, TEXT.encode(encoding))
    assert opened.header == ("name", "city", "amount")
    assert rows(opened)[0][0] == (2, ["Müller", "Köln", "1,5"])


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_eight_bit_encodings(tmp_path: Path, encoding: str) -> None:
    opened = table(tmp_path, "name;city\nMüller;Köln\n".encode(encoding))
    assert rows(opened)[0] == [(2, ["Müller", "Köln"])]


def test_windows_quotes_and_c1_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("a\n“x” – €\n".encode("cp1252"))
    assert detect_encoding(path) == "cp1252"
    path.write_bytes(b"a\n\x81\xe9\n")
    assert detect_encoding(path) == "latin-1"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "+|"])
def test_delimiters(tmp_path: Path, delimiter: str) -> None:
    lines = [
        delimiter.join(cells)
        for cells in (("key", "name", "note"), ("1", "Frame - Black 58", "x"), ("2", "b", ""))
    ]
    opened = table(tmp_path, "\n".join(lines).encode())
    assert opened.shape.delimiter == delimiter
    assert [cells for _, cells in rows(opened)[0]] == [["1", "Frame - Black 58", "x"], ["2", "b", ""]]


def test_commas_inside_a_pipe_file() -> None:
    sample = "k|p|c\n1|Frame - Black, 58|2\n2|Helmet, Red|3\n3|Cap|1\n"
    assert sniff_delimiter(sample) == "|"


def test_mixed_line_ends_and_no_final_newline(tmp_path: Path) -> None:
    opened = table(tmp_path, b"a,b\r\n1,2\n3,4\r\n5,6")
    assert rows(opened)[0] == [(2, ["1", "2"]), (3, ["3", "4"]), (4, ["5", "6"])]


def test_quoted_cells_keep_line_breaks_and_line_numbers(tmp_path: Path) -> None:
    opened = table(tmp_path, b'a,b\n"x\ny",2\n3,4\n')
    assert rows(opened)[0] == [(2, ["x\ny", "2"]), (4, ["3", "4"])]


def test_an_unclosed_quote_swallows_nothing(tmp_path: Path) -> None:
    body = b'a,b\n1,"open\n' + b"".join(b"%d,x\n" % number for number in range(2, 1000))
    found, gather = rows(table(tmp_path, body))
    assert [line for line, _ in found] == list(range(3, 1001))
    assert [(problem.row, problem.code) for problem in gather.problems] == [(2, "UNCLOSED_QUOTE")]


def test_a_quote_closed_by_that_of_another_row_swallows_nothing(tmp_path: Path) -> None:
    lines = [f"{number},Deal,Ann,x" for number in range(2, 20)]
    lines[12] = '14,"Deal,Ann,x'
    for closing in ('18,"Deal, big",Ann,x', '18,Deal",Ann,x', '18,Deal,Ann",x'):
        lines[16] = closing
        found, gather = rows(table(tmp_path, "\n".join(["id,name,owner,note", *lines, ""]).encode()))
        assert [line for line, _ in found] == [n for n in range(2, 20) if n != 14], closing
        assert [(problem.row, problem.code, problem.message, problem.cure) for problem in gather.problems] == [
            (
                14, "UNCLOSED_QUOTE", "opens a quote that is closed in line 18; lines 15 to 18 are read without it",
                "Close or remove the quote in line 14.",
            )
        ]  # fmt: skip


def test_text_of_several_lines_in_a_ragged_row_is_told_with_its_lines(tmp_path: Path) -> None:
    body = b'id,name,owner,note\n1,Deal,Ann,"two\nlines, that\nbelong together",more\n2,Deal,Bo,x\n'
    found, gather = rows(table(tmp_path, body))
    assert [cells for _, cells in found] == [["2", "Deal", "Bo", "x"]]
    assert [(problem.row, problem.message) for problem in gather.problems] == [
        (2, "has 5 cells where the header has 4: a quote opened in line 2 is closed in line 4")
    ]
    legitimate = b'id,name,owner,note\n1,Deal,Ann,"a, b, c, d\ne, f, g, h\nend"\n'
    assert [cells[0] for _, cells in rows(table(tmp_path, legitimate))[0]] == ["1"]


def test_an_unclosed_quote_near_the_end(tmp_path: Path) -> None:
    found, gather = rows(table(tmp_path, b'a,b\n1,2\n3,"open\n5,6\n7,8\n'))
    assert [cells for _, cells in found] == [["1", "2"], ["5", "6"], ["7", "8"]]
    assert [problem.row for problem in gather.problems] == [3]


def test_ragged_rows_are_named_not_padded(tmp_path: Path) -> None:
    found, gather = rows(table(tmp_path, b"a,b,c\n1,2\n1,2,3,4\n1,2,3,\n1,2,3\n"))
    assert [cells for _, cells in found] == [["1", "2", "3"], ["1", "2", "3"]]
    assert [(problem.row, problem.code) for problem in gather.problems] == [(2, "RAGGED"), (3, "RAGGED")]


def test_nul_and_huge_cells_reject_their_row_only(tmp_path: Path) -> None:
    big = b"x" * 200_000
    found, gather = rows(table(tmp_path, b"a,b\n1,\0\n2," + big + b"\n3,4\n"))
    assert [cells for _, cells in found] == [["3", "4"]]
    assert {problem.row for problem in gather.problems} == {2, 3}


def test_a_file_without_header(tmp_path: Path) -> None:
    opened = table(tmp_path, b"274\t\t.0000\n275\t2\t300000.0000\n", columns=("id", "territory", "quota"))
    assert opened.header == ("id", "territory", "quota")
    assert rows(opened)[0][0] == (1, ["274", "", ".0000"])
    assert not looks_like_header([["1", "Northwest", "US"]])
    assert looks_like_header([["Deal ID", "Name", "Amount"]])


def test_limits(tmp_path: Path) -> None:
    few = Limits(rows=2)
    found, gather = rows(table(tmp_path, b"a\n1\n2\n3\n", limits=few))
    assert len(found) == 2
    assert gather.problems[0].code == "TOO_LONG"
    with pytest.raises(UnreadableFile, match="larger"):
        table(tmp_path, b"a\n1\n", limits=Limits(file_bytes=3))
    with pytest.raises(UnreadableFile, match="columns"):
        table(tmp_path, b"a,b,c\n1,2,3\n", limits=Limits(columns=2))
    with pytest.raises(UnreadableFile, match="empty"):
        table(tmp_path, b"")


@given(
    st.lists(
        st.lists(
            st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=8),
            min_size=2,
            max_size=2,
        ),
        max_size=20,
    )
)
@settings(max_examples=60, deadline=None)
def test_what_csv_writes_we_read(tmp_path_factory: pytest.TempPathFactory, records: list[list[str]]) -> None:
    import csv

    path = tmp_path_factory.mktemp("csv") / "a.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([["first", "second"], *records])
    found, gather = rows(open_table(SourceFile(path, "a.csv"), limits=Limits(record_lines=1000)))
    assert [cells for _, cells in found] == [record for record in records if any(record)]
    assert gather.total == 0


def workbook(path: Path, **options: object) -> None:
    import datetime as dt

    book = xlsxwriter.Workbook(str(path), options)
    sheet = book.add_worksheet("Deals")
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.write_row(0, 0, ["id", "amount", "closed", "won"])
    sheet.write_row(1, 0, ["007", 12.5])
    sheet.write_datetime(1, 2, dt.datetime(2024, 1, 1), day)
    sheet.write_boolean(1, 3, True)
    sheet.write_row(3, 0, ["008", 3])
    book.add_worksheet("Empty")
    book.close()


@pytest.mark.parametrize("system", [False, True])
def test_workbooks_in_both_date_systems(tmp_path: Path, system: bool) -> None:
    path = tmp_path / "book.xlsx"
    workbook(path, date_1904=system)
    opened = open_table(SourceFile(path, "book.xlsx"))
    assert opened.header == ("id", "amount", "closed", "won")
    assert opened.shape.sheets == ("Deals", "Empty")
    assert rows(opened)[0] == [(2, ["007", "12.5", "2024-01-01", "TRUE"]), (4, ["008", "3", "", ""])]


def test_a_workbook_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="not an XLSX"):
        table(tmp_path, b"hello", name="a.xlsx")


def sheet_xml(tmp_path: Path, xml: bytes) -> Path:
    source, target = tmp_path / "ok.xlsx", tmp_path / "bomb.xlsx"
    workbook(source)
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            new.writestr(
                info.filename, xml if info.filename == "xl/worksheets/sheet1.xml" else old.read(info)
            )
    return target


def test_a_workbook_that_unpacks_to_400_megabytes(tmp_path: Path) -> None:
    path = sheet_xml(
        tmp_path, b"<worksheet><sheetData>" + b" " * (60 * 1024 * 1024) + b"</sheetData></worksheet>"
    )
    with pytest.raises(UnreadableFile, match="unpacks"):
        open_table(SourceFile(path, "bomb.xlsx"))


def test_a_workbook_that_names_the_last_row_and_column(tmp_path: Path) -> None:
    xml = b'<worksheet><sheetData><row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
    with pytest.raises(UnreadableFile, match="1048576 rows"):
        open_table(SourceFile(sheet_xml(tmp_path, xml), "bomb.xlsx"))


def test_a_zip_of_files_and_what_it_may_not_hold(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("export/deals.csv", "a,b\n1,2\n")
        archive.writestr("../../evil.csv", "a,b\n3,4\n")
        archive.writestr("__MACOSX/._deals.csv", "junk")
        archive.writestr("readme.pdf", "no")
    found = find_files(path, unpack_to=tmp_path / "out")
    assert [file.name for file in found] == ["deals.csv", "evil.csv"]
    assert all(file.path.parent == tmp_path / "out" for file in found), "a member's path is never used"
    with pytest.raises(UnreadableFile, match="unpacks"):
        find_files(path, unpack_to=tmp_path / "out", limits=Limits(unpacked_bytes=3))
    (tmp_path / "nothing").mkdir()
    with pytest.raises(UnreadableFile, match="no CSV"):
        find_files(tmp_path / "nothing", unpack_to=tmp_path)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"%PDF-1.7\n1 0 obj", "a PDF document"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "an image"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "an image"),
        (b"GIF89a\x01\x00\x01\x00", "an image"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", "old XLS kind"),
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ""])
def test_what_is_no_table_is_named_whatever_its_name(
    tmp_path: Path, content: bytes, what: str, suffix: str
) -> None:
    path = tmp_path / f"quotas{suffix}"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile) as refused:
        open_table(SourceFile(path, path.name))
    assert what in refused.value.problem.message


@pytest.mark.parametrize("first", ["BMW,amount", "GIF8,amount", "RIFF,amount"])
def test_a_header_may_begin_like_an_image(tmp_path: Path, first: str) -> None:
    path = tmp_path / "quotas.csv"
    path.write_text(f"{first}\nx,1\n")
    assert open_table(SourceFile(path, path.name)).header[1] == "amount"
