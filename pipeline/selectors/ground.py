"""The company's settings as figures need them, also before anybody has set a company up.

An import may come first: then business days are those of UTC, there is no fiscal calendar, and amounts are shown in the
currency most deals are in.
"""

from __future__ import annotations

import datetime as dt

from django.db import connection
from django.utils import timezone

from organization import selectors as organization
from organization.domain.facts import CompanyFacts, CompanyNotSetUpError
from organization.domain.rates import RateBook
from salesops.wall import context as wall

NO_CALENDAR = 0


def company_facts() -> CompanyFacts:
    """The company; or what stands in for it."""
    try:
        return organization.company()
    except CompanyNotSetUpError:
        with wall.system("the commonest currency, without names"), connection.cursor() as cursor:
            cursor.execute(
                "SELECT currency_id FROM opportunities_opportunity GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
            )
            row = cursor.fetchone()
        return CompanyFacts("", row[0] if row else "USD", "UTC", NO_CALENDAR, is_demo=False)


def today() -> dt.date:
    """Today's business date."""
    return company_facts().date_of(timezone.now())


def rates_as_of(day: dt.date, facts: CompanyFacts) -> RateBook:
    """The rates that value deals as of a day."""
    if facts.calendar_id == NO_CALENDAR:
        return RateBook.of(facts.corporate_currency, day, [])
    return organization.rate_book(day)
