"""Exchange rates as dated facts, and the rule which of them applies to a deal."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from organization.domain.facts import PeriodFacts
from salesops.kernel.money import EXACT


class RateMissingError(LookupError):
    """No rate of this currency is recorded at all, so its amounts have no corporate value."""

    def __init__(self, currency: str) -> None:
        super().__init__(f"No exchange rate is recorded for {currency}.")
        self.currency = currency


@dataclass(frozen=True)
class DatedRate:
    """Corporate currency per one unit, from `from_date` until the next rate's date."""

    currency: str
    from_date: dt.date
    rate: Decimal


@dataclass(frozen=True)
class RateMonths:
    """The fiscal months of a calendar, which follow each other: where each begins, and where the last one ends."""

    starts: tuple[dt.date, ...] = ()
    end: dt.date | None = None

    @staticmethod
    def of(months: Iterable[PeriodFacts]) -> RateMonths:
        """The months, in any order."""
        ordered = sorted(months, key=lambda month: month.from_date)
        return RateMonths(tuple(m.from_date for m in ordered), ordered[-1].to_date if ordered else None)

    def month_of(self, day: dt.date | None) -> dt.date | None:
        """First day of the month a close date lies in; None for no date, and before the first month and after the last:
        such deals are valued like those without a date, at the rate of the as-of day.
        """
        if day is None or self.end is None or day >= self.end:
            return None
        index = bisect_right(self.starts, day)
        return self.starts[index - 1] if index else None


@dataclass(frozen=True)
class RateBook:
    """The rates known, and the day as of which months not yet begun (and undated deals) are valued.

    A deal is valued at the rate of its fiscal month of close: the rate valid on the month's first day, or on
    `as_of_date` for months that begin later and for no month at all. Before the first recorded rate of a currency,
    that first rate is used; `is_before_first` says so.
    """

    corporate: str
    as_of_date: dt.date
    rates: dict[str, tuple[tuple[dt.date, Decimal], ...]] = field(default_factory=dict)

    @staticmethod
    def of(corporate: str, as_of_date: dt.date, rates: Iterable[DatedRate]) -> RateBook:
        """A book of these rates, in any order; of two with the same date the later in the order wins."""
        by_currency: dict[str, dict[dt.date, Decimal]] = {}
        for item in rates:
            by_currency.setdefault(item.currency, {})[item.from_date] = item.rate
        return RateBook(
            corporate, as_of_date, {c: tuple(sorted(dated.items())) for c, dated in by_currency.items()}
        )

    def rate_on(self, currency: str, day: dt.date) -> Decimal:
        """Corporate units per unit of `currency` on a day. Raises `RateMissingError` when none is recorded."""
        if currency == self.corporate:
            return Decimal(1)
        dated = self.rates.get(currency)
        if not dated:
            raise RateMissingError(currency)
        index = bisect_right(dated, day, key=lambda pair: pair[0])
        return dated[max(index - 1, 0)][1]

    def day_for(self, month_from_date: dt.date | None) -> dt.date:
        """The day whose rate values deals of the fiscal month that begins on `month_from_date` (None: no month)."""
        if month_from_date is None or month_from_date > self.as_of_date:
            return self.as_of_date
        return month_from_date

    def rate(self, currency: str, month_from_date: dt.date | None = None) -> Decimal:
        """Corporate units per unit of `currency` for deals of that fiscal month."""
        return self.rate_on(currency, self.day_for(month_from_date))

    def is_before_first(self, currency: str, month_from_date: dt.date | None = None) -> bool:
        """Whether the rate used is the currency's first one, recorded only for later days."""
        dated = self.rates.get(currency)
        if not dated or currency == self.corporate:
            return False
        return self.day_for(month_from_date) < dated[0][0]

    def convert(
        self,
        amount: Decimal,
        currency: str,
        month_from_date: dt.date | None = None,
        to_currency: str | None = None,
    ) -> Decimal:
        """The amount in `to_currency` (default corporate), both at the rates of that month; unrounded."""
        target = to_currency or self.corporate
        if currency == target:
            return amount
        corporate = EXACT.multiply(amount, self.rate(currency, month_from_date))
        if target == self.corporate:
            return corporate
        return EXACT.divide(corporate, self.rate(target, month_from_date))

    def has_rate(self, currency: str) -> bool:
        """Whether amounts in this currency can be converted."""
        return currency == self.corporate or bool(self.rates.get(currency))
