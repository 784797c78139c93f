"""Quotas as pages, the forecast and metrics read them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal

from django.contrib.postgres.aggregates import ArrayAgg
from django.utils import timezone

from organization import selectors as organization
from organization.domain.facts import PeriodFacts, PersonNode, ReportingLines
from organization.domain.rates import RateBook
from organization.domain.scope import Scope
from salesops.kernel.money import exact_sum
from salesops.wall import context as wall
from territories.domain.quotas import (
    GridColumn,
    NodeQuota,
    QuotaCell,
    QuotaEvent,
    QuotaRow,
    QuotaTable,
    roll_up,
)
from territories.models import FAR_FUTURE_AT, Quota


def sees_all_quotas(scope: Scope) -> bool:
    """Whether every quota is visible: to those who read all deals, and to finance."""
    return scope.everything or scope.won_only_everywhere


Quotas = dict[int, dict[int, NodeQuota]]
"""Node quotas by period id and person id."""


def all_node_quotas(
    period: PeriodFacts, at: dt.datetime | None = None, organization_of: ReportingLines = "THEN"
) -> Quotas:
    """Everybody's node quotas for a period and the periods within it, in corporate currency, whoever asks.

    Each typed number is valued at the rate of its own period's first month. Raises `RateMissingError` for a currency
    without any rate.
    """
    book = organization.rate_book(organization.business_date(at))
    return _quotas_over(period, [(at, book)], organization_of)[0]


def _quotas_over(
    period: PeriodFacts,
    instants: Sequence[tuple[dt.datetime | None, RateBook]],
    organization_of: ReportingLines,
    nodes: Sequence[int] | None = None,
) -> list[Quotas]:
    """Node quotas at each instant, by the rates that go with it, in as many queries as for one: everybody's, or, when
    `nodes` are given, those of the nodes and of the people below them.

    What is stated for somebody who has left before the period began counts nowhere.
    """
    parts = _parts(period)
    children = {whole.id: [part.id for part in within] for whole, within in parts}
    days = [organization.line_day(organization_of, at) for at, _ in instants]
    lines = organization.managers_over(days)
    people = None
    if nodes is not None:
        below = {id(managers): managers for managers in lines.values()}  # dates without a move share one
        below = {key: _below(nodes, managers) for key, managers in below.items()}
        lines = {day: below[id(managers)] for day, managers in lines.items()}
        people = set(nodes).union(*below.values())
    starts = {p.id: p.from_date for group in parts for p in (group[0], *group[1])}
    stated = _stated([(at or timezone.now(), book) for at, book in instants], starts, people)
    corporate = instants[0][1].corporate
    found: list[Quotas] = []
    before: tuple[object, object] | None = None
    for day, numbers in zip(days, stated, strict=True):
        if before == (numbers, lines[day]):
            found.append(found[-1])  # seldom does anything change from one week of a course to the next
        else:
            found.append(roll_up(numbers, children, lines[day], corporate))
        before = numbers, lines[day]
    return found


def _below(nodes: Sequence[int], managers: Mapping[int, int]) -> dict[int, int]:
    """The reporting lines below some people."""
    reports: dict[int, list[int]] = {}
    for person, manager in managers.items():
        reports.setdefault(manager, []).append(person)
    found: dict[int, int] = {}
    waiting = list(nodes)
    while waiting:
        manager = waiting.pop()
        for person in reports.get(manager, ()):
            if person not in found:
                found[person] = manager
                waiting.append(person)
    return found


Numbers = dict[int, dict[int, Decimal]]
"""What is stated, by period id and person id."""


FEW = 500
"""People who are named to the database. To name more takes longer than to read everybody's quotas of the period."""
Known = tuple[dt.datetime, dt.datetime, dt.date | None, int, str, list[int], list[Decimal]]
"""Quotas alike but for their amounts: recorded and superseded at; when their people left; period, currency; people and
amounts, in one order. There are few such groups where there are many quotas."""


def _stated(
    moments: Sequence[tuple[dt.datetime, RateBook]],
    starts: Mapping[int, dt.date],
    people: Collection[int] | None,
) -> list[Numbers]:
    """The numbers known at each moment; moments at which the same is known share one object."""
    known = _known([at for at, _ in moments], starts, people)
    by_book: dict[int, dict[dt.datetime, Numbers]] = {}
    for _, book in moments:
        if id(book) not in by_book:
            ours = [at for at, other in moments if other is book]
            by_book[id(book)] = _numbers(known, ours, starts, book)
    return [by_book[id(book)][at] for at, book in moments]


