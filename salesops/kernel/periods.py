"""Calendar arithmetic: fiscal years cut into quarters, months and weeks that partition their parent exactly.

Every interval is half-open `[from_date, to_date)`. Years are month-based with any start month, of the 4-4-5 family
(whole weeks, 52 or 53 of them), or given row by row.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

FIRST_YEAR = 1990
LAST_YEAR = 2060
"""Business dates outside these years are refused where they enter."""

_DAY = dt.timedelta(days=1)
_WEEK = dt.timedelta(days=7)


class PeriodKind(StrEnum):
    """Grains of time; a week belongs to its year, the others to the next larger."""

    YEAR = "YEAR"
    QUARTER = "QUARTER"
    MONTH = "MONTH"
    WEEK = "WEEK"


class CalendarKind(StrEnum):
    """The families of calendars."""

    MONTHS = "MONTHS"
    W445 = "W445"
    W454 = "W454"
    W544 = "W544"
    CUSTOM = "CUSTOM"


PATTERNS: dict[CalendarKind, tuple[int, int, int]] = {
    CalendarKind.W445: (4, 4, 5),
    CalendarKind.W454: (4, 5, 4),
    CalendarKind.W544: (5, 4, 4),
}
"""Weeks of the three months of a quarter. A 53rd week lengthens the last month of the year."""


class CalendarError(ValueError):
    """The calendar cannot be built; the message says which rule or row is wrong."""


@dataclass(frozen=True, order=True)
class Interval:
    """Days from `from_date` up to, not including, `to_date`."""

    from_date: dt.date
    to_date: dt.date

    def __contains__(self, day: dt.date) -> bool:
        return self.from_date <= day < self.to_date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.to_date - self.from_date).days

    @property
    def last_date(self) -> dt.date:
        """The last day in it."""
        return self.to_date - _DAY

    def overlaps(self, other: Interval) -> bool:
        """Whether any day is in both."""
        return self.from_date < other.to_date and other.from_date < self.to_date


@dataclass(frozen=True)
class CalendarRule:
    """How years are cut. `week_start`: 0 = Monday … 6 = Sunday; `named_by_end`: FY27 ends in 2027."""

    kind: CalendarKind
    start_month: int = 1
    week_start: int = 0
    named_by_end: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.start_month <= 12:
            raise CalendarError("A start month is a number from 1 to 12.")
        if not 0 <= self.week_start <= 6:
            raise CalendarError("A week start is a number from 0 (Monday) to 6 (Sunday).")


@dataclass(frozen=True)
class PeriodSpec:
    """A period to be: its name is unique in the calendar; `parent` is the name of the period it lies in."""

    kind: PeriodKind
    name: str
    from_date: dt.date
    to_date: dt.date
    parent: str | None = None


@dataclass(frozen=True)
class CustomMonth:
    """One row of a calendar given by hand: a month, and the names of its quarter and year."""

    year: str
    quarter: str
    month: str
    from_date: dt.date
    to_date: dt.date


def add_months(day: dt.date, months: int) -> dt.date:
    """The first of the month that lies `months` after the month of `day`."""
    index = day.year * 12 + day.month - 1 + months
    return dt.date(index // 12, index % 12 + 1, 1)


def year_start(rule: CalendarRule, nominal_year: int) -> dt.date:
    """First day of the fiscal year that nominally begins in the start month of this calendar year.

    Week-based years begin on the week-start day nearest the first of the start month, so they have 52 or 53 weeks.
    """
    first = dt.date(nominal_year, rule.start_month, 1)
    if rule.kind is CalendarKind.MONTHS:
        return first
    back = (first.weekday() - rule.week_start) % 7
    return first - back * _DAY if back <= 3 else first + (7 - back) * _DAY


def year_name(rule: CalendarRule, nominal_year: int) -> str:
    """`FY27`: by the year it ends in (or begins in); a year that starts in January has only one."""
    named = nominal_year + (1 if rule.named_by_end and rule.start_month > 1 else 0)
    return f"FY{named % 100:02d}"


def build_calendar(
    rule: CalendarRule, first_year: int = FIRST_YEAR, last_year: int = LAST_YEAR
) -> list[PeriodSpec]:
    """All periods, whole fiscal years, that cover every day from 1 January `first_year` to 31 December `last_year`.

    Parents come before their children. Raises `CalendarError` for custom calendars (see `custom_calendar`) and for
    spans whose two-digit names would repeat.
    """
    if rule.kind is CalendarKind.CUSTOM:
        raise CalendarError("A custom calendar is built from its rows.")
    if first_year > last_year or last_year - first_year > 97:
        raise CalendarError("The last year must not lie before the first, nor 98 or more years after it.")
    begin, end = dt.date(first_year, 1, 1), dt.date(last_year + 1, 1, 1)
    periods: list[PeriodSpec] = []
    for nominal in range(first_year - 1, last_year + 2):
        start, stop = year_start(rule, nominal), year_start(rule, nominal + 1)
        if start < end and stop > begin:
            periods += _one_year(rule, year_name(rule, nominal), start, stop)
    return periods


def _one_year(rule: CalendarRule, name: str, start: dt.date, stop: dt.date) -> list[PeriodSpec]:
    months = _month_bounds(rule, start, stop)
    periods = [PeriodSpec(PeriodKind.YEAR, name, start, stop)]
    for quarter in range(4):
        bounds = months[quarter * 3 : quarter * 3 + 4]
        quarter_name = f"{name}-Q{quarter + 1}"
        periods.append(PeriodSpec(PeriodKind.QUARTER, quarter_name, bounds[0], bounds[3], name))
        periods += [
            PeriodSpec(
                PeriodKind.MONTH, f"{name}-M{quarter * 3 + i + 1:02d}", bounds[i], bounds[i + 1], quarter_name
            )
            for i in range(3)
        ]
    return periods + _weeks(name, start, stop, rule.week_start)


def _month_bounds(rule: CalendarRule, start: dt.date, stop: dt.date) -> list[dt.date]:
    """The thirteen dates between which the twelve months lie."""
    if rule.kind is CalendarKind.MONTHS:
        return [add_months(start, i) for i in range(13)]
    bounds = [start]
    for weeks in PATTERNS[rule.kind] * 4:
        bounds.append(bounds[-1] + weeks * _WEEK)
    bounds[-1] = stop
    return bounds


def _weeks(year: str, start: dt.date, stop: dt.date, week_start: int) -> list[PeriodSpec]:
    """Weeks of a year; the first and last are short where the year does not begin and end with a week."""
    weeks: list[PeriodSpec] = []
    begin = start
    while begin < stop:
        until_next = (week_start - begin.weekday()) % 7 or 7
        end = min(begin + until_next * _DAY, stop)
        weeks.append(PeriodSpec(PeriodKind.WEEK, f"{year}-W{len(weeks) + 1:02d}", begin, end, year))
        begin = end
    return weeks


def custom_calendar(rows: Sequence[CustomMonth], week_start: int = 0) -> list[PeriodSpec]:
    """Periods from hand-made months: quarters and years are the unions of their rows, weeks are cut from the years.

    Raises `CalendarError` naming the first row that leaves a gap, overlaps, is empty, or breaks up a quarter or year.
    """
    _check_rows(rows)
    periods: list[PeriodSpec] = []
    for year in dict.fromkeys(row.year for row in rows):
        in_year = [row for row in rows if row.year == year]
        periods.append(PeriodSpec(PeriodKind.YEAR, year, in_year[0].from_date, in_year[-1].to_date))
        for quarter in dict.fromkeys(row.quarter for row in in_year):
            months = [row for row in in_year if row.quarter == quarter]
            periods.append(
                PeriodSpec(PeriodKind.QUARTER, quarter, months[0].from_date, months[-1].to_date, year)
            )
            periods += [
                PeriodSpec(PeriodKind.MONTH, row.month, row.from_date, row.to_date, quarter) for row in months
            ]
        periods += _weeks(year, in_year[0].from_date, in_year[-1].to_date, week_start)
    names = [period.name for period in periods]
    doubled = next((name for name, uses in Counter(names).items() if uses > 1), None)
    if doubled:
        raise CalendarError(f"The name {doubled} is used twice; each year, quarter and month needs its own.")
    return periods


def _check_rows(rows: Sequence[CustomMonth]) -> None:
    if not rows:
        raise CalendarError("A calendar needs at least one month.")
    finished: set[tuple[str, str]] = set()
    for number, row in enumerate(rows, start=1):
        if row.from_date >= row.to_date:
            raise CalendarError(f"Row {number} ({row.month}) ends before it begins.")
        if number == 1:
            continue
        before = rows[number - 2]
        if row.from_date != before.to_date:
            fault = "overlaps" if row.from_date < before.to_date else "leaves a gap after"
            raise CalendarError(f"Row {number} ({row.month}) {fault} the row before it.")
        for level, old, new in (("year", before.year, row.year), ("quarter", before.quarter, row.quarter)):
            if old != new:
                finished.add((level, old))
            if (level, new) in finished:
                raise CalendarError(f"Row {number}: the {level} {new} is broken up by other rows.")


def partition_faults(periods: Iterable[PeriodSpec]) -> list[str]:
    """Sentences about every parent that its quarters, months or weeks do not partition exactly; empty when sound."""
    listed = list(periods)
    children: dict[tuple[str | None, PeriodKind], list[PeriodSpec]] = {}
    for period in sorted(listed, key=lambda p: p.from_date):
        children.setdefault((period.parent, period.kind), []).append(period)
    faults: list[str] = []
    for parent in listed:
        for kind in PeriodKind:
            parts = children.get((parent.name, kind), [])
            ends = [parent.from_date, *[p.to_date for p in parts]]
            starts = [*[p.from_date for p in parts], parent.to_date]
            if parts and ends != starts:
                faults.append(f"{parent.name} is not partitioned by its {kind.lower()}s.")
    return faults
