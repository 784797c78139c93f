"""Where the third-party export files lie, and short ways to import one and to ask the tables."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

REPOSITORY = Path(__file__).resolve().parents[2]


def data_set(name: str) -> Path:
    """The folder of a data set; the test is skipped, saying so, where it is absent."""
    root = Path(os.environ.get("SALESOPS_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (root / name).is_dir():
        pytest.skip(f"the data set {name} is not at {root} (set SALESOPS_DATA)")
    return root / name


@dataclass
class Outcome:
    """What `import_crm --json` printed, and its exit code."""

    code: int
    report: dict[str, Any]

    def counts(self) -> tuple[int, int, int, int, int]:
        """Created, updated, unchanged, rejected, set aside."""
        names = ("created", "updated", "unchanged", "rejected", "set_aside")
        return tuple(self.report[name] for name in names)  # type: ignore[return-value]

    def problems(self, code: str) -> list[dict[str, Any]]:
        """Problems of one kind."""
        return [problem for problem in self.report["problems"] if problem["code"] == code]

    def open_questions(self) -> list[str]:
        """Keys of the open questions."""
        return [question["key"] for question in self.report["questions"]]


def import_crm(path: Path, *options: str) -> Outcome:
    """Run the command in this process."""
    out = StringIO()
    code = 0
    try:
        call_command("import_crm", str(path), "--json", *options, stdout=out)
    except SystemExit as stop:
        code = int(str(stop.code))
    return Outcome(code, json.loads(out.getvalue()))


def ask(sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Rows of a query."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def outcomes(source: str, where: str = "true") -> dict[str, tuple[int, Any]]:
    """Count and amount of a source's deals by status."""
    rows = ask(
        "SELECT status, count(*), sum(amount) FROM opportunities_opportunity o "  # noqa: S608
        f"WHERE source = %s AND NOT is_deleted AND {where} GROUP BY 1",
        source,
    )
    return {status: (count, amount) for status, count, amount in rows}
