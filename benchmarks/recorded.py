"""The gate: results kept in the repository, by size, and whether a new one is worse than they are."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measuring import Result

FOLDER = Path(__file__).parent / "results"
NOISE = 1.3
"""A ratio may be so many times the worst round recorded: rounds on a shared machine differ that much."""
KEPT = ("what", "candidate_ms", "reference_ms", "reference", "ratio", "target", "low", "high")


@dataclass(frozen=True)
class Recorded:
    """What was recorded for companies of one size, by name of the benchmark and the line's place in it."""

    path: Path
    lines: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, deals: int) -> Recorded:
        """The results of that size; none when nothing was recorded."""
        path = FOLDER / f"{deals}.json"
        return cls(path, json.loads(path.read_text(encoding="utf-8")) if path.exists() else {})

    def is_worse(self, result: Result) -> bool:
        """Whether the ratio is worse than the recorded rounds explain; without a record, whether its bar is missed."""
        before = self.lines.get(result.name)
        return (
            not result.holds
            if before is None
            else result.ratio > max(before["high"], before["ratio"]) * NOISE
        )

    def words(self, result: Result) -> str:
        """The comparison for people, empty without a record."""
        before = self.lines.get(result.name)
        if before is None:
            return ""
        return f"; recorded {before['ratio']:.2f}" + (" WORSE" if self.is_worse(result) else "")

    def keep(self, results: Iterable[Result]) -> None:
        """Writes these results over those of the same name."""
        lines = dict(self.lines)
        for result in results:
            whole = result.as_dict()
            lines[result.name] = {
                key: round(whole[key], 3) if isinstance(whole[key], float) else whole[key] for key in KEPT
            }
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_text(json.dumps(dict(sorted(lines.items())), indent=1) + "\n", encoding="utf-8")
