"""Zip archives by strangers: opened so that neither their list of members nor a member can cost more than it should."""

from __future__ import annotations

import errno
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from salesops.kernel.said import Said
from salesops.kernel.tabular import MIB

DIRECTORY_BYTES = 4 * MIB
"""Largest list of members that is read: some 50,000 of them. `zipfile` holds all of it in memory."""
_TAIL = 65_535 + 22 + 20 + 56
"""Where the end records lie: the longest comment, and the three records before it."""


NEW_FILE = Said(
    "It is damaged, or something else in spite of its name: save or export it again, and choose the new file."
)
CURES = {
    "DAMAGED": Said("Save or export it again, and choose the new file."),
    "NOT_A_ZIP": NEW_FILE,
    "NOT_A_WORKBOOK": NEW_FILE,
    "ENCRYPTED": Said("Save it without a password, and choose it again."),
}
"""What to do about an archive or workbook, by code, where it is not its size that stands in the way."""


class PackedBadly(Exception):
    """An archive that is not opened, or cannot be read on."""

    def __init__(self, message: Said, code: str) -> None:
        super().__init__(message)
        self.message, self.code = message, code


@contextmanager
def opened_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive, whatever is wrong with it told as `PackedBadly`, while reading its members as well."""
    if _directory_bytes(path) > DIRECTORY_BYTES:
        raise PackedBadly(Said("names more files than are allowed"), "TOO_MANY")
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        raise PackedBadly(Said("is not a zip archive"), "NOT_A_ZIP") from None
    with archive:
        for info in archive.infolist():
            _check(info)
        try:
            yield archive
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise PackedBadly(Said("is damaged or was not sent whole"), "DAMAGED") from error
        except OSError as error:
            if error.errno != errno.EINVAL:  # a member that lies before the file's beginning
                raise
            raise PackedBadly(Said("is damaged or was not sent whole"), "DAMAGED") from error


def _check(info: zipfile.ZipInfo) -> None:
    if info.flag_bits & 0x1:
        raise PackedBadly(Said("is protected by a password"), "ENCRYPTED")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # What LZMA needs of memory is stated by the archive itself.
        raise PackedBadly(Said("is packed in a way that is not read"), "PACKING")


def _directory_bytes(path: Path) -> int:
    """How large the archive says its list of members is; 0 where it says nothing."""
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - _TAIL))
        tail = file.read()
    at, at64 = tail.rfind(b"PK\x05\x06"), tail.rfind(b"PK\x06\x06")
    size = int.from_bytes(tail[at + 12 : at + 16], "little") if at >= 0 else 0
    size64 = int.from_bytes(tail[at64 + 40 : at64 + 48], "little") if at64 >= 0 else 0
    return size64 if size == 0xFFFFFFFF else max(size, size64)
