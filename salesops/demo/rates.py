"""Exchange rates of the demo company: one a month, between anchors, with a little noise. USD per unit."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from random import Random

from salesops.demo.blueprint import HISTORY_MONTHS, RATE_ANCHORS

MONTHS_BEFORE = 8


def monthly_rates(rng: Random, today: dt.date) -> dict[str, dict[dt.date, Decimal]]:
    """For each foreign currency, the rate from the first of each month up to the present one."""
    count = HISTORY_MONTHS + MONTHS_BEFORE
    index = today.year * 12 + today.month - 1
    months = [dt.date((index - back) // 12, (index - back) % 12 + 1, 1) for back in range(count, -1, -1)]
    return {
        code: {month: _rate(rng, anchors, position / count) for position, month in enumerate(months)}
        for code, anchors in RATE_ANCHORS.items()
    }


def _rate(rng: Random, anchors: tuple[float, ...], along: float) -> Decimal:
    place = along * (len(anchors) - 1)
    left = min(int(place), len(anchors) - 2)
    value = anchors[left] + (anchors[left + 1] - anchors[left]) * (place - left) + rng.gauss(0, 0.006)
    return Decimal(str(round(value, 4)))


def to_usd(
    rates: dict[str, dict[dt.date, Decimal]], amount: int | None, currency: str, close: int
) -> Decimal:
    """Value in USD at the rate of the month of close; the latest known rate for months to come."""
    if amount is None:
        return Decimal(0)
    if currency == "USD":
        return Decimal(amount)
    known = rates[currency]
    month = dt.date.fromordinal(close).replace(day=1)
    return amount * known.get(month, known[max(known)] if month > max(known) else known[min(known)])
