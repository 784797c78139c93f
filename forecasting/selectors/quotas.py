"""Quotas of the nodes shown, in the reporting currency."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal

from forecasting.domain.grid import QuotaFact
from forecasting.domain.question import Question, TreeName
from forecasting.selectors.valuation import Valuation
from organization.domain.rates import RateMissingError
from organization.domain.scope import Scope
from salesops.kernel.money import EXACT
from territories.selectors import node_quotas_over


def quotas_at(
    scope: Scope, question: Question, nodes: Iterable[int], at: dt.datetime | None, money: Valuation
) -> dict[int, QuotaFact]:
    """The quotas of people known at an instant (None: now)."""
    return quotas_over(scope, question, nodes, [at], money)[0]


def quotas_over(
    scope: Scope,
    question: Question,
    nodes: Iterable[int],
    instants: Sequence[dt.datetime | None],
    money: Valuation,
) -> list[dict[int, QuotaFact]]:
    """The quotas of people known at each instant (None: now), valued at the rate of the period's first month.

    Territories and families carry none (planning will give them some). A quota in a currency without a rate makes
    all of them unknown, which the page says.
    """
    if question.tree is not TreeName.PEOPLE:
        return [{} for _ in instants]
    try:
        course = node_quotas_over(scope, nodes, question.period, instants, question.lines, money.book)
    except RateMissingError as error:
        money.missing.add(error.currency)
        return [{} for _ in instants]
    factor = money.factor_on(money.book.corporate, question.period.from_date)

    def valued(amount: Decimal | None) -> Decimal | None:
        return None if amount is None else EXACT.multiply(amount, factor)

    return [
        {
            node: QuotaFact(valued(quota.value), valued(quota.assigned), valued(quota.from_reports))
            for node, quota in found.items()
        }
        for found in course
    ]
