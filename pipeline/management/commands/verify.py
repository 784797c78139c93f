"""`verify`: proves every invariant of the stored data, or names the first row that breaks it."""

from __future__ import annotations

import argparse
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from pipeline.exports import to_json
from pipeline.selectors.invariants import INVARIANTS, KEPT
from pipeline.services import verify


class Command(BaseCommand):
    """Checks and reports; writes down only that it did, and how it ended."""

    help = "Prove every invariant of the stored data; name the first broken row of each that does not hold."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Tells the exit codes."""
        return super().create_parser(
            prog_name,
            subcommand,
            epilog="exit codes: 0 everything holds, 1 something is broken, 2 no such check.\n"
            "`recompute` mends derived data.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **kwargs,
        )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which checks, and how to print them."""
        names = [invariant.name for invariant in INVARIANTS]
        parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(names)}")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check, print as it goes, and fail if anything is broken."""
        unknown = set(options["names"]) - {invariant.name for invariant in INVARIANTS}
        if unknown:
            raise CommandError(
                f"There is no invariant {', '.join(sorted(unknown))}; --help names them.", returncode=2
            )
        results = []
        begun = time.monotonic()
        for finding in verify(names=set(options["names"]) or None):
            seconds = round(time.monotonic() - begun, 2)
            begun = time.monotonic()
            results.append(
                {
                    "name": finding.name,
                    "title": finding.title,
                    "holds": finding.holds,
                    "broken": len(finding.broken),
                    "first": finding.broken[0] if finding.broken else None,
                    "rows": list(finding.broken),
                    "seconds": f"{seconds:.2f}",
                }
            )
            if not options["json"]:
                self.stdout.write(_line(results[-1]))
        broken = [result["name"] for result in results if not result["holds"]]
        if options["json"]:
            self.stdout.write(to_json({"holds": not broken, "invariants": results}))
        if broken:
            raise CommandError(f"Broken: {', '.join(map(str, broken))}.", returncode=1)
        if not options["json"]:
            self.stdout.write(f"{len(results)} invariants hold.")


def _line(result: dict[str, Any]) -> str:
    if result["holds"]:
        return f"ok      {result['name']:<18} {result['title']}  ({result['seconds']} s)"
    count = f"{result['broken']}{' or more' if result['broken'] == KEPT else ''}"
    return f"BROKEN  {result['name']:<18} {result['title']}: {count}, first: {result['first']}"
