"""The deals behind a figure, which add up to it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from organization.domain.scope import Scope
from pipeline.domain.figures import FigureQuery
from pipeline.selectors.figures import POPULATIONS, metrics_of, reach_for
from pipeline.selectors.selection import run, select_deals, span_named


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


def deals_behind(scope: Scope, query: FigureQuery, limit: int = 200) -> tuple[list[DealBehind], int]:
    """The largest of the selected deals that the first metric is worked out from, and how many there are."""
    metrics = metrics_of(query)
    seen = reach_for(scope, metrics)
    chosen = select_deals(seen, query, span_named(query.period))
    populations = {POPULATIONS[need.population] for need in metrics[0].needs}
    chosen.conditions.append(f"({' OR '.join(sorted(populations)) or 'true'})")
    extra = (
        "LEFT JOIN organization_person b_owner ON b_owner.id = v.owner_id "
        "LEFT JOIN opportunities_account b_account ON b_account.id = v.account_id "
        "LEFT JOIN opportunities_stage b_stage ON b_stage.id = v.stage_id"
    )
    deal = "v.id" if query.at is None else "v.opportunity_id"
    rows = run(
        f"""SELECT {deal}, v.name, b_owner.name, b_account.name, v.status, v.category, b_stage.name, v.close_date,
                   v.amount, v.currency_id, count(*) OVER ()
            {chosen.source(extra=extra)}
            ORDER BY v.amount DESC NULLS LAST, 1 LIMIT %(rows)s""",
        {**chosen.values, "rows": limit},
    )
    return [DealBehind(*row[:-1]) for row in rows], rows[0][-1] if rows else 0
