"""What moved a column of the forecast between two instants, and the pace of won deals."""

from __future__ import annotations

from dataclasses import dataclass

from forecasting.domain.columns import Column
from forecasting.domain.grid import sum_or_none
from forecasting.domain.pacing import Pacing, WonOn, pacing
from forecasting.domain.question import Question
from forecasting.selectors.nodes import NotVisibleError, one_moment, reach, tree_nodes
from forecasting.selectors.quotas import quotas_at
from forecasting.selectors.valuation import Valuation, valuation
from organization.domain.facts import PeriodFacts
from organization.domain.scope import Scope
from organization.selectors import company, neighbour, periods
from pipeline.domain.waterfall import DealLabel, Waterfall, Window, decompose
from pipeline.selectors.waterfall import Part, moves, won_by_day
from salesops.kernel.money import exact_product
from salesops.kernel.numbers import counted

A_YEAR_BACK = {"YEAR": -1, "QUARTER": -4, "MONTH": -12}


@dataclass(frozen=True)
class Moved:
    """A column's waterfall with the names of its deals."""

    column: Column
    waterfall: Waterfall
    labels: dict[int, DealLabel]


def part_of(scope: Scope, question: Question, key: str = "") -> Part:
    """The part of the business a row stands for (empty: the page's top). Raises `NotVisibleError`."""
    if key == "none":
        return Part(question.tree.below, 0, own=True)
    node, _, own = key.partition("-")
    if key in {"", "all"}:
        if question.top is None:
            return Part(question.tree.below, None)
        node, own = str(question.top), ""
    number = counted(node)
    if number is None or own not in {"", "own"}:
        raise NotVisibleError
    if not any(known.id == number for known in tree_nodes(scope, question)):
        raise NotVisibleError
    return Part(question.tree.below, number, own=bool(own))


def moved(scope: Scope, question: Question, column: Column, key: str = "") -> Moved:
    """The waterfall of one column of one row. Readers of won deals only get none: it would tell of others."""
    scope = reach(scope, question)
    if scope.reads_won_only or not column.is_deals:
        raise NotVisibleError
    period = question.period
    window = Window(column.categories, period.from_date, period.to_date, column.subcategory_id)
    with one_moment():
        months = periods("MONTH")
        then = valuation(question.currency, months, question.since)
        now = valuation(question.currency, months, question.instant)
        found = moves(
            scope,
            part_of(scope, question, key),
            window,
            since=question.since,
            until=question.at,
            organization=question.lines,
            rates=(then.factor_on, now.factor_on),
        )
    return Moved(column, decompose(found.changes, window), dict(found.labels))


def pace(scope: Scope, question: Question) -> Pacing:
    """Won so far by day, beside last year's same period and the quota."""
    scope = reach(scope, question)
    part = part_of(scope, question)
    with one_moment():
        period, months = question.period, periods("MONTH")
        money = valuation(question.currency, months, question.instant)
        prior = neighbour(period, A_YEAR_BACK[period.kind]) if period.kind in A_YEAR_BACK else None
        top = (
            [question.top]
            if question.top is not None
            else [n.id for n in tree_nodes(scope, question) if not n.parent_id]
        )
        quotas = quotas_at(scope, question, top, question.at, money)
        return pacing(
            _won(scope, part, question, period, money),
            _won(scope, part, question, prior, money) if prior else (),
            quota=sum_or_none(fact.amount for fact in quotas.values()),
            today=company().date_of(question.instant),
            period=(period.from_date, period.to_date),
            prior_period=(prior.from_date, prior.to_date) if prior else None,
        )


def _won(scope: Scope, part: Part, question: Question, period: PeriodFacts, money: Valuation) -> list[WonOn]:
    """Last year's deals are those of who is in the team now: the path of this team, not of that year's."""
    rows = won_by_day(
        scope,
        part,
        (period.from_date, period.to_date),
        at=question.at,
        organization=question.lines,
    )
    return [
        WonOn(day, exact_product(amount, money.factor_on(currency, day))) for day, currency, amount in rows
    ]
