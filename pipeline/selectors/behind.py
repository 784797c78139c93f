"""The deals behind a figure, which add up to it."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

from django.utils import timezone

from organization.domain.scope import Scope
from pipeline.domain.figures import FigureError, FigureQuery
from pipeline.selectors.figures import POPULATIONS, metrics_of, reach_for
from pipeline.selectors.ground import company_facts, rates_as_of
from pipeline.selectors.money import MONTH_JOIN, RATE_JOIN, Money
from pipeline.selectors.selection import Selection, run, select_deals, span_named


@dataclass(frozen=True)
class DealBehind:
    """A deal as it stood then."""

    id: int
    name: str
    owner: str | None
    account: str | None
    status: str
    category: str
    stage: str | None
    close_date: dt.date | None
    amount: Decimal | None
    currency: str
    value: Decimal | None
    """The amount in the currency of the figure; None without an amount or a rate."""
    rate: Decimal | None


@dataclass(frozen=True)
class Behind:
    """The largest deals, the currency of their values, and how many deals there are."""

    deals: tuple[DealBehind, ...]
    currency: str
    count: int


def deals_behind(scope: Scope, query: FigureQuery, limit: int = 200) -> Behind:
    """The selected deals that the first metric is worked out from, those worth most first."""
    metrics = metrics_of(query)
    seen = reach_for(scope, metrics)
    chosen = select_deals(seen, query, span_named(query.period))
    populations = {POPULATIONS[need.population] for need in metrics[0].needs}
    chosen.conditions.append(f"({' OR '.join(sorted(populations)) or 'true'})")
    money = _money(query, chosen)
    extra = (
        f"{RATE_JOIN} LEFT JOIN organization_person b_owner ON b_owner.id = v.owner_id "
        "LEFT JOIN opportunities_account b_account ON b_account.id = v.account_id "
        "LEFT JOIN opportunities_stage b_stage ON b_stage.id = v.stage_id"
    )
    deal = "v.id" if query.at is None else "v.opportunity_id"
    rows = run(
        f"""SELECT {deal}, v.name, b_owner.name, b_account.name, v.status, v.category, b_stage.name, v.close_date,
                   v.amount, v.currency_id, v.amount * rate.factor, rate.factor, count(*) OVER ()
            {chosen.source(extra=extra)}
            ORDER BY v.amount * rate.factor DESC NULLS LAST, 1 LIMIT %(rows)s""",
        {**chosen.values, "rows": limit},
    )
    return Behind(tuple(DealBehind(*row[:-1]) for row in rows), money.shown, rows[0][-1] if rows else 0)


def _money(query: FigureQuery, chosen: Selection) -> Money:
    """The rates of the deals chosen, as figures use them, ready for the statement that values them."""
    facts = company_facts()
    money = Money(rates_as_of(facts.date_of(query.at or timezone.now()), facts), query.currency.upper())
    pairs = run(
        f"SELECT DISTINCT v.currency_id, rate_month.from_date {chosen.source(extra=MONTH_JOIN)}",
        chosen.values,
    )
    with suppress(FigureError):  # a number of deals needs no rates; those without one come last
        money.settle({currency for currency, _ in pairs})
    chosen.values |= money.parameters(pairs)
    return money
