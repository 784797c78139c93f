"""What one file may cost, whatever it holds: memory and time; and what must be said of a row that is not taken."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from hypothesis import currently_in_test_context, event

MOST_MIB = 512
MOST_SECONDS = 60
OF_THE_REST = ("ENCODING", "TOO_LONG")
"""Said of a file from a line on, not of a row: none was read there."""


@contextmanager
def within_the_bars(*, mib: int = MOST_MIB, seconds: float = MOST_SECONDS) -> Iterator[None]:
    """Fails when what is done in here takes more memory at any moment, beside what the process had, or more time.

    The system keeps the most memory a process ever had: it is told to forget that first, lest a file hide behind an
    earlier one. Of children (workbooks are read in one) it keeps the largest there ever was: that is added whole, unless
    it was there before, as it is after tests of other things; `make fuzz` runs nothing else.
    """
    Path("/proc/self/clear_refs").write_text("5")
    had, of_children, began = _kib("VmRSS"), _largest_child(), time.monotonic()
    yield
    took = time.monotonic() - began
    child = _largest_child()
    peak = (_kib("VmHWM") - had + (child if child > of_children else 0)) // 1024
    if currently_in_test_context():
        event(f"took less than {(peak // 32 + 1) * 32} MiB")
    assert peak <= mib, f"{peak} MiB, where a file may take {mib}"
    assert took <= seconds, f"{took:.1f} s, where a file may take {seconds}"


def _largest_child() -> int:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


def _kib(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


class Told(Protocol):
    """A problem as it was found, or as it was kept."""

    row: int | None
    column: str
    value: str
    code: str
    message: str
    cure: str


def says_all(problem: Told) -> bool:
    """Whether it says what is wrong and what to do; of a row also which, and in what column or with what value."""
    has_place = problem.row is None or bool(problem.row and (problem.column or problem.value))
    return bool(problem.message and problem.cure and (has_place or problem.code in OF_THE_REST))
