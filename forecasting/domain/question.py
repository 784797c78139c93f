"""What somebody asks of the forecast: whose, which tree, which period, as of when, in which currency, shown how."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from forecasting.domain.columns import Rollup
from organization.domain.facts import PeriodFacts, ReportingLines
from pipeline.domain.cells import Organization
from pipeline.domain.trees import Tree
from salesops.kernel.dates import EARLIEST, as_instant


class TreeName(StrEnum):
    """The trees the forecast can be read by."""

    PEOPLE = "people"
    TERRITORIES = "territories"
    FAMILIES = "families"

    @property
    def below(self) -> Tree:
        """The roll-up of nodes with everything below."""
        return {"people": Tree.PEOPLE, "territories": Tree.TERRITORY, "families": Tree.FAMILY}[self.value]

    @property
    def own(self) -> Tree:
        """The roll-up of nodes alone."""
        return {"people": Tree.OWN, "territories": Tree.TERRITORY_OWN, "families": Tree.FAMILY_OWN}[
            self.value
        ]


class Since(StrEnum):
    """Instants to compare with, relative to the one looked at."""

    WEEK = "week"
    MONDAY = "monday"
    MONTH = "month"
    PERIOD = "period"


@dataclass(frozen=True)
class Question:
    """One page's question; every field is in its address, so that a copied link asks the same again.

    `at` None means now. `since` is the earlier instant compared with, None when there is none (the period had not
    begun). `top` None means everything the viewer sees.
    """

    tree: TreeName
    top: int | None
    period: PeriodFacts
    now: dt.datetime
    at: dt.datetime | None
    since: dt.datetime
    since_name: str
    currency: str
    organization: Organization = Organization.THEN
    rollup: Rollup = Rollup.SINGLE
    opened: frozenset[str] = frozenset()
    split: frozenset[str] = frozenset()
    extra: frozenset[str] = frozenset()
    exact: bool = False
    replaced: tuple[tuple[str, str], ...] = ()
    """Words of the address that mean nothing here, with what was asked: the page says what it shows instead."""

    @property
    def instant(self) -> dt.datetime:
        """The instant looked at."""
        return self.at or self.now

    @property
    def with_quota(self) -> bool:
        """Whether there are quotas to compare with: they are set by person."""
        return self.tree is TreeName.PEOPLE

    @property
    def lines(self) -> ReportingLines:
        """Whose reporting lines count: today's, or those of the instant looked at, no later than the period's end."""
        return "TODAY" if self.organization is Organization.TODAY else self.period.last_date

    @property
    def is_historic(self) -> bool:
        """Whether the page shows the past, and may not be written on."""
        return self.at is not None


def compared_with(name: str, instant: dt.datetime, zone: dt.tzinfo, period: PeriodFacts) -> dt.datetime:
    """The instant a preset stands for, or one written out (a date means its beginning). Raises ValueError.

    A week and four weeks earlier it was the same time of day on the company's clocks, put forward since or not.
    """
    local = instant.astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if name == Since.WEEK:
        return (local - dt.timedelta(days=7)).astimezone(dt.UTC)
    if name == Since.MONTH:
        return (local - dt.timedelta(days=28)).astimezone(dt.UTC)
    if name == Since.MONDAY:
        monday = midnight - dt.timedelta(days=local.weekday())
        return _midnight(monday.date() if monday < local else (monday - dt.timedelta(days=7)).date(), zone)
    if name == Since.PERIOD:
        return min(_midnight(period.from_date, zone), instant)
    found = max(as_instant(dt.datetime.fromisoformat(name), zone), EARLIEST)
    return min(found, instant.astimezone(dt.UTC))


def _midnight(day: dt.date, zone: dt.tzinfo) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC)


def week_points(
    instant: dt.datetime, zone: dt.tzinfo, period: PeriodFacts, count: int = 8
) -> list[dt.datetime]:
    """How the last weeks began, oldest first: the instants of a figure's course before the one looked at.

    Of a period that is over they are counted back from its end, after which little moves any more.
    """
    end = min(instant, _midnight(period.to_date, zone))
    day = end.astimezone(zone).date()
    monday = day - dt.timedelta(days=day.weekday())
    weeks = count if _midnight(monday, zone) == end else count - 1
    return [_midnight(monday - dt.timedelta(days=7 * back), zone) for back in range(weeks, weeks - count, -1)]
