"""Which fiscal period the date of a quota row means, and what to do when no period begins there."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence

from organization.domain.facts import PeriodFacts

NEAR = dt.timedelta(days=7)
"""How far a stated quarter start may lie from a fiscal one to be taken for it (a calendar a day earlier)."""
_MONTHS = {"QUARTER": 3, "YEAR": 12}
"""Months between the starts of two periods."""
_SHOWN = 4
GRAIN_NAMES = {"MONTH": "month", "QUARTER": "quarter", "YEAR": "year"}


def meant_period(periods: Sequence[PeriodFacts], day: dt.date, grain: str) -> PeriodFacts | None:
    """The month a day lies in; the quarter (or year) that begins nearest to it, at most a week away."""
    if grain == "MONTH":
        return next((p for p in periods if day in p), None)
    nearest = min(periods, key=lambda p: abs(p.from_date - day), default=None)
    return nearest if nearest is not None and abs(nearest.from_date - day) <= NEAR else None


def calendar_cure(
    days: Collection[dt.date], grain: str, others: Mapping[str, Sequence[PeriodFacts]], current: str
) -> str:
    """What to do about dates at which the calendar in force begins no period: activate one of the `others` that
    does (periods of the grain by name), else define the one whose periods begin there."""
    fitting = next((name for name, periods in others.items() if _fits(periods, days, grain)), None)
    again = "then import these quotas again"
    if fitting is not None:
        return f"Activate the calendar “{fitting}” (Set-up › Calendars), {again}."
    if grain == "MONTH":
        span = f"{min(days)} to {max(days)}"
        return f"Define a calendar like “{current}” that covers {span}, activate it (Set-up › Calendars), {again}."
    months = _month_starts(days, _MONTHS[grain])
    if months:
        names = " or ".join(calendar.month_name[month] for month in months)
        kind = f"of calendar months whose year begins in {names}"
    else:
        kind = f"(kind Custom) whose {GRAIN_NAMES[grain]}s begin on {_shown(days)}"
    return f"Define a calendar {kind}, activate it (Set-up › Calendars), {again}."


def _fits(periods: Sequence[PeriodFacts], days: Iterable[dt.date], grain: str) -> bool:
    return bool(periods) and all(meant_period(periods, day, grain) is not None for day in days)


def _month_starts(days: Iterable[dt.date], step: int) -> list[int]:
    """The months in which the year of a month-based calendar may begin so that a period begins near every day."""
    found: set[int] = set()
    for day in days:
        begin = day.replace(day=1)
        following = (begin + dt.timedelta(days=32)).replace(day=1)
        nearest = min(begin, following, key=lambda first: abs(first - day))
        if abs(nearest - day) > NEAR:
            return []
        found.add(nearest.month % step)
    return [month for month in range(1, 13) if month % step in found] if len(found) == 1 else []


def _shown(days: Collection[dt.date]) -> str:
    first = ", ".join(day.isoformat() for day in sorted(days)[:_SHOWN])
    return first if len(days) <= _SHOWN else f"{first} and {len(days) - _SHOWN} other days"
