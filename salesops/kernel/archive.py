"""The files of one export: a single file, a folder, or a zip, opened as tables."""

from __future__ import annotations

import shutil
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from salesops.kernel.delimited import open_delimited
from salesops.kernel.packed import CURES, PackedBadly, opened_zip
from salesops.kernel.said import Said
from salesops.kernel.spreadsheet import open_workbook
from salesops.kernel.tabular import Limits, Problem, Shape, Table, UnreadableFile

TEXT_SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".tab", ".psv", ".dat"})
BOOK_SUFFIXES = frozenset({".xlsx", ".xlsm"})
_IMAGE = Said("is an image, neither CSV nor XLSX")
FOREIGN = (
    (b"%PDF-", Said("is a PDF document, neither CSV nor XLSX")),
    (b"\x89PNG", _IMAGE),
    (b"\xff\xd8\xff", _IMAGE),
    (b"GIF8", _IMAGE),
    (b"BM", _IMAGE),
    (b"RIFF", Said("is an image or a recording, neither CSV nor XLSX")),
    (
        b"\xd0\xcf\x11\xe0",
        Said("is an Excel workbook of the old XLS kind, or one with a password, neither CSV nor XLSX"),
    ),
    (b"\x1f\x8b", Said("is a gzip archive, neither CSV nor XLSX")),
    (b"{\\rtf", Said("is a text document, neither CSV nor XLSX")),
)
"""First bytes of what people send instead of a table, whatever its name says."""
_WEB_PAGE = Said("is a web page, neither CSV nor XLSX")
MARKUP = (
    (b"<!doctype html", _WEB_PAGE),
    (b"<html", _WEB_PAGE),
    (b"<?xml", Said("is an XML document, neither CSV nor XLSX")),
)
"""How a page or document begins that a program calls XLS or CSV, whatever the case of its letters."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of an export: where it lies and what it is called in the export."""

    path: Path
    name: str


def find_files(path: Path, *, unpack_to: Path, limits: Limits | None = None) -> list[SourceFile]:
    """The importable files at `path` (file, folder without its subfolders, or zip), sorted by name.

    A zip is unpacked into `unpack_to` within limits. Raises `UnreadableFile`.
    """
    limits = limits or Limits()
    if path.is_dir():
        found = [
            SourceFile(child, child.name)
            for child in sorted(path.iterdir())
            if _wanted(child.name) and child.is_file()
        ]
    elif path.suffix.lower() == ".zip":
        found = _unpack(path, unpack_to, limits)
    elif path.exists():
        # A name without ending is taken on trust: whether it is text shows when it is read.
        found = [SourceFile(path, path.name)] if _wanted(path.name) or not path.suffix else []
    else:
        raise _refused(path.name, Said("does not exist"), "NOT_FOUND")
    if not found:
        raise _refused(path.name, Said("holds no CSV or XLSX file"), "EMPTY")
    if len(found) > limits.files:
        raise _too_many(path.name, limits)
    return found


def _wanted(name: str) -> bool:
    suffix = PurePosixPath(name).suffix.lower()
    return (
        (suffix in TEXT_SUFFIXES or suffix in BOOK_SUFFIXES)
        and not name.startswith((".", "~$"))
        and name.lower() != "license.txt"
    )


def _unpack(path: Path, target: Path, limits: Limits) -> list[SourceFile]:
    try:
        with opened_zip(path) as archive:
            members = [
                info
                for info in archive.infolist()
                if not info.is_dir() and _wanted(PurePosixPath(info.filename).name)
            ]
            if any(stat.S_ISLNK(info.external_attr >> 16) for info in members):
                raise _refused(path.name, Said("holds a link instead of a file"), "LINK")
            declared = sum(info.file_size for info in members)
            if declared > limits.unpacked_bytes or declared > limits.ratio * max(1, path.stat().st_size):
                raise _refused(path.name, Said("unpacks to more than is allowed"), "BOMB")
            if len(members) > limits.files:
                raise _too_many(path.name, limits)
            names = distinct([PurePosixPath(info.filename).name for info in members])
            return [
                _extract(archive, info, target, number, name)
                for number, (info, name) in enumerate(zip(members, names, strict=True))
            ]
    except PackedBadly as bad:
        raise _refused(path.name, bad.message, bad.code) from None


def distinct(names: list[str]) -> list[str]:
    """Each name once, and short enough to be kept: files of several folders may be called alike."""
    taken: set[str] = set()
    out = []
    for name in names:
        suffix = PurePosixPath(name).suffix[-20:]
        stem = name[: len(name) - len(suffix)][:200]
        tried, number = stem + suffix, 1
        while tried in taken:
            number += 1
            tried = f"{stem} ({number}){suffix}"
        taken.add(tried)
        out.append(tried)
    return out


def _extract(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, number: int, name: str
) -> SourceFile:
    """One member under a path of our own making (a member's own is never used as a path); never more than
    it declared."""
    target.mkdir(parents=True, exist_ok=True)
    out = target / f"{number:03d}{PurePosixPath(name).suffix.lower()}"
    with archive.open(info) as source, out.open("wb") as sink:
        shutil.copyfileobj(_Bounded(source, info.file_size, name), sink, 1 << 20)  # type: ignore[misc]
    return SourceFile(out, name)


class _Bounded:
    """A stream that refuses to give more than was declared."""

    def __init__(self, source: object, most: int, name: str) -> None:
        self._source, self._left, self._name = source, most, name

    def read(self, size: int = -1) -> bytes:
        block: bytes = self._source.read(size)  # type: ignore[attr-defined]
        self._left -= len(block)
        if self._left < 0:
            raise _refused(self._name, Said("unpacks to more than it declares"), "BOMB")
        return block


def open_table(
    source: SourceFile,
    *,
    limits: Limits | None = None,
    shape: Shape | None = None,
    columns: tuple[str, ...] = (),
) -> Table:
    """The table in a file, by its suffix and first bytes (a workbook named .csv is still a workbook)."""
    with source.path.open("rb") as file:
        head = file.read(512)
    what = next((what for first, what in FOREIGN if head.startswith(first) and _is_binary(first, head)), None)
    written = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    what = what or next((what for first, what in MARKUP if written.startswith(first)), None)
    if what:
        raise _refused(source.name, what, "NOT_A_TABLE")
    if source.path.suffix.lower() in BOOK_SUFFIXES or head.startswith(b"PK\x03\x04"):
        return open_workbook(
            source.path, name=source.name, limits=limits, sheet=shape.sheet if shape else "", columns=columns
        )
    return open_delimited(source.path, name=source.name, limits=limits, shape=shape, columns=columns)


def _is_binary(first: bytes, head: bytes) -> bool:
    """Whether the file is what it begins like: two letters alone (BM) may also begin a header line."""
    return len(first) > 4 or not first.isascii() or b"\x00" in head


def _too_many(name: str, limits: Limits) -> UnreadableFile:
    return _refused(name, Said("holds more than %(most)s files", most=limits.files), "TOO_MANY")


def _refused(name: str, message: Said, code: str) -> UnreadableFile:
    cure = CURES.get(code, Said("Upload CSV or XLSX files, a folder or a zip of them."))
    return UnreadableFile(Problem(name, None, "", "", message, cure, code))
