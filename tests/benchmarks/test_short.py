"""The short forms of `make bench` and `make load`, on a company of a few hundred deals: they run, and check answers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.server import ROOT, Database

pytestmark = pytest.mark.slow
DEALS = 300
RATE, SECONDS = 10, 4
ROWS = 40


@pytest.fixture
def env(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of the commands; the databases they make are dropped at the end."""
    database = Database(os.environ["DATABASE_URL"])
    database.name = f"salesops_bench_{DEALS}"
    database.drop()
    try:
        yield {**os.environ, "SALESOPS_VAR": str(tmp_path), "LOG_LEVEL": "WARNING"}
    finally:
        database.drop()


def run(env: dict[str, str], *arguments: str) -> tuple[int, str]:
    """A command's exit code and what it prints; any that ends with a traceback fails here."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr, done.stdout + done.stderr
    print(done.stderr)  # what a failing run says last
    return done.returncode, done.stdout


def test_figures_are_measured_and_checked_and_a_load_is_answered(env: dict[str, str]) -> None:
    # what takes longer than it should is for `make bench` to say, on a machine that does nothing else
    code, told = run(
        env, "benchmarks", "rollup_read", "fold_scaling", "asof_root", "--deals", str(DEALS), "--json"
    )
    results = json.loads(told[told.index("[\n") :])
    names = {result["name"].split()[0] for result in results}
    assert names == {"rollup_read", "fold_scaling", "asof_root"}
    assert {result["checked"] for result in results} == {"equal to the deals", "equal to numpy"}
    assert all(result["candidate_ms"] > 0 for result in results)
    assert code == (0 if all(result["holds"] for result in results) else 1)

    code, told = run(
        env, "benchmarks.load", "--deals", str(DEALS), "--rate", str(RATE), "--minutes", str(SECONDS / 60),
        "--viewers", "5", "--streams", "3", "--warm-up", "1.5", "--workers", "1",
        "--import", str(ROWS),
    )  # fmt: skip
    assert f"{RATE * SECONDS} answered in {SECONDS} s, 0 errors" in told, told
    assert "3 streams open at the end" in told
    assert re.search(r"(ok|!!) pages +\d+ +p50", told), told
    assert re.search(r"(ok|!!) edits +\d+ +p50", told), told
    assert re.search(rf"[1-9] imports of {ROWS} rows", told), told
    assert re.search(r"(ok|!!) pages +p99 \d+ ms without, \d+ ms beside an import", told), told
    assert code == (1 if "!!" in told else 0)
