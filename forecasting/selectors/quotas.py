"""Quotas of the nodes shown, in the reporting currency."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from itertools import groupby

from forecasting.domain.grid import QuotaFact
from forecasting.domain.question import Question, TreeName
from forecasting.selectors.valuation import Valuation
from organization.domain.rates import RateMissingError
from organization.domain.scope import Scope
from salesops.kernel.money import EXACT
from territories.domain.quotas import NodeQuota
from territories.selectors import node_quotas_over


def quotas_at(
    scope: Scope, question: Question, nodes: Collection[int], at: dt.datetime | None, money: Valuation
) -> dict[int, QuotaFact]:
    """The quotas of people known at an instant (None: now)."""
    return quotas_over(scope, question, nodes, [(at, money)])[0]


def quotas_over(
    scope: Scope,
    question: Question,
    nodes: Collection[int],
    instants: Sequence[tuple[dt.datetime | None, Valuation]],
) -> list[dict[int, QuotaFact]]:
    """The quotas of people known at each instant (None: now), valued at its rate of the period's first month.

    Territories and families carry none (planning will give them some). A quota in a currency without a rate makes
    all of them that are valued alike unknown, which the page says.
    """
    if question.tree is not TreeName.PEOPLE:
        return [{} for _ in instants]
    asked = [(at, money.book) for at, money in instants]
    try:
        course = node_quotas_over(scope, nodes, question.period, asked, question.lines)
    except RateMissingError as error:
        parts = [list(part) for _, part in groupby(instants, key=lambda instant: id(instant[1]))]
        if len(parts) > 1:  # quotas of another instant may all have a rate
            return [found for part in parts for found in quotas_over(scope, question, nodes, part)]
        parts[0][0][1].missing.add(error.currency)
        return [{} for _ in instants]
    first_day = question.period.from_date
    factors = [money.factor_on(money.book.corporate, first_day) for _, money in instants]
    return [_valued(found, factor) for found, factor in zip(course, factors, strict=True)]


def _valued(found: Mapping[int, NodeQuota], factor: Decimal) -> dict[int, QuotaFact]:
    def valued(amount: Decimal | None) -> Decimal | None:
        return None if amount is None else EXACT.multiply(amount, factor)

    return {
        node: QuotaFact(valued(quota.value), valued(quota.assigned), valued(quota.from_reports))
        for node, quota in found.items()
    }
