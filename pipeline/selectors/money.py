"""What deals are worth in the currency figures are shown in: in Python for sums, in SQL for single deals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from organization.domain.rates import RateBook, RateMissingError
from pipeline.selectors import refusals

MONTH_JOIN = (
    "LEFT JOIN organization_fiscalday rate_day ON rate_day.calendar_id = %(calendar)s AND rate_day.day = v.close_date "
    "LEFT JOIN organization_fiscalperiod rate_month ON rate_month.id = rate_day.month_id"
)
"""The fiscal month of close of a state `v` of a deal."""
RATE_JOIN = (
    f"{MONTH_JOIN} LEFT JOIN unnest(%(currencies)s::text[], %(months)s::date[], %(factors)s::numeric[]) "
    "rate(currency, month, factor) ON rate.currency = v.currency_id "
    "AND rate.month IS NOT DISTINCT FROM rate_month.from_date"
)
"""With `Money.parameters`: `rate.factor` values `v.amount`; NULL where no rate is recorded."""


class Money:
    """Rates of months, and the currency figures are shown in: the one asked for, or the company's.

    Where the company's has no rate but all deals are in one currency, that one is shown, and a note says so.
    """

    def __init__(self, book: RateBook, wanted: str) -> None:
        self.book = book
        self.shown = wanted or book.corporate
        self.asked = bool(wanted)
        self.notes: list[str] = []
        self._factors: dict[tuple[str, dt.date | None], Decimal] = {}

    def settle(self, currencies: set[str]) -> None:
        """Choose the currency now that those of the deals are known."""
        missing = sorted(c for c in currencies if c != self.shown and not self.book.has_rate(c))
        if not missing:
            return
        if len(currencies) == 1 and not self.asked:
            self.shown = missing[0]
            told = _("No exchange rate is recorded for %(currency)s: amounts are in %(currency)s.")
            self.notes.append(told % {"currency": self.shown})
            return
        raise refusals.no_rate(missing)

    def factor(self, currency: str, month: dt.date | None) -> Decimal:
        """Reporting currency per unit for deals that close in the fiscal month beginning then."""
        key = (currency, month)
        if key not in self._factors:
            try:
                self._factors[key] = self.book.convert(Decimal(1), currency, month, self.shown)
            except RateMissingError as error:
                raise refusals.no_rate_at_all(error.currency) from None
        return self._factors[key]

    def convert(self, amount: Decimal, currency: str, month: dt.date | None) -> Decimal:
        """The amount in the reporting currency, not rounded."""
        if currency == self.shown:
            return amount
        return self.book.convert(amount, currency, month, self.shown)

    def parameters(self, pairs: Iterable[tuple[str, dt.date | None]]) -> dict[str, Any]:
        """The rates of these currencies and months for `RATE_JOIN`; those without any left out."""
        known = {pair for pair in pairs if pair[0] == self.shown or self.book.has_rate(pair[0])}
        rates = sorted(((*pair, self.factor(*pair)) for pair in known), key=str)
        return {
            "currencies": [currency for currency, _, _ in rates],
            "months": [month for _, month, _ in rates],
            "factors": [factor for _, _, factor in rates],
        }
