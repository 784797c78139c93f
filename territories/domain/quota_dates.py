"""Which fiscal period the date of a quota row means, and what to do when no period begins there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence

from organization.domain.facts import PeriodFacts
from salesops.kernel.said import Said

NEAR = dt.timedelta(days=7)
"""How far a stated quarter start may lie from a fiscal one to be taken for it (a calendar a day earlier)."""
_MONTHS = {"QUARTER": 3, "YEAR": 12}
"""Months between the starts of two periods."""
_SHOWN = 4
_NAMES = (
    Said("January"), Said("February"), Said("March"), Said("April"), Said("May"), Said("June"),
    Said("July"), Said("August"), Said("September"), Said("October"), Said("November"), Said("December"),
)  # fmt: skip


def meant_period(periods: Sequence[PeriodFacts], day: dt.date, grain: str) -> PeriodFacts | None:
    """The month a day lies in; the quarter (or year) that begins nearest to it, at most a week away."""
    if grain == "MONTH":
        return next((p for p in periods if day in p), None)
    nearest = min(periods, key=lambda p: abs(p.from_date - day), default=None)
    return nearest if nearest is not None and abs(nearest.from_date - day) <= NEAR else None


def calendar_cure(
    days: Collection[dt.date], grain: str, others: Mapping[str, Sequence[PeriodFacts]], current: str
) -> Said:
    """What to do about dates at which the calendar in force begins no period: activate one of the `others` that
    does (periods of the grain by name), else define the one whose periods begin there."""
    fitting = next((name for name, periods in others.items() if _fits(periods, days, grain)), None)
    if fitting is not None:
        return Said(
            "Activate the calendar “%(name)s” (Set-up › Calendars), then import these quotas again.",
            name=fitting,
        )
    if grain == "MONTH":
        return Said(
            "Define a calendar like “%(name)s” that covers %(first)s to %(last)s, "
            "activate it (Set-up › Calendars), then import these quotas again.",
            name=current, first=min(days).isoformat(), last=max(days).isoformat(),
        )  # fmt: skip
    if months := _month_starts(days, _MONTHS[grain]):
        return Said(
            "Define a calendar of calendar months whose year begins in %(months)s, "
            "activate it (Set-up › Calendars), then import these quotas again.",
            months=_either([_NAMES[month - 1] for month in months]),
        )
    if grain == "QUARTER":
        return Said(
            "Define a calendar (kind Custom) whose quarters begin on %(days)s, "
            "activate it (Set-up › Calendars), then import these quotas again.",
            days=_shown(days),
        )
    return Said(
        "Define a calendar (kind Custom) whose years begin on %(days)s, "
        "activate it (Set-up › Calendars), then import these quotas again.",
        days=_shown(days),
    )


def no_period(grain: str, calendar: str) -> Said:
    """That a date means no period of a calendar."""
    if grain == "MONTH":
        return Said("lies in no month of the fiscal calendar “%(name)s”", name=calendar)
    if grain == "QUARTER":
        return Said(
            "is not within a week of the start of a quarter of the fiscal calendar “%(name)s”", name=calendar
        )
    return Said(
        "is not within a week of the start of a year of the fiscal calendar “%(name)s”", name=calendar
    )


def _either(names: Sequence[Said]) -> Said:
    """One of these: "March or June or September"."""
    told = names[0]
    for name in names[1:]:
        told = Said("%(one)s or %(other)s", one=told, other=name)
    return told


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
    if len(days) <= _SHOWN:
        return first
    return Said("%(days)s and %(count)s other days", days=first, count=len(days) - _SHOWN)
