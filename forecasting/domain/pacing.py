"""Are we on the usual path? Won so far, day by day, against quota and against the same period a year before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext

from salesops.kernel.money import EXACT

RATIO_DIGITS = 28


@dataclass(frozen=True)
class WonOn:
    """What was won with this close date, in the reporting currency."""

    day: dt.date
    amount: Decimal


@dataclass(frozen=True)
class PacePoint:
    """Cumulative won at the end of a day of the period (day 1 is its first)."""

    day: dt.date
    number: int
    won: Decimal


@dataclass(frozen=True)
class Pacing:
    """This period's path so far, last year's whole path, and the quota both aim at.

    `expected` = quota x (what share of last year's result was won by this day of the period): the seasonal pace;
    None without a quota or a result last year. `lead` = won so far - expected.
    """

    points: tuple[PacePoint, ...]
    prior: tuple[PacePoint, ...]
    quota: Decimal | None
    won: Decimal
    prior_by_now: Decimal
    prior_total: Decimal
    expected: Decimal | None

    @property
    def seasonal(self) -> tuple[PacePoint, ...]:
        """Last year's whole path scaled so that it ends at the quota; through `expected` by now. Empty without one."""
        if self.expected is None or not self.quota:
            return ()
        with localcontext(prec=RATIO_DIGITS):
            return tuple(replace(p, won=self.quota * p.won / self.prior_total) for p in self.prior)

    @property
    def lead(self) -> Decimal | None:
        """How far ahead of the seasonal pace (negative: behind)."""
        if self.expected is None:
            return None
        with localcontext(EXACT):
            return self.won - self.expected


def path(won: Iterable[WonOn], from_date: dt.date, until: dt.date) -> tuple[PacePoint, ...]:
    """Cumulative won on each day with a change in `[from_date, until]`, with the first and the last day."""
    days: dict[dt.date, Decimal] = {from_date: Decimal(0), until: Decimal(0)}
    with localcontext(EXACT):
        for fact in won:
            if from_date <= fact.day <= until:
                days[fact.day] = days.get(fact.day, Decimal(0)) + fact.amount
        total, points = Decimal(0), []
        for day in sorted(days):
            total += days[day]
            points.append(PacePoint(day, (day - from_date).days + 1, total))
    return tuple(points)


def pacing(
    won: Iterable[WonOn],
    prior_won: Iterable[WonOn],
    *,
    quota: Decimal | None,
    today: dt.date,
    period: tuple[dt.date, dt.date],
    prior_period: tuple[dt.date, dt.date] | None,
) -> Pacing:
    """The two paths of half-open periods. Last year's is aligned by day of the period, not by date."""
    last_day = period[1] - dt.timedelta(days=1)
    points = path(won, period[0], max(min(today, last_day), period[0])) if today >= period[0] else ()
    prior = path(prior_won, prior_period[0], prior_period[1] - dt.timedelta(days=1)) if prior_period else ()
    number = (min(today, last_day) - period[0]).days + 1
    by_now = [p.won for p in prior if p.number <= number]
    prior_by_now = by_now[-1] if by_now else Decimal(0)
    prior_total = prior[-1].won if prior else Decimal(0)
    with localcontext(prec=RATIO_DIGITS):
        seasonal = quota * prior_by_now / prior_total if quota and prior_total > 0 else None
    so_far = points[-1].won if points else Decimal(0)
    return Pacing(points, prior, quota, so_far, prior_by_now, prior_total, seasonal)
