"""The bars themselves: what costs too much does not pass them, whatever cost more before."""

from __future__ import annotations

import resource
import subprocess
import sys
import time

import pytest

from tests.fuzz.bars import within_the_bars

MIB = 1024 * 1024


def test_memory_needed_for_a_moment_counts_and_what_was_needed_before_does_not() -> None:
    assert len(b"x" * (200 * MIB))
    with within_the_bars(mib=60):
        pass
    with pytest.raises(AssertionError, match="MiB, where"), within_the_bars(mib=60):
        assert len(b"x" * (100 * MIB))


def test_memory_of_a_child_counts() -> None:
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    with pytest.raises(AssertionError, match="MiB, where"), within_the_bars(mib=children + 60):
        subprocess.run([sys.executable, "-c", f"len(b'x' * ({children + 80} << 20))"], check=True)


def test_time_counts() -> None:
    with pytest.raises(AssertionError, match="s, where"), within_the_bars(mib=10_000, seconds=0.1):
        time.sleep(0.2)
