"""The quota that belongs to a group of deals, where one does: groups of people, and of fiscal periods of close."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import Any

from organization import selectors as organization
from organization.domain.facts import PeriodFacts, PersonNode, ReportingLines
from organization.domain.scope import Scope
from pipeline.domain.figures import FigureQuery, Filter, Span
from pipeline.selectors import refusals
from pipeline.selectors.dimensions import Dimension
from pipeline.selectors.refusals import QUOTA_KINDS
from pipeline.selectors.selection import dimension_named, lines_of, span_named
from salesops.kernel.money import exact_sum
from territories.selectors import all_node_quotas, sees_all_quotas


@dataclass(frozen=True)
class GroupQuota:
    """A group's quota in corporate currency, and the day whose rate values it."""

    key: tuple[Any, ...]
    labels: tuple[str | None, ...]
    order: tuple[Any, ...]
    amount: Decimal
    valued_on: dt.date


@dataclass(frozen=True)
class _Part:
    """One value of one dimension: how SQL tells it, shows it and orders it."""

    key: Any
    label: str
    order: str


def group_quotas(
    scope: Scope, query: FigureQuery, by: Sequence[Dimension], span: Span | None, names: set[str]
) -> Iterator[GroupQuota]:
    """The quota of every group there is, `names` being the labels that occur among the deals.

    By owner, the own numbers of those nobody reports to; by manager, the sum of such reports; by team, the number of
    the team; otherwise that of the topmost people this viewer sees. Raises `FigureError` where no quota can be told.
    """
    _refuse_other_dimensions(query, by)
    lines = lines_of(query, span)
    people = organization.people_tree(scope, at=query.at, organization=lines)
    if not sees_all_quotas(scope):
        people = [node for node in people if scope.sees_person(node.id)]
    person = next((d for d in by if d.is_person), None)
    periods = _periods(by, _whole(query, span), names)
    quotas = _node_quotas(periods, query, lines)
    for (who, members), period in product(_members(person, people, query), periods):
        stated = [quotas[period.id][member] for member in members if member in quotas.get(period.id, {})]
        if not stated:
            continue
        parts = [who if d is person else _time_part(d, period) for d in by]
        known = [part for part in parts if part is not None]
        yield GroupQuota(
            tuple(p.key for p in known), tuple(p.label for p in known), tuple(p.order for p in known),
            exact_sum(stated), period.from_date,
        )  # fmt: skip


def _refuse_other_dimensions(query: FigureQuery, by: Sequence[Dimension]) -> None:
    filters = [dimension_named(wanted.field) for wanted in query.where]
    for dimension in (*by, *filters):
        if not (dimension.is_person or dimension.period_kind in QUOTA_KINDS):
            raise refusals.no_quota_by(dimension)
    if sum(d.is_person for d in by) > 1 or any(w.negated for w in query.where):
        raise refusals.one_person_only()
    if any(len(wanted.values) != 1 for wanted in _period_filters(query)):
        raise refusals.several_periods()


def names_a_period(query: FigureQuery, span: Span | None) -> bool:
    """Whether a question says whose quotas it means, by its span or by a filter of the period of close."""
    return span is not None or bool(_period_filters(query))


def _period_filters(query: FigureQuery) -> list[Filter]:
    return [wanted for wanted in query.where if dimension_named(wanted.field).period_kind]


def _whole(query: FigureQuery, span: Span | None) -> PeriodFacts | None:
    """The fiscal period a question is about: the smallest of its span and of those its filters name."""
    spans = [span, *(span_named(wanted.values[0]) for wanted in _period_filters(query))]
    found = [period for period in map(_fiscal, spans) if period is not None]
    if not found:
        return None
    smallest = min(found, key=lambda period: period.to_date - period.from_date)
    for period in found:
        if not (period.from_date <= smallest.from_date and smallest.to_date <= period.to_date):
            raise refusals.periods_apart(smallest.name, period.name)
    return smallest


def _periods(by: Sequence[Dimension], whole: PeriodFacts | None, names: set[str]) -> list[PeriodFacts]:
    """The periods whose quotas are asked for: the smallest kind grouped by, within the whole; else the whole itself."""
    kinds = [d.period_kind for d in by if d.period_kind]
    if whole is None and kinds:
        return [
            period
            for period in organization.periods(min(kinds, key=QUOTA_KINDS.index))
            if period.name in names
        ]
    if whole is None or whole.kind not in QUOTA_KINDS:
        raise refusals.no_period()
    smallest = min([*kinds, whole.kind], key=QUOTA_KINDS.index)
    return [whole] if whole.kind == smallest else organization.children_of(whole, smallest)


