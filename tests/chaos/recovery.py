"""How soon things go on after a fault: answers within ten seconds, jobs of each lane within thirty."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise

import psycopg2

from tests.chaos.stack import Stack

ANSWERS_SECONDS, JOBS_SECONDS = 10.0, 30.0
LANES = ("interactive", "analytics")
"""A queue of each fleet of workers."""
ASK = """
INSERT INTO jobs_job (kind, queue, payload, state, attempts, max_attempts, cancel_requested, progress_done,
                      progress_phase, error, worker, created_at, not_before)
VALUES ('deals.typical_days', %s, '{}', 'QUEUED', 0, 1000, false, 0, '', '', '', now(), now()) RETURNING id
"""
DONE = "SELECT extract(epoch FROM finished_at)::float8 FROM jobs_job WHERE id = ANY(%s) AND state = 'DONE'"


class JobProbe(threading.Thread):
    """Keeps a small job waiting in each lane, so that it shows when work goes on."""

    def __init__(self, stack: Stack, over: threading.Event) -> None:
        super().__init__(name="job probe", daemon=True)
        self.stack, self.over = stack, over
        self.asked: dict[str, list[int]] = {lane: [] for lane in LANES}

    def run(self) -> None:
        """Until told that it is over."""
        while not self.over.wait(3):
            for lane, jobs in self.asked.items():
                with suppress(psycopg2.Error, OSError):
                    jobs.append(self.stack.sql(ASK, [lane])[0][0])

    def finished(self) -> dict[str, list[float]]:
        """When jobs of each lane were done, by this process's clock."""
        shift = time.time() - time.monotonic()
        return {
            lane: sorted(at - shift for (at,) in self.stack.sql(DONE, [jobs]))
            for lane, jobs in self.asked.items()
        }


@dataclass(frozen=True)
class Struck:
    """A fault, from when to when."""

    name: str
    began: float
    ended: float


@dataclass(frozen=True)
class Recovery:
    """How long something was awaited after a fault, and how long that might take (`bar`, slowness included).

    The next fault, or the end of the run, may have come first (`is_cut`).
    """

    name: str
    what: str
    seconds: float
    bar: float
    is_cut: bool

    @property
    def is_late(self) -> bool:
        """Whether it took too long; what was cut short counts only when it had been awaited for too long by then."""
        return self.seconds > self.bar


def recoveries(
    struck: list[Struck], what: str, times: list[float], ended: float, bar: float,
    slowness: Callable[[float, float], float],
) -> Iterable[Recovery]:  # fmt: skip
    """After each fault the longest wait for the next of the sorted `times`, until the next fault strikes.

    Not only for the first: what was on its way already may still come before all goes silent.
    """
    for fault, following in zip(struck, [*(fault.began for fault in struck[1:]), ended], strict=True):
        within = times[bisect_right(times, fault.ended) : bisect_left(times, following)]
        until = max(following, fault.ended)
        begin, end = max(pairwise([fault.ended, *within, until]), key=lambda gap: gap[1] - gap[0])
        yield Recovery(fault.name, what, end - begin, bar * slowness(begin, end), is_cut=end == until)


def told(found: Iterable[Recovery]) -> list[str]:
    """For each kind of fault the longest wait for each; one the next fault cut short only where there is no other."""
    longest: dict[str, dict[str, Recovery]] = {}
    for recovery in sorted(found, key=lambda recovery: (not recovery.is_cut, recovery.seconds)):
        longest.setdefault(recovery.name, {})[recovery.what] = recovery
    return [
        f"after {name}: "
        + ", ".join(
            f"{r.what} {'over ' * r.is_cut}{r.seconds:.1f} s (may take {r.bar:.0f})" for r in kinds.values()
        )
        for name, kinds in sorted(longest.items())
    ]


def late(found: Iterable[Recovery]) -> list[str]:
    """A sentence for each that took too long."""
    return [
        f"after {r.name} {r.what} took {r.seconds:.1f} s, {r.bar:.0f} were allowed"
        for r in found
        if r.is_late
    ]
