"""`waterfall`: what moved a forecast column between two instants, on the command line."""

from __future__ import annotations

import argparse
import json
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from forecasting.domain.columns import Column, column_named
from forecasting.domain.question import Question
from forecasting.forms import question_of
from forecasting.selectors.board import all_subdivisions
from forecasting.selectors.moved import Moved, moved
from forecasting.selectors.nodes import NotVisibleError
from organization.domain.facts import CompanyNotSetUpError
from organization.domain.scope import Scope
from organization.scope import scope_for
from pipeline.domain.waterfall import steps_by_cause
from salesops.ui import formats

_EPILOG = """examples:
  waterfall --period FY27-Q1 --since 2026-03-01
  waterfall --column commit --who 12 --since monday --json
  waterfall --tree territories --since 2026-02-01T09:00 --at 2026-03-01 --as vera@example.com --deals
exit codes: 0 answered, 1 cannot be answered as asked
"""


class Command(BaseCommand):
    """Prints opening, one line per cause, closing; with `--json` exact amounts and the deals."""

    help = "Opening, causes and closing of a forecast column between two instants; the lines add up exactly."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Keeps the examples' line breaks."""
        raw = argparse.RawDescriptionHelpFormatter
        return super().create_parser(prog_name, subcommand, epilog=_EPILOG, formatter_class=raw, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        """The same words as the page's address."""
        add = parser.add_argument
        add(
            "--column",
            default="commit_forecast",
            help="won, commit, commit_forecast, upside, pipeline, best_case, open",
        )
        add("--who", default="", help="id of a person, territory or family; everything by default")
        add("--tree", default="people", choices=["people", "territories", "families"])
        add(
            "--period",
            default="",
            help="FY27, FY27-Q1, FY27-M01, or year, quarter, month; this quarter by default",
        )
        add(
            "--since",
            default="week",
            help="week, monday, month, period, or an instant (a date: its beginning)",
        )
        add("--at", default="", help="until this instant (a date: its end); now by default")
        add("--currency", default="", help="currency of amounts; the company's by default")
        add(
            "--org",
            default="then",
            choices=["then", "today"],
            help="reporting lines of that time, or today's",
        )
        add("--as", dest="login", default="", metavar="USER", help="only what this login may see")
        add("--deals", action="store_true", help="the deals behind each cause (always in JSON)")
        add("--json", action="store_true", help="JSON with exact amounts")

    def handle(self, *args: Any, **options: Any) -> None:
        """Asks the page's own selector."""
        scope = self._scope(options["login"])
        try:
            question = question_of(
                {k: str(v) for k, v in options.items() if k in _WORDS}, scope, timezone.now()
            )
            column = column_named(options["column"], subdivisions=all_subdivisions())
            if column is None or not column.is_deals:
                raise CommandError(f"There is no column {options['column']!r} that is a sum of deals.")
            found = moved(scope, question, column)
        except NotVisibleError:
            raise CommandError("No such node, or not visible to this login.") from None
        except CompanyNotSetUpError as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            self.stdout.write(json.dumps(as_data(question, column, found), indent=2, ensure_ascii=False))
        else:
            self._print(question, found, options["deals"])

    def _scope(self, login: str) -> Scope:
        if not login:
            return Scope.system("Command line")
        user = get_user_model().objects.filter(email__iexact=login).first()
        if user is None:
            raise CommandError(f"There is no login {login!r}.")
        return scope_for(user)

    def _print(self, question: Question, found: Moved, with_deals: bool) -> None:
        flow, behind = found.waterfall, steps_by_cause(found.waterfall)
        lines = [("Opening", flow.opening, ""), *((str(b.cause), b.change, str(b.deals)) for b in flow.bars)]
        for name, total, deals in [*lines, ("Closing", flow.closing, "")]:
            self.stdout.write(f"{name:<16}{formats.money(total, question.currency):>24}{deals:>7}")
            if with_deals and name in behind:
                for step in behind[name]:  # type: ignore[index]
                    label = found.labels[step.deal_id].name
                    self.stdout.write(
                        f"    {formats.money(step.change, question.currency):>20}  {step.deal_id} {label}"
                    )


_WORDS = frozenset({"who", "tree", "period", "since", "at", "currency", "org"})


def as_data(question: Question, column: Column, found: Moved) -> dict[str, Any]:
    """The waterfall as plain data, amounts exact as text."""
    flow, behind = found.waterfall, steps_by_cause(found.waterfall)
    return {
        "column": column.name,
        "period": question.period.name,
        "since": question.since.isoformat(),
        "until": question.instant.isoformat(),
        "currency": question.currency,
        "opening": format(flow.opening, "f"),
        "closing": format(flow.closing, "f"),
        "balances": flow.balances(),
        "causes": [
            {
                "cause": bar.cause.value,
                "change": format(bar.change, "f"),
                "deals": [
                    {"id": s.deal_id, "name": found.labels[s.deal_id].name, "change": format(s.change, "f")}
                    for s in behind[bar.cause]
                ],
            }
            for bar in flow.bars
        ],
    }
