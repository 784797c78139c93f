"""Fiscal calendars: written whole, never changed; a company that changes its mind defines another."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import IntegrityError, connection

from organization.domain.roles import Capability
from organization.domain.scope import Scope
from organization.models import Company, FiscalCalendar, FiscalPeriod
from organization.selectors import memo
from organization.services.trail import SETUP_LOCK, OrganizationError, demand, lock, note
from salesops.kernel.periods import (
    FIRST_YEAR,
    LAST_YEAR,
    CalendarError,
    CalendarKind,
    CalendarRule,
    CustomMonth,
    PeriodKind,
    PeriodSpec,
    build_calendar,
    custom_calendar,
)
from salesops.wall.context import saving

_FILL_DAYS = """
INSERT INTO organization_fiscalday (calendar_id, day, week_id, month_id, quarter_id, year_id)
SELECT %(calendar)s, m.day, w.id, m.month_id, m.quarter_id, m.year_id
FROM (
  SELECT p.id AS month_id, q.id AS quarter_id, q.parent_id AS year_id, d::date AS day
  FROM organization_fiscalperiod p JOIN organization_fiscalperiod q ON q.id = p.parent_id,
       generate_series(p.from_date, p.to_date - 1, interval '1 day') d
  WHERE p.calendar_id = %(calendar)s AND p.kind = 'MONTH'
) m
JOIN (
  SELECT p.id, d::date AS day FROM organization_fiscalperiod p,
       generate_series(p.from_date, p.to_date - 1, interval '1 day') d
  WHERE p.calendar_id = %(calendar)s AND p.kind = 'WEEK'
) w ON w.day = m.day
ORDER BY m.day
"""


def planned_periods(
    *,
    kind: str,
    start_month: int = 1,
    week_start: int = 0,
    named_by_end: bool = True,
    first_year: int = FIRST_YEAR,
    last_year: int = LAST_YEAR,
    custom: Sequence[CustomMonth] = (),
) -> list[PeriodSpec]:
    """The periods a calendar would have, for a preview. Raises `OrganizationError` with the reason it cannot be."""
    try:
        if kind == CalendarKind.CUSTOM:
            return custom_calendar(custom, week_start)
        rule = CalendarRule(CalendarKind(kind), start_month, week_start, named_by_end)
        return build_calendar(rule, first_year, last_year)
    except CalendarError as error:
        raise OrganizationError("custom" if kind == CalendarKind.CUSTOM else "kind", str(error)) from error


@saving()
def define_calendar(
    *,
    kind: str,
    start_month: int = 1,
    week_start: int = 0,
    name: str,
    first_year: int = FIRST_YEAR,
    last_year: int = LAST_YEAR,
    named_by_end: bool = True,
    custom: Sequence[CustomMonth] = (),
    scope: Scope | None = None,
) -> int:
    """Write a calendar with its periods and days; returns its id. It is in force once `activate_calendar` says so."""
    scope = scope or Scope.system("calendar defined")
    demand(scope, Capability.MANAGE_ORGANIZATION)
    name = name.strip()
    if not name:
        raise OrganizationError("name", "Give the calendar a name.")
    if FiscalCalendar.objects.filter(name__iexact=name).exists():
        raise OrganizationError("name", f"There is a calendar named {name} already.")
    specs = planned_periods(
        kind=kind, start_month=start_month, week_start=week_start, named_by_end=named_by_end,
        first_year=first_year, last_year=last_year, custom=custom,
    )  # fmt: skip
    try:
        calendar = FiscalCalendar.objects.create(
            name=name, kind=kind, start_month=start_month, week_start=week_start, named_by_end=named_by_end
        )
    except IntegrityError as error:
        raise OrganizationError("name", f"There is a calendar named {name} already.") from error
    _write_periods(calendar, specs)
    with connection.cursor() as cursor:
        cursor.execute(_FILL_DAYS, {"calendar": calendar.pk})
    after = {"kind": kind, "start_month": start_month, "week_start": week_start, "periods": len(specs)}
    note(scope, "DEFINE", "calendar", calendar.pk, name, None, after)
    return calendar.pk


def _write_periods(calendar: FiscalCalendar, specs: Sequence[PeriodSpec]) -> None:
    """Insert level by level, because a child names its parent's id."""
    ids: dict[str, int] = {}
    for kinds in ({PeriodKind.YEAR}, {PeriodKind.QUARTER, PeriodKind.WEEK}, {PeriodKind.MONTH}):
        rows = [
            FiscalPeriod(
                calendar=calendar, kind=spec.kind, name=spec.name, from_date=spec.from_date,
                to_date=spec.to_date, parent_id=ids[spec.parent] if spec.parent else None,
            )
            for spec in specs
            if spec.kind in kinds
        ]  # fmt: skip
        FiscalPeriod.objects.bulk_create(rows, batch_size=4000)
        ids.update({row.name: row.pk for row in rows})


@saving()
def activate_calendar(*, calendar_id: int, scope: Scope) -> None:
    """Make the company think in this calendar. Old periods, and quotas for them, stay what they were."""
    demand(scope, Capability.MANAGE_ORGANIZATION)
    lock(SETUP_LOCK)
    chosen = FiscalCalendar.objects.filter(pk=calendar_id).first()
    if chosen is None:
        raise OrganizationError("calendar", "There is no such calendar.")
    company = Company.objects.select_for_update().select_related("calendar").get(pk=1)
    former = company.calendar
    if former.pk == chosen.pk:
        return
    company.calendar = chosen
    company.save(update_fields=["calendar"])
    memo.forget()
    note(
        scope,
        "ACTIVATE",
        "calendar",
        chosen.pk,
        chosen.name,
        {"calendar": former.name},
        {"calendar": chosen.name},
    )
