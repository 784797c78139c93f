"""`figure`: any figure of the registry, by any dimension, as of any instant, on the command line."""

from __future__ import annotations

import argparse
import difflib
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from organization.domain.facts import CompanyNotSetUpError
from organization.domain.scope import Scope
from organization.scope import scope_for
from pipeline.domain.figures import FigureError, FigureQuery, PeriodOf
from pipeline.domain.metrics import REGISTRY
from pipeline.exports import as_data, definition, to_json, to_text
from pipeline.forms import parse_filters
from pipeline.selectors import DIMENSIONS, figures, instant_named

_EPILOG = """examples:
  figure won_count won_amount win_rate
  figure won_amount --by region --by close_quarter
  figure win_rate cycle_days_won_median --by owner --period FY27-Q1
  figure open_count open_list_amount --where stage=Engaging --as-of 2017-03-31
  figure attainment gap_to_quota --by manager_subtree --period FY27-Q1 --as ada@example.com
exit codes: 0 answered, 1 cannot be answered as asked
"""


class Command(BaseCommand):
    """Prints figures as an aligned table, or as JSON with their definitions."""

    help = "Figures of the metric registry: what any page shows, asked on the command line."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Keeps the examples' line breaks."""
        return super().create_parser(
            prog_name,
            subcommand,
            epilog=_EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **kwargs,
        )

    def add_arguments(self, parser: CommandParser) -> None:
        """The grammar of a question."""
        add = parser.add_argument
        add("metrics", nargs="*", metavar="METRIC", help="names of metrics; --list shows them")
        add("--by", action="append", default=[], metavar="DIMENSION", help="group by this; may be repeated")
        add(
            "--where", action="append", default=[], metavar="FIELD=VALUE",
            help="keep deals with this value; FIELD!=VALUE leaves them out, FIELD= keeps those without; the same "
            "FIELD again adds a value, another FIELD narrows",
        )  # fmt: skip
        add(
            "--period", default="",
            help="FY27, FY27-Q1, FY27-M01; calendar: 2017, 2017Q1, 2017-03, 2017-03-31; FIRST..LAST, both included",
        )  # fmt: skip
        add(
            "--period-of", choices=[p.value for p in PeriodOf], default="close", help="which date it is about"
        )
        add("--as-of", default="", metavar="INSTANT", help="a date (the end of that business day) or a time")
        add(
            "--organization",
            choices=["THEN", "TODAY"],
            default="THEN",
            help="hierarchy of that time, or today's",
        )
        add(
            "--as",
            dest="login",
            default="",
            metavar="USER",
            help="only what this login may see (e-mail address)",
        )
        add("--currency", default="", help="currency of amounts; the company's by default")
        add("--sort", default="", metavar="METRIC", help="largest first; -METRIC smallest first")
        add("--limit", type=int, default=None, help="rows shown")
        add("--json", action="store_true", help="JSON with definitions, exact numbers, rows and sums")
        add("--list", action="store_true", help="all metrics with formulas, and all dimensions")

    def handle(self, *args: Any, **options: Any) -> None:
        """Answer, or say what is wrong with the question."""
        if options["list"]:
            self.stdout.write(_listing_json() if options["json"] else _listing())
            return
        if not options["metrics"]:
            raise CommandError("Name at least one metric; --list shows them all.", returncode=1)
        try:
            table = figures(_scope(options["login"]), _query(options))
        except (FigureError, CompanyNotSetUpError) as error:
            raise CommandError(str(error), returncode=1) from None
        self.stdout.write(to_json(as_data(table)) if options["json"] else to_text(table))


def _query(options: dict[str, Any]) -> FigureQuery:
    return FigureQuery(
        metrics=tuple(options["metrics"]),
        by=tuple(part for text in options["by"] for part in text.split(",") if part),
        where=parse_filters(options["where"]),
        period=options["period"],
        period_of=PeriodOf(options["period_of"]),
        at=instant_named(options["as_of"]),
        currency=options["currency"],
        organization=options["organization"],
        sort=options["sort"],
        limit=options["limit"],
    )


def _scope(login: str) -> Scope:
    if not login:
        return Scope.system("figures asked on the command line")
    users = get_user_model()
    user = users.objects.filter(email__iexact=login).first()
    if user is None:
        near = difflib.get_close_matches(login, users.objects.values_list("email", flat=True), n=1)
        raise FigureError(f"There is no login {login!r}." + (f" Did you mean {near[0]}?" if near else ""))
    return scope_for(user)


def _listing() -> str:
    lines = ["METRICS"]
    for metric in REGISTRY.values():
        lines += [
            f"  {metric.name:<26} {metric.formula}",
            f"  {'':<26} = {metric.symbols}  [{metric.unit.value}]",
        ]
    lines += ["", "DIMENSIONS (--by, --where)"]
    lines += [f"  {dimension.name:<26} {dimension.title}" for dimension in DIMENSIONS.values()]
    return "\n".join(lines)


def _listing_json() -> str:
    return to_json(
        {
            "metrics": [definition(metric) for metric in REGISTRY.values()],
            "dimensions": [{"name": d.name, "title": d.title} for d in DIMENSIONS.values()],
        }
    )
