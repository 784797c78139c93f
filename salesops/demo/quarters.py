"""Fiscal quarters of the demo company, whose year starts in February: plain date arithmetic, no database."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

START_MONTH = 2


@dataclass(frozen=True, order=True)
class Quarter:
    """A fiscal quarter `[from_date, to_date)`; `year` is the calendar year in which its fiscal year ends."""

    from_date: dt.date
    to_date: dt.date
    year: int
    number: int

    @property
    def name(self) -> str:
        """The name its period row carries, like `FY27-Q1`."""
        return f"FY{self.year % 100:02d}-Q{self.number}"

    def holds(self, day: int) -> bool:
        """Whether the day (a date ordinal) lies in the quarter."""
        return self.from_date.toordinal() <= day < self.to_date.toordinal()


def _add_months(day: dt.date, months: int) -> dt.date:
    index = day.year * 12 + day.month - 1 + months
    return dt.date(index // 12, index % 12 + 1, 1)


def quarter_of(day: dt.date) -> Quarter:
    """The fiscal quarter that holds a date."""
    offset = (day.month - START_MONTH) % 12
    start = _add_months(day.replace(day=1), -(offset % 3))
    end_year = start.year + 1 if start.month >= START_MONTH else start.year
    return Quarter(start, _add_months(start, 3), end_year, offset // 3 + 1)


def shifted(quarter: Quarter, by: int) -> Quarter:
    """The quarter `by` quarters later (earlier when negative)."""
    return quarter_of(_add_months(quarter.from_date, 3 * by))


def month_end(ordinal: int) -> int:
    """The last day (ordinal) of the month a day lies in."""
    day = dt.date.fromordinal(ordinal)
    return _add_months(day.replace(day=1), 1).toordinal() - 1


def quarter_end(ordinal: int) -> int:
    """The last day (ordinal) of the fiscal quarter a day lies in."""
    return quarter_of(dt.date.fromordinal(ordinal)).to_date.toordinal() - 1


def workday(ordinal: int) -> int:
    """The day itself, or the Friday before it when it falls on a week-end."""
    return ordinal - max(0, (ordinal - 1) % 7 - 4)