@wall.system("a node's quota sums over the organisation of its time; who asks may see the node")
def _known(
    moments: Sequence[dt.datetime], starts: Mapping[int, dt.date], people: Collection[int] | None
) -> list[Known]:
    known = Quota.objects.known_between(min(moments), max(moments)).filter(period_id__in=list(starts))
    if people is not None and len(people) <= FEW:
        known = known.filter(person_id__in=list(people))
    alike = ("recorded_at", "superseded_at", "person__left_on", "period_id", "currency_id")
    rows: Iterable[Known] = (
        known.order_by()
        .values_list(*alike)
        .annotate(people=ArrayAgg("person_id", order_by="pk"), amounts=ArrayAgg("amount", order_by="pk"))
    )
    return list(rows) if people is None else [_of(group, people) for group in rows]


def _of(group: Known, people: Collection[int]) -> Known:
    """A group without whoever is not asked about."""
    recorded, superseded, left, period_id, code, persons, amounts = group
    ours = [pair for pair in zip(persons, amounts, strict=True) if pair[0] in people]
    return (
        recorded,
        superseded,
        left,
        period_id,
        code,
        [who for who, _ in ours],
        [amount for _, amount in ours],
    )


def _numbers(
    known: Iterable[Known], moments: Sequence[dt.datetime], starts: Mapping[int, dt.date], book: RateBook
) -> dict[dt.datetime, Numbers]:
    """What is known at each of these moments, valued by one book of rates."""
    dates = {at: organization.business_date(at) for at in moments}
    first, last = min(moments), max(moments)
    groups: list[tuple[int, dict[int, Decimal]]] = []
    known_at: dict[dt.datetime, list[int]] = {at: [] for at in moments}
    """Places of the groups known at a moment."""
    for recorded, superseded, left, period_id, code, people, amounts in known:
        if recorded > last or superseded <= first:
            continue  # known at other moments only, and perhaps in a currency without a rate
        gone = left if left is not None and left <= starts[period_id] else FAR_FUTURE_AT.date()
        for at, date in dates.items():
            if recorded <= at < superseded and date < gone:
                known_at[at].append(len(groups))
        worth = [book.convert(amount, code, starts[period_id]) for amount in amounts]
        groups.append((period_id, dict(zip(people, worth, strict=True))))
    shared: dict[tuple[int, ...], Numbers] = {}
    for places in map(tuple, known_at.values()):
        if places not in shared:
            shared[places] = _together(groups[place] for place in places)
    return {at: shared[tuple(known_at[at])] for at in moments}


def _together(groups: Iterable[tuple[int, dict[int, Decimal]]]) -> Numbers:
    found: Numbers = {}
    for period_id, amounts in groups:
        found.setdefault(period_id, {}).update(amounts)
    return found


def _parts(period: PeriodFacts) -> list[tuple[PeriodFacts, list[PeriodFacts]]]:
    """The period and those within it, the smallest first, each with the next smaller ones it is made of."""
    smaller = {"YEAR": "QUARTER", "QUARTER": "MONTH"}
    found: list[tuple[PeriodFacts, list[PeriodFacts]]] = []
    level = [period]
    while level:
        kind = smaller.get(level[0].kind)
        below = organization.children_of(period, kind) if kind else []
        found = [(whole, [p for p in below if p.parent_id == whole.id]) for whole in level] + found
        level = below
    return found


def node_quotas(
    scope: Scope,
    person_ids: Iterable[int],
    period: PeriodFacts,
    at: dt.datetime | None = None,
    organization_of: ReportingLines = "THEN",
) -> dict[int, NodeQuota]:
    """Quotas of these nodes for a period, in corporate currency; nodes without any, and invisible ones, are absent.

    Reads the quotas known at `at` and sums reports by the hierarchy of that time (or today's).
    """
    book = organization.rate_book(organization.business_date(at))
    return node_quotas_over(scope, person_ids, period, [(at, book)], organization_of)[0]


def node_quotas_over(
    scope: Scope,
    person_ids: Iterable[int],
    period: PeriodFacts,
    instants: Sequence[tuple[dt.datetime | None, RateBook]],
    organization_of: ReportingLines,
) -> list[dict[int, NodeQuota]]:
    """The same at each of several instants (None: now), each valued by the rates that go with it: a quota's course."""
    seen = [person for person in person_ids if sees_all_quotas(scope) or scope.sees_person(person)]
    return [
        {person: quotas[period.id][person] for person in seen if person in quotas[period.id]}
        for quotas in _quotas_over(period, instants, organization_of, seen)
    ]


