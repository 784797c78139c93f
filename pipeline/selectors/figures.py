"""Answers for `FigureQuery`: one grouped statement for counts and sums, one for medians, the rest in pure code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from organization.domain.scope import Scope
from pipeline.domain.aggregates import MIDDLES, MONEY, Aggregate, Measure, Number, Population, Values, added
from pipeline.domain.figures import FigureError, FigureQuery, FigureRow, FigureTable, NotYoursError, Span
from pipeline.domain.metrics import Metric, UnknownMetricError, metric_named
from pipeline.selectors import refusals
from pipeline.selectors.dimensions import Dimension
from pipeline.selectors.ground import company_facts, rates_as_of
from pipeline.selectors.money import MONTH_JOIN, RATE_JOIN, Money
from pipeline.selectors.quotas import group_quotas, names_a_period
from pipeline.selectors.selection import Selection, dimension_named, run, select_deals, span_named
from salesops.kernel.money import EXACT

POPULATIONS = {
    Population.ALL: "true",
    Population.WON: "v.status = 'WON'",
    Population.LOST: "v.status = 'LOST'",
    Population.CLOSED: "v.status <> 'OPEN'",
    Population.OPEN: "v.status = 'OPEN'",
    Population.COMMIT: "v.category = 'COMMIT'",
    Population.UPSIDE: "v.category = 'UPSIDE'",
    Population.PIPELINE: "v.category = 'PIPELINE'",
    Population.OMITTED: "v.category = 'OMITTED'",
}
"""The condition that a deal belongs to each."""
_DAYS = "(v.close_date - v.started_on)"
_MEASURES = {
    Measure.COUNT: "count(*)",
    Measure.PRICED: "count(v.amount)",
    Measure.UNPRICED: "count(*) - count(v.amount)",
    Measure.AMOUNT: "sum(v.amount)",
    Measure.LIST: "sum(v.list_amount)",
    Measure.WEIGHTED: "sum(v.amount * v.probability * 0.01)",
    Measure.DAYS: f"sum({_DAYS})",
    Measure.TIMED: f"count({_DAYS})",
}
Key = tuple[Any, ...]
Numbers = dict[Aggregate, Number | None]


@dataclass(frozen=True)
class _Group:
    """A group's identity, labels, place in order, and aggregates."""

    key: Key
    labels: tuple[str | None, ...]
    order: tuple[Any, ...]
    numbers: Numbers


def figures(scope: Scope, query: FigureQuery) -> FigureTable:
    """The table that answers a question, of the deals this viewer may see. Raises `FigureError` with the remedy, and
    `NotYoursError` for metrics that would come out wrong from those deals.

    The number of statements depends on the question only, never on the number of rows or deals.
    """
    metrics = metrics_of(query)
    if not metrics:
        raise FigureError(
            "Name at least one metric; `figure --list` names them all.", _("Choose at least one metric.")
        )
    asked, scope = scope, reach_for(scope, metrics)
    by = tuple(dimension_named(name) for name in query.by)
    span = span_named(query.period)
    facts = company_facts()
    day = facts.date_of(query.at or timezone.now())
    chosen = select_deals(scope, query, span)
    needs = sorted({need for metric in metrics for need in metric.needs})
    money = Money(rates_as_of(day, facts), query.currency.upper())
    whole = _groups(chosen, (), needs, money)
    groups = _groups(chosen, by, needs, money) if by else []
    quotas: dict[Key, Decimal] = {}
    if any(metric.wants_quota for metric in metrics):
        groups, quotas = _with_quotas(scope, query, by, span, money, groups)
    rows = [
        FigureRow(
            group.labels,
            _values(query, metrics, group.numbers, quotas.get(group.key)),
            tuple("" if key is None else str(key) for key in group.key),
        )
        for group in groups
    ]
    notes = [] if scope == asked else [OWN_DEALS_ONLY]
    sums = _values(query, metrics, whole[0].numbers if whole else {}, quotas.get(()))
    return FigureTable(
        query, metrics, tuple(d.name for d in by), _arranged(rows, groups, query, metrics), sums,
        money.shown, query.at, day, span, (*notes, *money.notes),
    )  # fmt: skip


OWN_DEALS_ONLY = (
    "Of the deals of your own reach only: beyond it you read won deals, which cannot tell these metrics."
)


def metrics_of(query: FigureQuery) -> tuple[Metric, ...]:
    """The metrics asked for. Raises `FigureError` for a name nothing has."""
    return tuple(_metric(name) for name in query.metrics)


def reach_for(scope: Scope, metrics: Sequence[Metric]) -> Scope:
    """The reach in which these metrics come out right. Who reads won deals of everybody gets all other metrics of the
    own reach, if there is one; else raises `NotYoursError`.
    """
    hidden = [metric for metric in metrics if not metric.is_of_won_only]
    if not hidden or not scope.reads_won_only:
        return scope
    if not scope.person_ids:
        raise NotYoursError(hidden)
    return scope.own_reach


def _metric(name: str) -> Metric:
    try:
        return metric_named(name)
    except UnknownMetricError:
        raise refusals.unknown_metric(name) from None


