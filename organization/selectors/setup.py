"""Calendars and rates as the set-up pages show them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Max, Min, Q

from organization.models import ExchangeRate, FiscalCalendar


@dataclass(frozen=True)
class CalendarFacts:
    """A calendar and what it covers."""

    id: int
    name: str
    kind: str
    kind_label: str
    start_month: int
    week_start: int
    from_date: dt.date | None
    to_date: dt.date | None
    years: int
    created_at: dt.datetime


@dataclass(frozen=True)
class RateFacts:
    """An exchange rate; `is_superseded` when a later correction for the same date is in force."""

    currency: str
    from_date: dt.date
    rate: Decimal
    source: str
    recorded_at: dt.datetime
    is_superseded: bool


def calendars(calendar_id: int | None = None) -> list[CalendarFacts]:
    """All calendars, oldest first; or the one asked for."""
    rows = FiscalCalendar.objects.annotate(
        first=Min("periods__from_date"),
        last=Max("periods__to_date"),
        years=Count("periods", filter=Q(periods__kind="YEAR")),
    ).order_by("id")
    if calendar_id is not None:
        rows = rows.filter(pk=calendar_id)
    return [
        CalendarFacts(
            c.pk, c.name, c.kind, c.get_kind_display(), c.start_month, c.week_start, c.first, c.last, c.years,
            c.created_at,
        )
        for c in rows
    ]  # fmt: skip


def rates(currency: str = "") -> list[RateFacts]:
    """Recorded rates, newest date first; corrections before what they corrected."""
    rows = ExchangeRate.objects.all()
    if currency:
        rows = rows.filter(currency_id=currency)
    found: list[RateFacts] = []
    seen: set[tuple[str, dt.date]] = set()
    for row in rows.order_by("-from_date", "currency_id", "-recorded_at", "-id"):
        key = (row.currency_id, row.from_date)
        found.append(
            RateFacts(
                row.currency_id, row.from_date, row.rate.normalize(), row.source, row.recorded_at, key in seen
            )
        )
        seen.add(key)
    return found
