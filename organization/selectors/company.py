"""The company, its currencies and its rates."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from django.utils import timezone

from organization.domain.facts import CompanyFacts, CompanyNotSetUpError
from organization.domain.rates import DatedRate, RateBook
from organization.models import Company, Currency, ExchangeRate
from organization.selectors.memo import remembered
from organization.selectors.standing import StandingQuestion


def company() -> CompanyFacts:
    """The company's settings. Raises `CompanyNotSetUpError` on an installation nobody has set up."""
    return remembered("company", _company)


_COMPANY = StandingQuestion(
    lambda: Company.objects.filter(id=1).values_list(
        "name", "corporate_currency_id", "time_zone", "calendar_id", "is_demo", "corporate_currency__minor_unit",
        "calendar__name",
    )
)  # fmt: skip
_RATES = StandingQuestion(
    lambda: ExchangeRate.objects.order_by("currency_id", "from_date", "recorded_at", "id").values_list(
        "currency_id", "from_date", "rate"
    )
)


def _company() -> CompanyFacts:
    found = _COMPANY.rows()
    if not found:
        raise CompanyNotSetUpError("The company is not set up yet.")
    return CompanyFacts(*found[0])


def is_set_up() -> bool:
    """Whether there is a company."""
    try:
        company()
    except CompanyNotSetUpError:
        return False
    return True


def now_date() -> dt.date:
    """Today's business date: today in the company's time zone."""
    return timezone.now().astimezone(ZoneInfo(company().time_zone)).date()


def business_date(at: dt.datetime | dt.date | None) -> dt.date:
    """The business date of an instant; today for None; a date is itself."""
    if at is None:
        return now_date()
    return company().date_of(at) if isinstance(at, dt.datetime) else at


def minor_units() -> dict[str, int]:
    """Decimals of every currency, by code."""
    return remembered("minor_units", lambda: dict(Currency.objects.values_list("code", "minor_unit")))


def currencies() -> list[tuple[str, str, int]]:
    """`(code, name, decimals)` of every currency, by code."""
    return list(Currency.objects.order_by("code").values_list("code", "name", "minor_unit"))


def rate_book(as_of_date: dt.date | None = None) -> RateBook:
    """The rates as known now; months not begun by `as_of_date` (default today) are valued at that day's rate."""
    return RateBook.of(company().corporate_currency, as_of_date or now_date(), remembered("rates", _rates))


def _rates() -> list[DatedRate]:
    return [DatedRate(*row) for row in _RATES.rows()]
