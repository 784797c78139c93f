"""The answer to "Will we make the number?": which sentence is true, and the figures it needs.

The words are the page's (`templates/forecasting/_answer.html`), because they are translated; which sentence it is,
and every number in it, is decided here.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal, localcontext
from enum import StrEnum

from forecasting.domain.grid import OPEN, RATIO_DIGITS, Sums
from opportunities.domain.deal import Category
from salesops.kernel.money import EXACT


class Case(StrEnum):
    """The sentences."""

    NOTHING = "NOTHING"
    NO_QUOTA = "NO_QUOTA"
    SHORT = "SHORT"
    COVERED = "COVERED"
    REACHED = "REACHED"
    PAST_MADE = "PAST_MADE"
    PAST_MISSED = "PAST_MISSED"
    PAST_NO_QUOTA = "PAST_NO_QUOTA"
    FUTURE = "FUTURE"
    FUTURE_NO_QUOTA = "FUTURE_NO_QUOTA"
    WON_ONLY = "WON_ONLY"
    WON_ONLY_NO_QUOTA = "WON_ONLY_NO_QUOTA"
    WON_ONLY_FUTURE = "WON_ONLY_FUTURE"


@dataclass(frozen=True)
class Answer:
    """One sentence's figures, in the reporting currency.

    forecast = won + commit; gap = quota - forecast (negative when over); share = forecast / quota (won / quota once
    the period is over or only won deals are known); change = forecast now - forecast then, None when not compared;
    days = days left of the period, or until it begins.
    """

    case: Case
    won: Decimal
    commit: Decimal
    forecast: Decimal
    best_case: Decimal
    open: Decimal
    open_deals: int
    quota: Decimal | None = None
    gap: Decimal | None = None
    share: Decimal | None = None
    coverage: Decimal | None = None
    change: Decimal | None = None
    days: int = 0

    @property
    def over(self) -> Decimal | None:
        """How far beyond the quota, as a positive amount."""
        return None if self.gap is None else -self.gap

    @property
    def fall(self) -> Decimal | None:
        """How far the forecast fell, as a positive amount."""
        return None if self.change is None else -self.change

    @property
    def reach(self) -> bool:
        """Whether best case would make the quota that commit does not."""
        return self.quota is not None and self.forecast < self.quota <= self.best_case


def answer(
    now: Sums,
    quota: Decimal | None,
    *,
    today: dt.date,
    from_date: dt.date,
    to_date: dt.date,
    before: Sums | None = None,
    won_only: bool = False,
) -> Answer:
    """The answer for `[from_date, to_date)` seen from `today`. A quota of zero counts as none."""
    case = _case(now, quota or None, today, from_date, to_date, won_only)
    return _filled(case, now, quota or None, before, _days(today, from_date, to_date))


def _case(
    now: Sums, quota: Decimal | None, today: dt.date, from_date: dt.date, to_date: dt.date, won_only: bool
) -> Case:
    won = now.amount((Category.WON,))
    nothing = not now.count((Category.WON, *OPEN))
    if won_only and today < from_date and not won:
        return Case.WON_ONLY_FUTURE
    if won_only:
        return Case.WON_ONLY if quota else Case.WON_ONLY_NO_QUOTA
    if quota is None and nothing:
        return Case.NOTHING
    if today >= to_date:
        return Case.PAST_NO_QUOTA if quota is None else Case.PAST_MADE if won >= quota else Case.PAST_MISSED
    if today < from_date and not won:
        return Case.FUTURE if quota else Case.FUTURE_NO_QUOTA
    if quota is None:
        return Case.NO_QUOTA
    if won >= quota:
        return Case.REACHED
    return Case.COVERED if now.amount((Category.WON, Category.COMMIT)) >= quota else Case.SHORT


def _days(today: dt.date, from_date: dt.date, to_date: dt.date) -> int:
    """Days until the period begins, or days left including today; 0 when it is over."""
    if today < from_date:
        return (from_date - today).days
    return max((to_date - today).days, 0)


def _filled(case: Case, now: Sums, quota: Decimal | None, before: Sums | None, days: int) -> Answer:
    forecast_of = (Category.WON, Category.COMMIT)
    won, forecast, open_amount = now.amount((Category.WON,)), now.amount(forecast_of), now.amount(OPEN)
    counted = won if case in {Case.PAST_MADE, Case.PAST_MISSED, Case.WON_ONLY} else forecast
    over = case in {Case.PAST_MADE, Case.PAST_MISSED, Case.REACHED, Case.WON_ONLY}
    with localcontext(EXACT):
        gap = None if quota is None else quota - (won if over else forecast)
        change = None if before is None else forecast - before.amount(forecast_of)
        commit, best = forecast - won, forecast + now.amount((Category.UPSIDE,))
    with localcontext(prec=RATIO_DIGITS):
        share = None if quota is None else (won if case is Case.REACHED else counted) / quota
        coverage = None if quota is None or quota <= won else open_amount / (quota - won)
    return Answer(
        case,
        won,
        commit,
        forecast,
        best,
        open_amount,
        now.count(OPEN),
        quota,
        gap,
        share,
        coverage,
        change,
        days,
    )