def _groups(
    chosen: Selection, by: Sequence[Dimension], needs: Sequence[Aggregate], money: Money
) -> list[_Group]:
    """Counts and sums of every group, money converted; medians joined to them."""
    summed = [need for need in needs if need.measure not in MIDDLES]
    heads, width = _heads(chosen, by), len(by)
    columns = [f"{_MEASURES[need.measure]} FILTER (WHERE {POPULATIONS[need.population]})" for need in summed]
    priced = any(need.measure in MONEY or need.measure is Measure.MIDDLE_AMOUNT for need in needs)
    money_keys = "v.currency_id, rate_month.from_date" if priced else "'', NULL::date"
    body = chosen.source(by, MONTH_JOIN if priced else "")
    grouping = [*range(1, 2 * width + 1), 3 * width + 1, 3 * width + 2]
    sql = (
        f"SELECT {', '.join([*heads, money_keys, *columns, 'count(*)'])} {body} "
        f"GROUP BY {', '.join(str(n) for n in grouping)}"
    )
    rows = run(sql, chosen.values)
    if priced:
        money.settle({row[3 * width] for row in rows})
    found = _by_key(rows, width, summed, money)
    middles = [need for need in needs if need.measure in MIDDLES]
    if middles:
        _add_medians(found, chosen, by, middles, money, {row[3 * width : 3 * width + 2] for row in rows})
    return list(found.values())


def _heads(chosen: Selection, by: Sequence[Dimension]) -> list[str]:
    """Keys, labels and orders of the dimensions; orders are aggregated, so that they do not split a group."""
    parts = [tuple(chosen.sql(part) for part in dimension.parts) for dimension in by]
    return [p[0] for p in parts] + [p[1] for p in parts] + [f"min({p[2]})" for p in parts]


def _by_key(rows: Sequence[Key], width: int, needs: Sequence[Aggregate], money: Money) -> dict[Key, _Group]:
    parts: dict[Key, list[Numbers]] = defaultdict(list)
    heads: dict[Key, Key] = {}
    for row in rows:
        currency, month = row[3 * width : 3 * width + 2]
        numbers: Numbers = {}
        for need, value in zip(needs, row[3 * width + 2 :], strict=False):
            is_money = need.measure in MONEY and value is not None
            numbers[need] = money.convert(value, currency, month) if is_money else value
        parts[row[:width]].append(numbers)
        heads.setdefault(row[:width], row)
    return {
        key: _Group(key, heads[key][width : 2 * width], heads[key][2 * width : 3 * width], added(numbers))
        for key, numbers in parts.items()
    }


def _add_medians(
    found: Mapping[Key, _Group],
    chosen: Selection,
    by: Sequence[Dimension],
    middles: Sequence[Aggregate],
    money: Money,
    pairs: set[Key],
) -> None:
    """Exact medians: the lower and the upper middle value of each group, halved. Amounts converted in the database."""
    values = {**chosen.values, **money.parameters(pairs)}
    columns = []
    for need in middles:
        what = _DAYS if need.measure is Measure.MIDDLE_DAYS else "v.amount * rate.factor"
        keep = f"FILTER (WHERE {POPULATIONS[need.population]} AND {what} IS NOT NULL)"
        columns += [
            f"percentile_disc(0.5) WITHIN GROUP (ORDER BY {what} {order}) {keep}" for order in ("", "DESC")
        ]
    keys = [chosen.sql(dimension.parts[0]) for dimension in by]
    grouping = f"GROUP BY {', '.join(str(n + 1) for n in range(len(keys)))}" if keys else ""
    for row in run(
        f"SELECT {', '.join([*keys, *columns])} {chosen.source(by, RATE_JOIN)} {grouping}", values
    ):
        group = found.get(row[: len(keys)])
        for index, need in enumerate(middles):
            low, high = row[len(keys) + 2 * index : len(keys) + 2 * index + 2]
            if group is not None and low is not None:
                both = EXACT.add(Decimal(low), Decimal(high))
                group.numbers[need] = EXACT.divide(both, Decimal(2))


def _with_quotas(
    scope: Scope,
    query: FigureQuery,
    by: Sequence[Dimension],
    span: Span | None,
    money: Money,
    groups: Sequence[_Group],
) -> tuple[list[_Group], dict[Key, Decimal]]:
    """The quota of each group, and the groups, those included that have a quota but no deal yet."""
    names = {label for group in groups for label in group.labels if label is not None}
    found = list(group_quotas(scope, query, by, span, names))
    if by and names_a_period(query, span):
        found += group_quotas(scope, query, (), span, names)
    amounts = {
        quota.key: money.book.convert(quota.amount, money.book.corporate, quota.valued_on, money.shown)
        for quota in found
    }
    have = {group.key for group in groups}
    missing = [_Group(q.key, q.labels, q.order, {}) for q in found if q.key and q.key not in have]
    return [*groups, *missing], amounts


def _values(
    query: FigureQuery, metrics: Sequence[Metric], numbers: Numbers, quota: Decimal | None
) -> dict[str, Decimal | None]:
    values = Values(numbers, quota)
    return {metric.name: metric.value(values, is_rounded=query.is_rounded) for metric in metrics}


def _arranged(
    rows: Sequence[FigureRow], groups: Sequence[_Group], query: FigureQuery, metrics: Sequence[Metric]
) -> tuple[FigureRow, ...]:
    """Rows in the order of their dimensions, or by a metric, largest first (`-name`: smallest first)."""
    order = [tuple((part is None, str(part or "").casefold()) for part in group.order) for group in groups]
    placed = [row for _, row in sorted(zip(order, rows, strict=True), key=lambda pair: pair[0])]
    if query.sort:
        metric = _metric(query.sort.lstrip("-"))
        name = metric.name
        if metric not in metrics:
            page = _("To sort by %(metric)s, choose it as well.") % {"metric": _(metric.title)}
            raise FigureError(f"To sort by {name}, ask for it as well.", page)
        known = [row for row in placed if row.values[name] is not None]
        known.sort(key=lambda row: row.values[name], reverse=not query.sort.startswith("-"))  # type: ignore[arg-type, return-value]
        placed = known + [row for row in placed if row.values[name] is None]
    return tuple(placed[: query.limit] if query.limit else placed)
