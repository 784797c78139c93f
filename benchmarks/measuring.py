"""Timing that survives a busy machine: candidate and reference take turns, and only their ratio counts."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from django.db import connection

ROUNDS = 7


@dataclass
class Result:
    """One benchmark: the candidate's and the reference's median milliseconds, their ratio, and the bar for it."""

    name: str
    what: str
    candidate_ms: float
    reference_ms: float
    reference: str
    ratio: float
    target: float | None = None
    low: float = 0.0
    high: float = 0.0
    checked: str = ""
    details: dict[str, object] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether the bar is met; without a bar it is a report only."""
        return self.target is None or self.ratio <= self.target

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {**asdict(self), "holds": self.holds}


def one(sql: str, values: object = None) -> object:
    """The first value a statement answers, None when it answers nothing."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        row = cursor.fetchone() if cursor.description else None
    return row[0] if row else None


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def compare(
    name: str,
    what: str,
    candidate: Callable[[], object],
    reference: Callable[[], object],
    *,
    called: str,
    target: float | None = None,
    rounds: int = ROUNDS,
    checked: str = "",
) -> Result:
    """Interleaved rounds after one warm-up each; the ratio of medians, and its range over the rounds."""
    candidate()
    reference()
    pairs = [(seconds(candidate), seconds(reference)) for _ in range(rounds)]
    ratios = sorted(c / r for c, r in pairs)
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    return Result(
        name, what, ours * 1e3, theirs * 1e3, called, ours / theirs, target, ratios[0], ratios[-1], checked
    )  # fmt: skip


def line(result: Result) -> str:
    """A result for people."""
    mark = "  " if result.target is None else "ok" if result.holds else "!!"
    bar = f" (bar {result.target:g}{'' if result.holds else ', MISSED'})" if result.target is not None else ""
    return (
        f"{mark} {result.name:<24} {result.candidate_ms:9.2f} ms  {result.ratio:7.2f} x {result.reference}{bar}, "
        f"range {result.low:.2f} to {result.high:.2f}  {result.what}{'; ' + result.checked if result.checked else ''}"
    )
