"""The company's settings, its currencies and its exchange rates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import available_timezones

from babel.numbers import get_currency_name, get_currency_precision, is_currency

from organization.domain.roles import Capability
from organization.domain.scope import Scope
from organization.models import Company, Currency, ExchangeRate, FiscalCalendar
from organization.selectors import memo
from organization.services.calendar import define_calendar
from organization.services.trail import SETUP_LOCK, OrganizationError, demand, lock, note
from salesops.ui.meanwhile import Seen, unchanged
from salesops.wall.context import saving


@dataclass(frozen=True)
class NewRate:
    """Corporate currency per one unit of `currency` from a day on."""

    currency: str
    from_date: dt.date
    rate: Decimal
    source: str = "typed"


def ensure_currencies(codes: Iterable[str]) -> None:
    """Make rows for these ISO 4217 codes where absent. Raises `OrganizationError` naming a code that is none."""
    wanted = {code.strip().upper() for code in codes}
    missing = wanted - set(Currency.objects.filter(code__in=wanted).values_list("code", flat=True))
    for code in sorted(missing):
        if not is_currency(code):
            raise OrganizationError("currency", f"{code} is not an ISO 4217 currency code, such as EUR.")
    Currency.objects.bulk_create(
        [
            Currency(
                code=code, name=get_currency_name(code, locale="en"), minor_unit=get_currency_precision(code)
            )
            for code in sorted(missing)
        ],
        ignore_conflicts=True,
    )
    if missing:
        memo.forget()


@saving()
def set_up_company(
    *,
    name: str,
    corporate_currency: str,
    time_zone: str,
    calendar_id: int,
    currencies: Sequence[str] = (),
    is_demo: bool = False,
    seen: Seen | None = None,
    scope: Scope | None = None,
) -> None:
    """Write the one row of company settings, first or anew. The corporate currency cannot change once rates exist."""
    scope = scope or Scope.system("company set up")
    demand(scope, Capability.MANAGE_ORGANIZATION)
    lock(SETUP_LOCK)
    _check_company(name, time_zone, calendar_id)
    code = corporate_currency.strip().upper()
    ensure_currencies([code, *currencies])
    stored = Company.objects.filter(pk=1).values("name", "corporate_currency", "time_zone", "calendar")
    before = stored.first()
    if before and before["corporate_currency"] != code and ExchangeRate.objects.exists():
        raise OrganizationError(
            "corporate_currency",
            f"Exchange rates into {before['corporate_currency']} are recorded, so the corporate currency stays.",
        )
    name = name.strip()
    after = {"name": name, "corporate_currency": code, "time_zone": time_zone, "calendar": calendar_id}
    shown = before and {**before, "calendar_id": before["calendar"]}
    unchanged(seen, shown, {**after, "calendar_id": calendar_id})
    if before == after:
        return
    Company.objects.update_or_create(
        pk=1,
        defaults={
            "name": name, "corporate_currency_id": code, "time_zone": time_zone,
            "calendar_id": calendar_id, **({} if before else {"is_demo": is_demo}),
        },
    )  # fmt: skip
    memo.forget()
    note(scope, "UPDATE" if before else "SET_UP", "company", 1, name, before, after)


def _check_company(name: str, time_zone: str, calendar_id: int) -> None:
    if not name.strip():
        raise OrganizationError("name", "Give the company a name.")
    if time_zone not in available_timezones():
        raise OrganizationError("time_zone", f"{time_zone} is not a time zone, such as Europe/Berlin.")
    if not FiscalCalendar.objects.filter(pk=calendar_id).exists():
        raise OrganizationError("calendar", "There is no such calendar.")


@saving()
def set_up_first_company(
    *, name: str, corporate_currency: str, time_zone: str, start_month: int, scope: Scope
) -> None:
    """An empty installation's company with a month-based calendar, in one go."""
    lock(SETUP_LOCK)
    if Company.objects.exists():
        raise OrganizationError("", "The company is set up already.")
    calendar_id = define_calendar(
        kind="MONTHS", start_month=start_month, name=f"Fiscal year from month {start_month}", scope=scope
    )
    set_up_company(
        name=name,
        corporate_currency=corporate_currency,
        time_zone=time_zone,
        calendar_id=calendar_id,
        scope=scope,
    )


@saving()
def record_rates(
    rates: Sequence[NewRate | tuple[str, dt.date, Decimal]], *, scope: Scope | None = None
) -> int:
    """Append exchange rates; one equal to what is in force for its date is skipped. Returns how many were added."""
    scope = scope or Scope.system("rates recorded")
    demand(scope, Capability.MANAGE_ORGANIZATION)
    lock(SETUP_LOCK)
    wanted = [item if isinstance(item, NewRate) else NewRate(*item) for item in rates]
    corporate = Company.objects.filter(pk=1).values_list("corporate_currency_id", flat=True).first()
    for item in wanted:
        if item.rate <= 0:
            raise OrganizationError("rate", f"The rate of {item.currency} must be greater than zero.")
        if item.currency == corporate:
            raise OrganizationError(
                "currency", f"{corporate} is the corporate currency: its rate is always 1."
            )
    ensure_currencies({item.currency for item in wanted})
    rows = ExchangeRate.objects.filter(currency_id__in={item.currency for item in wanted})
    known = {
        (currency, from_date): rate
        for currency, from_date, rate in rows.order_by("recorded_at", "id").values_list(
            "currency_id", "from_date", "rate"
        )
    }
    new = [item for item in wanted if known.get((item.currency, item.from_date)) != item.rate]
    ExchangeRate.objects.bulk_create(
        [
            ExchangeRate(currency_id=i.currency, from_date=i.from_date, rate=i.rate, source=i.source[:64])
            for i in new
        ]
    )
    memo.forget()
    for item in new:
        former = known.get((item.currency, item.from_date))
        label = f"{item.currency} {item.from_date}"
        note(
            scope, "RECORD", "exchange_rate", label, label,
            {"rate": former} if former is not None else None, {"rate": item.rate, "source": item.source},
        )  # fmt: skip
    return len(new)
