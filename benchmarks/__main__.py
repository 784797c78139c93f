"""`python -m benchmarks [NAME…] [--deals N] [--scaling [SIZES]] [--json] [--fresh] [--record]`: in its own databases.

The demo company of that size is generated there once and kept for the next run. `--record` keeps the results
in `benchmarks/results/`, by number of deals. Exit code 1 when a ratio is worse than recorded by more than the noise or,
where nothing is recorded, misses its bar. A missed bar is always shown; where the record is no better, it is known.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2

NAMES = (
    "rollup_read", "write_overhead", "writers_16", "writers_16_batch", "fold_scaling", "asof_root", "asof_l4",
    "asof_grid", "pages", "imports", "live_change",
)  # fmt: skip

SEEDED_WHOLE = 50_000
"""Larger companies are the demo company copied until it is large enough."""
PEOPLE = 2000


def own_database(deals: int, fresh: bool) -> None:
    """Point DATABASE_URL at a database of this size, creating it if need be."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    name = f"salesops_bench_{deals}"
    link = psycopg2.connect(os.environ["DATABASE_URL"])
    link.autocommit = True
    with link.cursor() as cursor:
        if fresh:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE DATABASE {name}")
    link.close()
    address = urlunsplit((parts.scheme, parts.netloc, f"/{name}", parts.query, ""))
    # urlunsplit drops the empty host of a socket address
    os.environ["DATABASE_URL"] = address if "//" in address else address.replace(":", "://", 1)


def prepare(deals: int, *, pages: bool = False) -> None:
    """Migrate it, and generate the company when there is none yet; static files only for pages of this process."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesops.settings")
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    from salesops.wall.context import this_program_is

    this_program_is("benchmark")
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("prepare", verbosity=0, no_static=not pages)
    from benchmarks.growth import BASE_DEALS, grow
    from organization.selectors import is_set_up
    from salesops.demo.seeding import seed

    if not is_set_up():
        folder = Path(os.environ.get("SALESOPS_VAR", "var")) / "bench"
        folder.mkdir(parents=True, exist_ok=True)
        seed(
            today=dt.datetime.now(dt.UTC).date(),
            deals=min(deals, BASE_DEALS) if deals > SEEDED_WHOLE else deals,
            say=lambda text: print(f"   {text}"),
            folder=folder,
        )
        if deals > SEEDED_WHOLE:
            grow(deals=deals, people=PEOPLE, say=lambda text: print(f"   {text}", flush=True))
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def across_sizes(options: argparse.Namespace) -> int:
    """The exponents of what was asked for, each size in a database of its own."""
    from benchmarks.measuring import line
    from benchmarks.scaling import GROWING, SIZES, scaling

    sizes = [int(size) for size in options.scaling.split(",")] if options.scaling != "all" else SIZES
    results = scaling(sizes, options.names or GROWING)
    for result in results:
        print(line(result), flush=True)
    return 0 if all(result.holds for result in results) else 1


def main() -> int:
    """Run what was asked for and report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=", ".join(NAMES))
    parser.add_argument("--deals", type=int, default=20_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument(
        "--scaling", nargs="?", const="all", default="", metavar="SIZES",
        help="how times grow: the benchmarks at 250000,500000,1000000 deals or the sizes given",
    )  # fmt: skip
    parser.add_argument("--fresh", action="store_true", help="generate the data anew")
    parser.add_argument("--record", action="store_true", help="keep the results as those to compare with")
    options = parser.parse_args()
    unknown = set(options.names) - set(NAMES)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    if options.scaling:
        return across_sizes(options)
    own_database(options.deals, options.fresh)
    prepare(options.deals)
    from benchmarks.measuring import line
    from benchmarks.recorded import Recorded
    from benchmarks.suite import BENCHMARKS

    results, recorded = [], Recorded.of(options.deals)
    print(f"{options.deals:,} deals; load {', '.join(f'{x:.1f}' for x in os.getloadavg())}", file=sys.stderr)
    for name in options.names or NAMES:
        for result in BENCHMARKS[name]():
            results.append(result)
            if not options.json:
                print(line(result) + recorded.words(result), flush=True)
    if options.json:
        print(json.dumps([result.as_dict() for result in results], indent=2, default=str))
    if options.record:
        recorded.keep(results)
        return 0
    return 1 if any(recorded.is_worse(result) for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