def _fiscal(span: Span | None) -> PeriodFacts | None:
    """The fiscal period with just these days; None for no span. Raises `FigureError` for other days."""
    if span is None:
        return None
    if span.period_id is not None:
        return organization.period_by_id(span.period_id)
    for period in organization.periods_containing(span.from_date):
        if (period.from_date, period.to_date) == (
            span.from_date,
            span.to_date,
        ) and period.kind in QUOTA_KINDS:
            return period
    raise refusals.no_fiscal_period(span.name)


def _node_quotas(
    periods: Sequence[PeriodFacts], query: FigureQuery, lines: ReportingLines
) -> dict[int, dict[int, Decimal]]:
    """Node quotas by period and person; periods of one year are read together."""
    years = {}
    for period in periods:
        year = period if period.kind == "YEAR" else organization.ancestors_of(period)[0]
        years[year.id] = period if len(periods) == 1 else year
    found: dict[int, dict[int, Decimal]] = {}
    for asked in years.values():
        answer = all_node_quotas(asked, query.at, lines)
        for period_id, by_person in answer.items():
            found[period_id] = {who: q.value for who, q in by_person.items() if q.value is not None}
    return found


def _members(
    person: Dimension | None, people: Sequence[PersonNode], query: FigureQuery
) -> list[tuple[_Part | None, list[int]]]:
    """Groups of people, each with the persons whose node quotas add up to the group's."""
    known = {node.id: node for node in people}
    kept, tops = _filtered(people, known, query)
    reports: dict[int, list[int]] = {}
    for node in people:
        if node.parent_id is not None and node.is_leaf and node.id in kept:
            reports.setdefault(node.parent_id, []).append(node.id)
    if person is None:
        return [(None, tops)]
    if person.name == "owner":
        return [(_named(known[i]), [i]) for i in known if known[i].is_leaf and i in kept]
    if person.name == "manager":
        return [(_named(known[i]), members) for i, members in reports.items() if i in known]
    return [(_named(node), [node.id]) for node in people if not node.is_leaf and node.id in kept]


def _filtered(
    people: Sequence[PersonNode], known: Mapping[int, PersonNode], query: FigureQuery
) -> tuple[set[int], list[int]]:
    """Who is left by the filters, and whose quotas together are the quota of them all."""
    kept = set(known)
    people_filters = [wanted for wanted in query.where if dimension_named(wanted.field).is_person]
    for wanted in people_filters:
        field = dimension_named(wanted.field).name
        if field == "owner":
            kept &= {i for i in known if _is_meant(wanted, known[i]) and known[i].is_leaf}
        elif field == "manager":
            kept &= {
                i for i in known if known[i].is_leaf and _is_meant(wanted, known.get(known[i].parent_id or 0))
            }
        else:
            chosen = {i for i in known if _is_meant(wanted, known[i])}
            kept &= {i for i in known if _above(known, i) & chosen}
    if not people_filters:
        return kept, [node.id for node in people if node.depth == 0]
    return kept, [i for i in kept if known[i].parent_id not in kept]


def _is_meant(wanted: Filter, person: PersonNode | None) -> bool:
    """Whether a filter names this person (None: nobody), and where it says which one of the name, this one."""
    named = {value.strip().lower() for value in wanted.values}
    if person is None:
        return "" in named
    return person.name.lower() in named and (not wanted.keys or str(person.id) in wanted.keys)


def _above(known: Mapping[int, PersonNode], node: int | None) -> set[int]:
    """The person and everybody above, as far as visible."""
    found: set[int] = set()
    while node is not None and node in known:
        found.add(node)
        node = known[node].parent_id
    return found


def _named(node: PersonNode) -> _Part:
    return _Part(node.id, node.name, node.name)


def _time_part(dimension: Dimension, period: PeriodFacts) -> _Part:
    same = period
    if period.kind != dimension.period_kind:
        same = next(p for p in organization.ancestors_of(period) if p.kind == dimension.period_kind)
    return _Part(same.name, same.name, same.from_date.isoformat())


__all__ = ["GroupQuota", "group_quotas", "names_a_period"]
