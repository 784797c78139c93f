"""`python -m tests.chaos`: the long form. Exit code 1 when something did not hold, with the seed that shows it."""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

from tests.chaos.driver import Run
from tests.e2e.server import free_port

AN_HOUR = 430
"""So many faults take about an hour, and more than half of them kill."""


def main() -> int:
    """Runs as asked and prints the timeline and the verdict."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument(
        "--seed", type=int, default=None, help="repeat the run of this seed (default: a new one)"
    )
    parser.add_argument("--faults", type=int, default=AN_HOUR)
    parser.add_argument("--writers", type=int, default=16)
    parser.add_argument("--pause", type=float, default=7.5, help="mean seconds between faults")
    parser.add_argument("--deals", type=int, default=12_000)
    parser.add_argument("--keep", action="store_true", help="leave the folder with logs and data")
    options = parser.parse_args()
    seed = secrets.randbelow(1 << 31) if options.seed is None else options.seed
    folder = Path(tempfile.mkdtemp(prefix="chaos-", dir="/tmp"))
    folder.chmod(0o711)
    run = Run(
        folder, free_port(), seed=seed, faults=options.faults, writers=options.writers, pause=options.pause,
        deals=options.deals, say=lambda text: print(text, flush=True),
    )  # fmt: skip
    verdict = run.judge()
    if options.faults >= AN_HOUR:
        verdict.faults_found += verdict.too_little()
    print("\n".join(verdict.lines()))
    if options.keep or verdict.faults_found:
        print(f"left in {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if verdict.faults_found else 0


if __name__ == "__main__":
    sys.exit(main())
