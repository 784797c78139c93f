"""What an amount in a deal's own currency is worth in the reporting currency at an instant."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby

from opportunities.domain.listing import Worth
from organization.domain.facts import PeriodFacts
from organization.domain.rates import RateBook, RateMissingError, RateMonths
from organization.selectors import company, rate_book
from salesops.kernel.money import EXACT

CROSS_DIGITS = Decimal(1).scaleb(-30)
"""A rate between two foreign currencies is a quotient; kept to thirty decimals it multiplies without further loss."""


@dataclass
class Valuation:
    """Rates of the months of a period, as of an instant. `missing` collects currencies without any rate (worth 0)."""

    book: RateBook
    currency: str
    months: dict[int, dt.date]
    calendar: RateMonths
    missing: set[str] = field(default_factory=set)
    _known: dict[tuple[str, int], Decimal] = field(default_factory=dict)

    def factor(self, currency: str, month_id: int) -> Decimal:
        """Reporting currency per unit of `currency` for deals that close in the month (0: no month)."""
        key = (currency, month_id)
        if key not in self._known:
            self._known[key] = self._factor(currency, self.months.get(month_id))
        return self._known[key]

    def factor_on(self, currency: str, day: dt.date | None) -> Decimal:
        """The same for a close date, in or outside the months."""
        return self._factor(currency, self.calendar.month_of(day))

    def worth(self, months: Sequence[PeriodFacts]) -> tuple[Worth, ...]:
        """What deals that close in these months are worth, for the database to sort by; months alike are one."""
        found = []
        for code in sorted({self.currency, self.book.corporate, *self.book.rates}):
            dated = [(self._factor(code, month.from_date), month.to_date) for month in months]
            found += [
                Worth(code, [*alike][-1][1], rate) for rate, alike in groupby(dated, lambda pair: pair[0])
            ]
        return tuple(part for part in found if part.factor)

    def _factor(self, currency: str, month: dt.date | None) -> Decimal:
        if currency == self.currency:
            return Decimal(1)
        try:
            rate = self.book.rate(currency, month)
            if self.currency == self.book.corporate:
                return rate
            return EXACT.divide(rate, self.book.rate(self.currency, month)).quantize(
                CROSS_DIGITS, context=EXACT
            )
        except RateMissingError as error:
            self.missing.add(error.currency)
            return Decimal(0)


def valuation(currency: str, months: Sequence[PeriodFacts], instant: dt.datetime) -> Valuation:
    """The rates as of an instant for deals that close in these months."""
    book = rate_book(company().date_of(instant))
    return Valuation(book, currency, {month.id: month.from_date for month in months}, RateMonths.of(months))
