"""The judge of `make chaos` sees what is wrong: each finding is planted here once."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.chaos.clients import Answer, Journal
from tests.chaos.driver import Verdict
from tests.chaos.recovery import Struck, late, recoveries, told
from tests.chaos.slowness import busy_seconds, own_seconds, slowness


def _journal() -> Journal:
    journal = Journal()
    for token, written in {
        "create-1": frozenset([7]),
        "bulk-2": frozenset([7, 8]),
        "remove-7-1": None,
    }.items():
        journal.intend(token)
        journal.conclude(token, Answer(200, b"", {}), written)
    return journal


STORED = [("create-1", 7), ("bulk-2", 7), ("bulk-2", 8)]


@pytest.mark.parametrize(
    ("stored", "wrong"),
    [
        (STORED, ""),
        (STORED[1:], "acknowledged but not stored: 1, first ['create-1']"),
        (STORED[:2], "acknowledged but not stored: 1, first ['bulk-2']"),
        ([*STORED, ("bulk-2", 8)], "stored twice: 1, first ['bulk-2']"),
        ([*STORED, ("create-1", 9)], "stored elsewhere than acknowledged: 1, first ['create-1']"),
        ([*STORED, ("remove-7-1", 7)], "refused but stored: 1, first ['remove-7-1']"),
        ([*STORED, ("split-7-0.1", 7)], "stored but never intended: 1, first ['split-7-0.1']"),
    ],
)
def test_what_is_lost_doubled_or_made_up_is_found(stored: list[tuple[str, int]], wrong: str) -> None:
    assert _journal().wrong(stored) == ([wrong] if wrong else [])


def test_the_longest_silence_after_a_fault_counts_from_its_end() -> None:
    """An answer that was on its way when the web server was killed does not hide the silence after it."""
    struck, times = [Struck("kill web", 10, 10), Struck("stall", 30, 33)], [9.0, 10.5, 21.5, 29.0, 34.0, 36.0]
    found = list(recoveries(struck, "answers", times, 36.5, 10.0, lambda *_: 1.0))
    assert [(r.name, r.seconds, r.is_cut) for r in found] == [("kill web", 11, False), ("stall", 2, False)]
    assert late(found) == ["after kill web answers took 11.0 s, 10 were allowed"]
    assert told(found)[0] == "after kill web: answers 11.0 s (may take 10)"
    assert not late(recoveries(struck, "answers", times, 36.5, 10.0, lambda *_: 1.2))


def test_what_the_next_fault_interrupts_is_late_only_if_it_was_by_then() -> None:
    struck = [Struck("kill web", 10, 10), Struck("kill web", 15, 15)]
    found = list(recoveries(struck, "answers", [24.0, 30.0, 36.0], 40.0, 10.0, lambda *_: 1.0))
    assert [(r.seconds, r.is_cut) for r in found] == [(5.0, True), (9.0, False)]
    assert not late(found)
    assert told(found) == ["after kill web: answers 9.0 s (may take 10)"]
    assert told(found[:1]) == ["after kill web: answers over 5.0 s (may take 10)"]
    never = recoveries([Struck("kill web", 10, 10)], "answers", [9.0], 40.0, 10.0, lambda *_: 1.0)
    assert late(never) == ["after kill web answers took 30.0 s, 10 were allowed"]


def test_what_a_process_and_its_children_use_is_told_from_what_others_use() -> None:
    burn = "import time\nwhile time.process_time() < 0.4: pass\nprint(flush=True); input()"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", child], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as run:
        own, busy = own_seconds(run.pid), busy_seconds()
        assert run.stdout is not None
        run.stdout.readline()
        assert own_seconds(run.pid) - own > 0.3
        assert busy_seconds() - busy > 0.3
        run.communicate(b"\n")


def test_only_what_others_used_of_the_machine_stretches_a_bar() -> None:
    """Two processors for ten seconds: busy with this run alone, half with others, with nothing but others."""
    for busy, own, times in ((20, 20, 1.0), (20, 10, 2.0), (20, 0, 4.0), (5, 0, 4 / 3)):
        samples = [(0.0, 100.0, 50.0), (10.0, 100.0 + busy, 50.0 + own)]
        assert slowness(samples, 2, 8, 2) == pytest.approx(times), (busy, own)


def test_an_hour_with_too_few_kills_or_writes_does_not_pass() -> None:
    assert Verdict(1, kills=200, acknowledged=100_000, minutes=60).too_little() == []
    assert Verdict(1, kills=220, acknowledged=100_000, minutes=66).too_little() == [
        "90,909 writes an hour, 100,000 are the least"
    ]
    assert Verdict(1, kills=99, acknowledged=60_000, minutes=30).too_little() == [
        "198 kills an hour, 200 are the least"
    ]
