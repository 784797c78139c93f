# ruff: noqa: S608 - every piece of SQL is a constant; values are parameters
"""Which deals a question is about: one FROM and WHERE for deals as they stand and for versions valid at an instant."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from organization import selectors as organization
from organization.domain.facts import CompanyNotSetUpError, ReportingLines, day_of_lines
from organization.domain.scope import Scope
from pipeline.domain.figures import FigureError, FigureQuery, Filter, Span
from pipeline.selectors import refusals
from pipeline.selectors.dimensions import ALIASES, DATE_SQL, DIMENSIONS, Dimension
from pipeline.selectors.ground import company_facts
from pipeline.selectors.history import FAR, visible_conditions
from salesops.kernel.dates import asked_instant
from salesops.wall import context as wall

_CALENDAR = re.compile(r"(\d{4})(?:-?Q([1-4])|-(\d{2})(?:-(\d{2}))?)?", re.ASCII | re.IGNORECASE)


@dataclass
class Selection:
    """FROM, WHERE and parameters of a question; `{o}` in dimensions becomes the alias of the current row."""

    joins: dict[str, None] = field(default_factory=dict)
    conditions: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    table: str = ""
    current: str = "v"
    seen: str = "true"
    """The condition that the viewer may see a state `v` of a deal."""

    def sql(self, text: str) -> str:
        """A piece of dimension SQL made ready."""
        return text.replace("{o}", self.current)

    def use(self, dimension: Dimension) -> None:
        """Join what the dimension needs, once."""
        for join in dimension.joins:
            self.joins[self.sql(join)] = None

    def source(self, by: Iterable[Dimension] = (), extra: str = "") -> str:
        """The FROM and WHERE clauses, with the joins of these dimensions, and extra ones, as well."""
        joins = dict(self.joins)
        for dimension in by:
            joins.update(dict.fromkeys(self.sql(join) for join in dimension.joins))
        return f"FROM {self.table} {' '.join(joins)} {extra} WHERE {' AND '.join(self.conditions)}"


def dimension_named(name: str) -> Dimension:
    """The dimension of this name or alias. Raises `FigureError` with the nearest names."""
    key = name.strip().lower().replace("-", "_").replace(" ", "_")
    key = ALIASES.get(key, key)
    if key not in DIMENSIONS:
        raise refusals.unknown_dimension(name, key)
    return DIMENSIONS[key]


def lines_of(query: FigureQuery, span: Span | None) -> ReportingLines:
    """Whose reporting lines a question means: of a period that is over, those of its last day."""
    if query.organization == "TODAY":
        return "TODAY"
    return "THEN" if span is None else span.to_date - dt.timedelta(days=1)


def select_deals(scope: Scope, query: FigureQuery, span: Span | None) -> Selection:
    """The deals of a question that this viewer may see. Raises `FigureError` for a name nothing has."""
    company = company_facts()
    chosen = Selection(
        values={
            "day": day_of_lines(
                lines_of(query, span),
                company.date_of(query.at or timezone.now()),
                company.date_of(timezone.now()),
            ),
            "calendar": company.calendar_id,
            "zone": company.time_zone,
            "people": sorted(scope.person_ids),
            "all_people": scope.everything or scope.won_only_everywhere,
            "all_deals": scope.everything,
        },
        seen=" AND ".join(visible_conditions(scope)) or "true",
    )
    chosen.conditions = ["NOT v.is_deleted", *visible_conditions(scope)]
    if query.at is None:
        chosen.table = "opportunities_opportunity v"
    else:
        chosen.current = "o"
        chosen.table = (
            "opportunities_opportunityversion v JOIN opportunities_opportunity o ON o.id = v.opportunity_id"
        )
        chosen.conditions += [f"v.superseded_at = {FAR}", "v.valid_from <= %(at)s", "v.valid_to > %(at)s"]
        chosen.values["at"] = query.at
    if span is not None:
        date = chosen.sql(DATE_SQL[query.period_of])
        chosen.conditions += [f"{date} >= %(from_date)s", f"{date} < %(to_date)s"]
        chosen.values |= {"from_date": span.from_date, "to_date": span.to_date}
    for number, wanted in enumerate(query.where):
        _add_filter(chosen, wanted, f"where_{number}")
    return chosen


def _add_filter(chosen: Selection, wanted: Filter, name: str) -> None:
    dimension = dimension_named(wanted.field)
    named = [value.strip().lower() for value in wanted.values if value.strip()]
    _check_names(chosen, dimension, wanted)
    keys = f"{name}_keys"
    chosen.values |= {name: named, keys: list(wanted.keys) or None}
    if dimension.condition:
        condition = dimension.condition.replace("{values}", f"%({name})s").replace("{keys}", f"%({keys})s")
    else:
        chosen.use(dimension)
        label = chosen.sql(dimension.label)
        condition = f"coalesce(lower({label}) = ANY(%({name})s), false)"
        if len(named) < len(wanted.values):
            condition = f"({condition} OR {label} IS NULL)"
        if wanted.keys:
            condition += f" AND ({chosen.sql(dimension.parts[0])})::text = ANY(%({keys})s)"
    chosen.conditions.append(f"NOT coalesce({condition}, false)" if wanted.negated else condition)


def _check_names(chosen: Selection, dimension: Dimension, wanted: Filter) -> None:
    """Refuse a name nothing has: a mistyped region must not answer zero."""
    named = [value.strip() for value in wanted.values if value.strip()]
    if not dimension.names or not named:
        return
    names = dimension.names.replace("{seen}", chosen.seen)
    known = [row[0] for row in run(f"SELECT DISTINCT n FROM ({names}) x(n) WHERE n <> ''", chosen.values)]
    folded = {name.lower(): name for name in known}
    for value in named:
        if value.lower() not in folded:
            raise refusals.unknown_value(dimension, value, folded)


def run(sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    """All rows of a statement."""
    with wall.past() if "at" in values else nullcontext(), connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def span_named(text: str) -> Span | None:
    """What a period's name means; None for no name.

    A fiscal period by its name (`FY27-Q1`), a calendar year, quarter, month or day (`2017`, `2017Q1`, `2017-03`,
    `2017-03-31`), or `FIRST..LAST` of any of them, both included. Raises `FigureError`.
    """
    name = text.strip()
    if not name:
        return None
    if ".." in name:
        first, last = (span_named(part) for part in name.split("..", 1))
        if first is None or last is None or first.from_date >= last.to_date:
            told = _("“%(name)s” is no period: write FIRST..LAST, the earlier one first.")
            raise FigureError(told % {"name": name})
        return Span(name, first.from_date, last.to_date)
    try:
        period = organization.period_named(name)
    except (organization.PeriodUnknownError, CompanyNotSetUpError):
        return _calendar_span(name)
    return Span(period.name, period.from_date, period.to_date, period.id)


def _calendar_span(name: str) -> Span:
    match = _CALENDAR.fullmatch(name)
    if match is None:
        told = _(
            "There is no period “%(name)s”. Fiscal periods are named like FY27, FY27-Q1, FY27-M01; calendar ones like "
            "2017, 2017Q1, 2017-03 and 2017-03-31."
        )
        raise FigureError(told % {"name": name})
    year, quarter, month, day = (int(part) if part else None for part in match.groups())
    try:
        if day and month:
            first = dt.date(year or 1, month, day)
            return Span(name, first, first + dt.timedelta(days=1))
        start, months = (month, 1) if month else (3 * quarter - 2, 3) if quarter else (1, 12)
        first = dt.date(year or 1, start, 1)
        after = start - 1 + months
        return Span(name, first, dt.date(first.year + after // 12, after % 12 + 1, 1))
    except ValueError:
        raise FigureError(_("“%(name)s” is no date of the calendar.") % {"name": name}) from None


def instant_named(text: str) -> dt.datetime | None:
    """The instant meant by a text: a date is the end of that business day, a time without zone is in the business
    time zone, empty or `now` is None. Raises `FigureError`.
    """
    name = text.strip()
    if not name or name.lower() == "now":
        return None
    try:
        return asked_instant(name, company_facts().zone)
    except ValueError:
        told = _("“%(name)s” is no instant: write 2026-03-31 or 2026-03-31T17:00.")
        raise FigureError(told % {"name": name}) from None