def quota_table(
    scope: Scope,
    year: PeriodFacts,
    grain: str = "MONTH",
    at: dt.datetime | None = None,
    *,
    limit: int | None = None,
    parent_id: int | None = None,
) -> QuotaTable:
    """The grid of a fiscal year by month or quarter: what is typed, what it adds up to, and the sum of the reports.

    With more than `limit` people only the two top levels get rows; `parent_id` asks for somebody's direct reports.
    """
    columns = organization.children_of(year, grain)
    people = organization.people_tree(scope, at=at, organization=year.last_date)
    if not sees_all_quotas(scope):
        people = [node for node in people if scope.sees_person(node.id)]
    quotas = all_node_quotas(year, at, year.last_date)
    needed = _needed(people, quotas)
    people = [node for node in people if node.id in needed]
    shown = people
    if parent_id is not None:
        shown = [node for node in people if node.parent_id == parent_id]
    elif limit is not None and len(people) > limit:
        shown = [node for node in people if node.depth < 2]
    typed = _typed(scope, columns, at, None if len(shown) == len(people) else [node.id for node in shown])
    corporate = organization.company().corporate_currency
    rows = [_row(node, columns, typed, quotas, quotas[year.id].get(node.id), corporate) for node in shown]
    roots = [node.id for node in people if node.depth == 0]
    return QuotaTable(
        year.name,
        grain,
        corporate,
        tuple(GridColumn(c.id, c.name, c.from_date, c.to_date) for c in columns),
        tuple(rows),
        tuple(_sum(quotas[column.id], roots) for column in columns),
        _sum(quotas[year.id], roots),
        len(people),
        sum(1 for node in people if node.is_leaf and node.is_active and node.id not in quotas[year.id]),
    )


Typed = dict[tuple[int, int], tuple[int, Decimal, str]]
"""Typed numbers in force, `(quota id, amount, currency)` by person and period."""


def _typed(
    scope: Scope, columns: list[PeriodFacts], at: dt.datetime | None, person_ids: list[int] | None
) -> Typed:
    rows = (
        Quota.objects.visible_to(scope)
        .known_at(at or timezone.now())
        .filter(period__in=[c.id for c in columns])
    )
    if person_ids is not None:
        rows = rows.filter(person_id__in=person_ids)
    fields = ("person_id", "period_id", "id", "amount", "currency_id")
    return {
        (person, period): (pk, amount, code) for person, period, pk, amount, code in rows.values_list(*fields)
    }


def _sum(quotas: dict[int, NodeQuota], person_ids: list[int]) -> Decimal | None:
    stated = [quotas[p].value for p in person_ids if p in quotas]
    return exact_sum([value for value in stated if value is not None]) if stated else None


def _row(
    node: PersonNode,
    columns: list[PeriodFacts],
    typed: Typed,
    quotas: Quotas,
    total: NodeQuota | None,
    corporate: str,
) -> QuotaRow:
    cells = tuple(_cell(c, typed.get((node.id, c.id)), quotas[c.id].get(node.id)) for c in columns)
    currency = next((cell.currency for cell in cells if cell.currency), corporate)
    return QuotaRow(
        node.id, node.name, node.title, node.parent_id, node.depth, node.is_leaf, node.is_active, currency, cells,
        total,
    )  # fmt: skip


def _needed(people: list[PersonNode], quotas: Quotas) -> set[int]:
    """Who gets a line: everybody here, and leavers with a number in the year, or with somebody needed below."""
    with_number = {person for numbers in quotas.values() for person in numbers}
    needed: set[int] = set()
    for node in reversed(people):
        if node.is_active or node.id in with_number or node.id in needed:
            needed.add(node.id)
            if node.parent_id is not None:
                needed.add(node.parent_id)
    return needed


def trimmed(amount: Decimal) -> Decimal:
    """The amount without the zeros the database pads it with: what somebody would type."""
    whole = amount.to_integral_value()
    return whole if whole == amount else amount.normalize()


def _cell(column: PeriodFacts, own: tuple[int, Decimal, str] | None, quota: NodeQuota | None) -> QuotaCell:
    return QuotaCell(
        period_id=column.id,
        period_name=column.name,
        quota_id=own[0] if own else None,
        amount=trimmed(own[1]) if own else None,
        currency=own[2] if own else "",
        derived=quota.value if quota else None,
        from_reports=quota.from_reports if quota else None,
    )


def labels_of(person_ids: Iterable[int], period_ids: Iterable[int]) -> tuple[dict[int, str], dict[int, str]]:
    """Names of people and of periods, for messages; unknown ids are absent."""
    return organization.person_names(list(person_ids)), organization.period_names(list(period_ids))


def quota_history(scope: Scope, person_id: int, period_id: int) -> list[QuotaEvent]:
    """What a cell said through time, newest first; empty for a person the viewer does not see."""
    rows = Quota.objects.visible_to(scope).filter(person_id=person_id, period_id=period_id)
    found = list(rows.order_by("-recorded_at").select_related(None))
    names = organization.user_names([row.actor_id for row in found if row.actor_id])
    return [
        QuotaEvent(
            trimmed(row.amount), row.currency_id, row.recorded_at,
            None if row.superseded_at == FAR_FUTURE_AT else row.superseded_at,
            names.get(row.actor_id or 0, ""), row.source,
        )
        for row in found
    ]  # fmt: skip
