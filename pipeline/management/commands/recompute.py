"""`recompute`: everything that is derived is worked out anew from what is stated."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from pipeline.exports import to_json
from pipeline.services import RECOMPUTATIONS, recompute


class Command(BaseCommand):
    """Rebuilds closures and roll-ups; safe while people work."""

    help = "Work out derived data anew: closures, roll-ups, checkpoints. Says how much had been other than it should."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which parts, and how to print."""
        names = ", ".join(RECOMPUTATIONS)
        parser.add_argument("names", nargs="*", metavar="NAME", help=f"only: {names}")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do each part, saying what it changed."""
        unknown = set(options["names"]) - set(RECOMPUTATIONS)
        if unknown:
            raise CommandError(
                f"Nothing is called {', '.join(sorted(unknown))}; --help names the parts.", returncode=2
            )
        results, begun = [], time.monotonic()
        for name, title, changed in recompute(names=options["names"] or list(RECOMPUTATIONS)):
            seconds = f"{time.monotonic() - begun:.2f}"
            begun = time.monotonic()
            results.append({"name": name, "title": title, "changed": changed, "seconds": seconds})
            if not options["json"]:
                self.stdout.write(f"{title}: {changed:,} changed  ({seconds} s)")
                self.stdout.flush()
        if options["json"]:
            self.stdout.write(to_json({"recomputed": results}))
