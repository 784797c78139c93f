"""Fiscal periods of the company's calendar.

A calendar never changes once it is defined, so its periods are read once for each connection of a process at most.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from organization.domain.facts import PeriodFacts
from organization.models import FiscalDay, FiscalPeriod
from organization.selectors.company import company
from organization.selectors.memo import remembered

_FIELDS = ("id", "name", "kind", "from_date", "to_date", "parent_id")


class PeriodUnknownError(LookupError):
    """The company's calendar has no such period."""


@dataclass(frozen=True)
class _Calendar:
    """The periods of a calendar in order, by kind and by id."""

    by_kind: dict[str, list[PeriodFacts]] = field(default_factory=dict)
    by_id: dict[int, PeriodFacts] = field(default_factory=dict)


_KEPT = 8
"""Calendars a process keeps: the one in force, a former one behind old links, one being looked at."""
_calendars: dict[int, _Calendar] = {}


def forget_calendars(connection: object = None, **_signal: object) -> None:
    """Read calendars anew. Done with every new connection, for behind it there may be a restored database; not with one
    that was kept since a former request."""
    if not getattr(connection, "is_reused", False):
        _calendars.clear()


def _calendar(calendar_id: int | None = None) -> _Calendar:
    wanted = calendar_id or company().calendar_id
    found = _calendars.get(wanted)
    if found is None:
        found = _Calendar()
        rows = FiscalPeriod.objects.filter(calendar_id=wanted).order_by("from_date", "id")
        for row in rows.values_list(*_FIELDS):
            period = PeriodFacts(*row)
            found.by_kind.setdefault(period.kind, []).append(period)
            found.by_id[period.id] = period
        if found.by_id:  # one without periods is still being written
            if len(_calendars) >= _KEPT:
                _calendars.clear()
            _calendars[wanted] = found
    return found


def _calendar_of(period: PeriodFacts) -> _Calendar:
    """The calendar a period belongs to, in force or not."""
    present = _calendar()
    if period.id in present.by_id:
        return present
    return _calendar(FiscalPeriod.objects.values_list("calendar_id", flat=True).get(id=period.id))


def periods(kind: str, around: dt.date | None = None, calendar_id: int | None = None) -> list[PeriodFacts]:
    """Periods of a kind in order; with `around`, those of its fiscal year, the two years before and the two after."""
    found = _calendar(calendar_id).by_kind.get(kind, [])
    if around is None:
        return list(found)
    here = next((p for p in periods_containing(around, calendar_id) if p.kind == "YEAR"), None)
    if here is None:
        try:
            first, last = around.replace(around.year - 3, day=1), around.replace(around.year + 3, day=1)
        except ValueError:
            return []
        return [p for p in found if first <= p.from_date < last]
    first = here.from_date - dt.timedelta(days=2 * 371)
    last = here.to_date + dt.timedelta(days=2 * 371)
    return [p for p in found if p.from_date >= first and p.to_date <= last]


def periods_containing(day: dt.date, calendar_id: int | None = None) -> list[PeriodFacts]:
    """The year, quarter, month and week a day lies in; empty outside the calendar."""
    found = [p for p in _calendar(calendar_id).by_id.values() if p.from_date <= day < p.to_date]
    return sorted(found, key=lambda p: p.from_date)


def period_containing(kind: str, day: dt.date) -> PeriodFacts:
    """The period of a kind that a day lies in. Raises `PeriodUnknownError` outside the calendar."""
    for period in periods_containing(day):
        if period.kind == kind:
            return period
    raise PeriodUnknownError(f"{day} lies outside the fiscal calendar.")


def period_named(name: str) -> PeriodFacts:
    """The period with this name (`FY27-Q1`), in any case. Raises `PeriodUnknownError`."""
    wanted = name.strip().casefold()
    for period in _calendar().by_id.values():
        if period.name.casefold() == wanted:
            return period
    raise PeriodUnknownError(f"The fiscal calendar has no period {name!r}.")


def period_by_id(period_id: int) -> PeriodFacts:
    """The period with this id, of whatever calendar: links to periods of a former calendar stay good."""
    known = _calendar().by_id.get(period_id)
    if known is not None:
        return known
    row = remembered(
        ("period", period_id), lambda: FiscalPeriod.objects.filter(id=period_id).values_list(*_FIELDS).first()
    )
    if row is None:
        raise PeriodUnknownError("There is no such period.")
    return PeriodFacts(*row)


def month_periods_of(period: PeriodFacts) -> list[PeriodFacts]:
    """The fiscal months that make up a year or quarter; a month is its own; of a week, the months it touches."""
    if period.kind == "MONTH":
        return [period]
    calendar = _calendar_of(period)
    months = calendar.by_kind.get("MONTH", [])
    if period.kind == "WEEK":
        return [p for p in months if p.from_date < period.to_date and p.to_date > period.from_date]
    inside = {period.id} | {p.id for p in calendar.by_id.values() if p.parent_id == period.id}
    return [p for p in months if p.parent_id in inside]


def children_of(period: PeriodFacts, kind: str) -> list[PeriodFacts]:
    """Periods of a smaller kind within a period, in order."""
    same = _calendar_of(period).by_kind.get(kind, [])
    return [p for p in same if p.from_date >= period.from_date and p.to_date <= period.to_date]


def neighbour(period: PeriodFacts, steps: int) -> PeriodFacts | None:
    """The period of the same kind so many steps later (negative: earlier); None past the calendar's end."""
    same = _calendar_of(period).by_kind.get(period.kind, [])
    place = next((i for i, p in enumerate(same) if p.id == period.id), None)
    if place is None or not 0 <= place + steps < len(same):
        return None
    return same[place + steps]


def ancestors_of(period: PeriodFacts) -> list[PeriodFacts]:
    """The larger periods a period lies in, largest first (a week: its year)."""
    found: list[PeriodFacts] = []
    parent_id = period.parent_id
    while parent_id is not None:
        parent = period_by_id(parent_id)
        found.insert(0, parent)
        parent_id = parent.parent_id
    return found


def is_in_calendar(day: dt.date) -> bool:
    """Whether the company's calendar has this day; business dates outside it are refused."""
    return FiscalDay.objects.filter(calendar_id=company().calendar_id, day=day).exists()


def period_names(period_ids: list[int]) -> dict[int, str]:
    """Names by id, of whatever calendar; unknown ids are absent."""
    return dict(FiscalPeriod.objects.filter(pk__in=period_ids).values_list("id", "name"))
