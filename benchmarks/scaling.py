"""How time grows with the company: the same benchmarks at several sizes, and the exponent of each."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from benchmarks.measuring import Result

SIZES = (250_000, 500_000, 1_000_000)
GROWING = (
    "rollup_read",
    "asof_root",
    "asof_l4",
    "asof_grid",
    "write_overhead",
    "writers_16",
    "live_change",
    "pages",
)
"""What is measured at every size; imports and folding say themselves how they grow."""
LINEAR = 1.1
"""The bar: nothing grows faster than the company, give or take what rounds differ by."""


def scaling(sizes: Sequence[int], names: Sequence[str] = GROWING) -> list[Result]:
    """A line per line of the benchmarks named: the slope of the logarithm of its time over that of the deals."""
    measured = {deals: _measured(deals, names) for deals in sizes}
    first = measured[sizes[0]]
    return [
        _exponent(name, {deals: found[name] for deals, found in measured.items()})
        for name in first
        if all(name in found for found in measured.values())
    ]


def _measured(deals: int, names: Sequence[str]) -> dict[str, float]:
    """Milliseconds of each line in a company of that size, in a process of its own: it has its own database."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *names, "--deals", str(deals), "--json"],
        stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    lines: list[dict[str, Any]] = json.loads(done.stdout[done.stdout.index("[\n") :])
    return {line["name"]: float(line["candidate_ms"]) for line in lines}


def slope(times: dict[int, float]) -> float:
    """Least squares over the logarithms: 0 for a time that does not grow, 1 for one that grows as the company."""
    across, up = [math.log(deals) for deals in times], [math.log(time) for time in times.values()]
    x, y = fmean(across), fmean(up)
    return sum((a - x) * (b - y) for a, b in zip(across, up, strict=True)) / sum((a - x) ** 2 for a in across)


def _exponent(name: str, times: dict[int, float]) -> Result:
    found = slope(times)
    return Result(
        f"scaling {name}", ", ".join(f"{deals:,}: {time:.1f} ms" for deals, time in times.items()),
        times[max(times)], times[min(times)], "exponent", found, LINEAR, found, found,
    )  # fmt: skip
