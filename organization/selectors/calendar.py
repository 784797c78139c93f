"""Fiscal periods of the company's calendar."""

from __future__ import annotations

import datetime as dt

from django.db.models import Q, QuerySet

from organization.domain.facts import PeriodFacts
from organization.models import FiscalDay, FiscalPeriod
from organization.selectors.company import company
from organization.selectors.memo import remembered

_FIELDS = ("id", "name", "kind", "from_date", "to_date", "parent_id")


class PeriodUnknownError(LookupError):
    """The company's calendar has no such period."""


def _rows(calendar_id: int | None = None) -> QuerySet[FiscalPeriod]:
    return FiscalPeriod.objects.filter(calendar_id=calendar_id or company().calendar_id)


def _facts(rows: QuerySet[FiscalPeriod]) -> list[PeriodFacts]:
    return [PeriodFacts(*row) for row in rows.order_by("from_date").values_list(*_FIELDS)]


def periods(kind: str, around: dt.date | None = None, calendar_id: int | None = None) -> list[PeriodFacts]:
    """Periods of a kind in order; with `around`, those of its fiscal year, the two years before and the two after."""
    rows = _rows(calendar_id).filter(kind=kind)
    if around is not None:
        try:
            rows = rows.filter(
                from_date__gte=dt.date(around.year - 3, around.month, 1),
                from_date__lt=dt.date(around.year + 3, around.month, 1),
            )
        except ValueError:
            return []
        found = _facts(rows)
        here = next((p for p in periods_containing(around, calendar_id) if p.kind == "YEAR"), None)
        if here is None:
            return found
        first = here.from_date - dt.timedelta(days=2 * 371)
        last = here.to_date + dt.timedelta(days=2 * 371)
        return [p for p in found if p.from_date >= first and p.to_date <= last]
    return _facts(rows)


def periods_containing(day: dt.date, calendar_id: int | None = None) -> list[PeriodFacts]:
    """The year, quarter, month and week a day lies in; empty outside the calendar."""
    calendar = calendar_id or company().calendar_id
    return remembered(
        ("containing", calendar, day),
        lambda: _facts(_rows(calendar).filter(from_date__lte=day, to_date__gt=day)),
    )


def period_containing(kind: str, day: dt.date) -> PeriodFacts:
    """The period of a kind that a day lies in. Raises `PeriodUnknownError` outside the calendar."""
    for period in periods_containing(day):
        if period.kind == kind:
            return period
    raise PeriodUnknownError(f"{day} lies outside the fiscal calendar.")


def period_named(name: str) -> PeriodFacts:
    """The period with this name (`FY27-Q1`), in any case. Raises `PeriodUnknownError`."""
    found = _facts(_rows().filter(name__iexact=name.strip()))
    if not found:
        raise PeriodUnknownError(f"The fiscal calendar has no period {name!r}.")
    return found[0]


def period_by_id(period_id: int) -> PeriodFacts:
    """The period with this id, of whatever calendar: links to periods of a former calendar stay good."""
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
    rows = FiscalPeriod.objects.filter(kind="MONTH", calendar__periods=period.id)
    if period.kind == "WEEK":
        return _facts(rows.filter(from_date__lt=period.to_date, to_date__gt=period.from_date))
    return _facts(rows.filter(Q(parent_id=period.id) | Q(parent__parent_id=period.id)))


def children_of(period: PeriodFacts, kind: str) -> list[PeriodFacts]:
    """Periods of a smaller kind within a period, in order."""
    rows = FiscalPeriod.objects.filter(kind=kind, calendar__periods=period.id)
    return _facts(rows.filter(from_date__gte=period.from_date, to_date__lte=period.to_date))


def neighbour(period: PeriodFacts, steps: int) -> PeriodFacts | None:
    """The period of the same kind so many steps later (negative: earlier); None past the calendar's end."""
    rows = FiscalPeriod.objects.filter(kind=period.kind, calendar__periods=period.id)
    if steps >= 0:
        rows = rows.filter(from_date__gte=period.from_date).order_by("from_date")
    else:
        rows = rows.filter(from_date__lte=period.from_date).order_by("-from_date")
    row = rows.values_list(*_FIELDS)[abs(steps) : abs(steps) + 1]
    return PeriodFacts(*row[0]) if row else None


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
