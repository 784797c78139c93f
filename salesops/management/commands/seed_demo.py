"""`manage.py seed_demo`: the generated demo company, once, into an empty database."""

import datetime as dt
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from salesops.demo.seeding import SeedError, seed


def _date(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


class Command(BaseCommand):
    """Writes two years of history of an invented company; a second run changes nothing. Exit code 1 on refusal."""

    help = (
        "Generate the demo company: 24 months of history up to today. Does nothing when it is there already."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declares the options."""
        parser.add_argument(
            "--deals", type=int, default=12_000, help="how many opportunities (default 12,000)"
        )
        parser.add_argument(
            "--today", type=_date, help="the day the history leads up to (YYYY-MM-DD; default today)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Seeds, and says so."""
        today = options["today"] or dt.datetime.now(dt.UTC).date()
        if options["deals"] < 200:
            raise CommandError("--deals: a story needs at least 200.")
        try:
            done = seed(today=today, deals=options["deals"], say=self._say)
        except SeedError as error:
            raise CommandError(str(error)) from error
        self._say("Demo company ready." if done else "The demo company is there already: nothing done.")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        sys.stdout.flush()
