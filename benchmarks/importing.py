"""Importing a large export, the same again, and little changed: `import_crm` beside a copy of the file as it is."""

from __future__ import annotations

import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg2

from benchmarks.measuring import Result
from tests.e2e.server import ROOT, Database

ROWS = 100_000
"""Rows of the file; BENCH_IMPORT_ROWS says otherwise."""
COLUMNS = (
    "Opportunity ID", "Opportunity Name", "Account Name", "Opportunity Owner", "Stage", "Amount", "Amount Currency",
    "Close Date", "Created Date", "Type", "Lead Source", "Probability (%)", "Next Step",
)  # fmt: skip
STAGES = ("Qualification", "Discovery", "Evaluation", "Proposal", "Negotiation", "Closed Won", "Closed Lost")
SOURCES = ("Inbound", "Outbound", "Partner", "Event")
RAW_ROUNDS = 3


def _write(path: Path, rows: int, *, changed_every: int = 0, backwards: bool = False) -> None:
    """A report of so many deals; of every so-manieth the amount and the next step differ. Same rows, other order."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(COLUMNS) + "\n")
        for number in range(rows - 1, -1, -1) if backwards else range(rows):
            file.write(_line(number, changed=bool(changed_every) and number % changed_every == 0))


def _line(number: int, *, changed: bool) -> str:
    rng = random.Random(number)
    stage = rng.choice(STAGES)
    year, month, day = 2025 + rng.randrange(3), 1 + rng.randrange(12), 1 + rng.randrange(28)
    values = (
        f"006{number:012d}", f"Line {rng.randrange(40)} for site {number}", f"Customer {number % 20_011}",
        f"Rep {rng.randrange(400)}", stage, f"{rng.randrange(1000, 900_000)}.{rng.randrange(100):02d}",
        "USD", f"{year}-{month:02d}-{day:02d}", f"{year - 1}-{month:02d}-{day:02d}",
        "Renewal" if number % 3 else "New Business", rng.choice(SOURCES), str(10 * STAGES.index(stage)),
        "Call the sponsor about the final date of the decision" if changed else f"Send paper {rng.randrange(99)}",
    )  # fmt: skip
    if changed:
        values = (*values[:5], "12345.67", *values[6:])
    return ",".join(values) + "\n"


def _raw_copy(database: Database, path: Path) -> float:
    """Seconds to copy the file as text into a table without index or log: less than any import can do."""
    with closing(psycopg2.connect(database.url)) as link, link, link.cursor() as cursor, path.open() as file:
        columns = ", ".join(f'"{name}" text' for name in COLUMNS)
        cursor.execute(f"DROP TABLE IF EXISTS bench_raw; CREATE UNLOGGED TABLE bench_raw ({columns})")
        begun = time.perf_counter()
        cursor.copy_expert("COPY bench_raw FROM STDIN (FORMAT csv, HEADER)", file)
        return time.perf_counter() - begun


def _import(env: dict[str, str], path: Path) -> tuple[float, dict[str, Any]]:
    """Seconds of the whole command and what it reports."""
    command = [
        sys.executable,
        str(ROOT / "manage.py"),
        "import_crm",
        str(path),
        "--accept-suggestions",
        "--json",
    ]
    begun = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    took = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(
            f"import_crm ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
    return took, json.loads(done.stdout[done.stdout.index("{") :])


def imports() -> Iterator[Result]:
    """First load, the same rows again in another order, and again with one in a hundred changed."""
    rows = int(os.environ.get("BENCH_IMPORT_ROWS", ROWS))
    database = Database(os.environ["DATABASE_URL"])
    database.create()
    try:
        with TemporaryDirectory() as folder:
            yield from _measured(database, Path(folder), rows)
    finally:
        database.drop()


def _measured(database: Database, folder: Path, rows: int) -> Iterator[Result]:
    env = os.environ | {
        "DATABASE_URL": database.url,
        "SALESOPS_VAR": str(folder),
        "TRIAL": "1",
        "LOG_LEVEL": "WARNING",
    }
    subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "prepare"],
        cwd=ROOT,
        env=env,
        check=True,
        capture_output=True,
    )
    _write(folder / "first.csv", rows)
    _write(folder / "again.csv", rows, backwards=True)
    _write(folder / "changed.csv", rows, changed_every=100)
    raw = statistics.median(_raw_copy(database, folder / "first.csv") for _ in range(RAW_ROUNDS))
    for name, file, target, counted in (
        ("import_first", "first.csv", 8.0, {"created": rows}),
        ("import_unchanged", "again.csv", 3.0, {"unchanged": rows}),
        (
            "import_1pct",
            "changed.csv",
            3.5,
            {"updated": -(-rows // 100), "unchanged": rows - -(-rows // 100)},
        ),
    ):
        took, told = _import(env, folder / file)
        found = {key: told[key] for key in counted}
        assert found == counted, f"{name}: {found} instead of {counted}"
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        yield Result(
            name if rows == ROWS else f"{name} {rows}",  # compared with files of that size only
            f"{rows:,} rows, {rows / took:,.0f} rows/s, peak so far {peak:.0f} MB", took * 1e3, raw * 1e3,
            "COPY of the file as text", took / raw, target, took / raw, took / raw, "counts as expected",
            {"rows_per_second": round(rows / took), "peak_mb": round(peak)},
        )  # fmt: skip
