"""The lines of a text file, never more of it in memory than one record may have."""

from __future__ import annotations

from collections import deque
from typing import TextIO

from salesops.kernel.tabular import Limits

ENDS = ("\n", "\r")


class Unclosed(Exception):
    """A record ran over more lines or characters than allowed."""


class Joined(Exception):
    """A quote left open made one record of several rows."""


class LongLine(Exception):
    """A line alone has more characters than a record may have."""


class Exhausted(Exception):
    """More lines were read, or read again, than a file may cost."""


class Lines:
    """Lines of a file with a way back: knows where the current record began and can hand its lines out again."""

    def __init__(self, file: TextIO, limits: Limits) -> None:
        self._file, self._limits = file, limits
        self._again: deque[str] = deque()
        self._record: list[str] = []
        self._chars = self._lines = self._chars_again = self._lines_again = 0
        self.number = self.refused = 0
        self.has_nul = False

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        most = self._limits.record_chars
        if len(self._record) >= self._limits.record_lines or self._chars > most:
            raise Unclosed
        line = self._again.popleft() if self._again else self._file.readline(most + 1)
        if not line:
            if self._record:  # csv asks for more only inside quotes: the file ends before they close
                raise Unclosed
            raise StopIteration
        self._lines += 1
        if self._lines > self._limits.lines or self._is_too_broken():
            raise Exhausted
        self.number += 1
        self._record.append(line)
        self._chars += len(line)
        if len(line) > most:
            self._record[-1] = self._rest_skipped(line)
            raise LongLine
        if "\0" in line:
            self.has_nul = True
        return line

    def _is_too_broken(self) -> bool:
        limits = self._limits
        return (
            self.refused > limits.rows
            or self._chars_again > limits.again_chars
            or self._lines_again > limits.again_lines
        )

    def _rest_skipped(self, line: str) -> str:
        """The beginning of a line that is too long, closed like a line; its rest is read past piece by piece."""
        piece = line
        while piece and not piece.endswith(ENDS):
            piece = self._file.readline(len(line))
        return line[:-1] + "\n"

    def begin(self) -> None:
        """The next line starts a new record."""
        self._record.clear()
        self._chars = 0
        self.has_nul = False

    @property
    def start(self) -> int:
        return self.number - len(self._record) + 1

    @property
    def is_within_record(self) -> bool:
        """Whether the record has more than one line so far."""
        return len(self._record) > 1

    @property
    def record(self) -> list[str]:
        """The lines of the record so far."""
        return list(self._record)

    def back_to_second_line(self) -> tuple[int, str]:
        """Give up the record's first line, read the others anew; returns that line's number and text."""
        start, record = self.start, list(self._record)
        self._again.extendleft(reversed(record[1:]))
        self._chars_again += self._chars
        self._lines_again += len(record) - 1
        self.number -= len(record) - 1
        self.begin()
        return start, record[0] if record else ""
