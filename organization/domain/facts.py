"""What the organisation's tables say, as plain values that screens and higher apps read."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

ReportingLines = Literal["THEN", "TODAY"] | dt.date
"""Whose reporting lines count: those of the instant asked about, today's, or those of the instant but of no later day
than the one named: who moves on after a quarter's end stays where they were in it."""


def day_of_lines(lines: ReportingLines, day: dt.date, today: dt.date) -> dt.date:
    """The day whose reporting lines count, seen from a business day."""
    if lines == "TODAY":
        return today
    return day if lines == "THEN" else min(day, lines)


class CompanyNotSetUpError(LookupError):
    """There is no company yet: an administrator has to say its name, currency, time zone and calendar."""


@dataclass(frozen=True)
class CompanyFacts:
    """The company's settings. Business dates are dates in `time_zone`."""

    name: str
    corporate_currency: str
    time_zone: str
    calendar_id: int
    is_demo: bool
    minor_unit: int = 2
    calendar_name: str = ""

    @property
    def zone(self) -> ZoneInfo:
        """The time zone as an object."""
        return ZoneInfo(self.time_zone)

    def date_of(self, at: dt.datetime) -> dt.date:
        """The business date of an instant."""
        return at.astimezone(self.zone).date()

    def start_of(self, day: dt.date) -> dt.datetime:
        """The instant at which a business day begins: its first, where clocks make midnight happen twice or never.

        In UTC: a time of day that does not exist equals no instant, not even the one it stands for.
        """
        return dt.datetime.combine(day, dt.time(), self.zone).astimezone(dt.UTC)


@dataclass(frozen=True)
class PeriodFacts:
    """A year, quarter, month or week of a calendar: `[from_date, to_date)`."""

    id: int
    name: str
    kind: str
    from_date: dt.date
    to_date: dt.date
    parent_id: int | None = None

    @property
    def last_date(self) -> dt.date:
        """The last day in it."""
        return self.to_date - dt.timedelta(days=1)

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.to_date - self.from_date).days

    @property
    def is_calendar_month(self) -> bool:
        """Whether it is exactly a month of the ordinary calendar, so that a page may call it March."""
        return self.kind == "MONTH" and self.from_date.day == 1 and self.to_date.day == 1 and self.days < 32

    def __contains__(self, day: dt.date) -> bool:
        return self.from_date <= day < self.to_date

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class PersonNode:
    """A person in a reporting tree. `parent_id` is None for a root of what the viewer sees, where `depth` is 0."""

    id: int
    name: str
    title: str
    parent_id: int | None
    depth: int
    is_leaf: bool
    is_active: bool = True
    email: str = ""
    territory_id: int | None = None


@dataclass(frozen=True)
class TerritoryNode:
    """A territory in its tree."""

    id: int
    name: str
    kind: str
    parent_id: int | None
    depth: int
    is_leaf: bool
    is_active: bool = True


@dataclass(frozen=True)
class LineFacts:
    """Somebody's manager in `[from_date, to_date)`; `to_date` None means until further notice."""

    id: int
    person_id: int
    person_name: str
    manager_id: int
    manager_name: str
    from_date: dt.date
    to_date: dt.date | None


@dataclass(frozen=True)
class MembershipFacts:
    """Somebody works in a territory in `[from_date, to_date)`; `to_date` None means until further notice."""

    person_id: int
    person_name: str
    territory_id: int
    territory_name: str
    from_date: dt.date
    to_date: dt.date | None

    @property
    def last_date(self) -> dt.date | None:
        """The last day there, None when no end is known."""
        return None if self.to_date is None else self.to_date - dt.timedelta(days=1)
