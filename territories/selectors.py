"""Quotas as pages, the forecast and metrics read them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from django.utils import timezone

from organization import selectors as organization
from organization.domain.facts import PeriodFacts, PersonNode
from organization.domain.scope import Scope
from organization.selectors.people import Organization
from salesops.kernel.money import exact_sum
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
    period: PeriodFacts, at: dt.datetime | None = None, organization_of: Organization = "THEN"
) -> Quotas:
    """Everybody's node quotas for a period and the periods within it, in corporate currency, whoever asks.

    Each typed number is valued at the rate of its own period's first month. Raises `RateMissingError` for a currency
    without any rate.
    """
    day = organization.now_date() if organization_of == "TODAY" else organization.business_date(at)
    book = organization.rate_book(organization.business_date(at))
    parts = _parts(period)
    starts = {p.id: p.from_date for group in parts for p in (group[0], *group[1])}
    known = Quota.objects.known_at(at or timezone.now()).filter(period_id__in=list(starts))
    stated: dict[int, dict[int, Decimal]] = {}
    for person_id, period_id, amount, code in known.values_list(
        "person_id", "period_id", "amount", "currency_id"
    ):
        stated.setdefault(period_id, {})[person_id] = book.convert(amount, code, starts[period_id])
    children = {whole.id: [part.id for part in within] for whole, within in parts}
    return roll_up(stated, children, organization.managers_on(day), book.corporate)


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
    organization_of: Organization = "THEN",
) -> dict[int, NodeQuota]:
    """Quotas of these nodes for a period, in corporate currency; nodes without any, and invisible ones, are absent.

    Reads the quotas known at `at` and sums reports by the hierarchy of that time (or today's).
    """
    everyone = all_node_quotas(period, at, organization_of)[period.id]
    return {
        person: everyone[person]
        for person in person_ids
        if person in everyone and (sees_all_quotas(scope) or scope.sees_person(person))
    }


def quota_table(
    scope: Scope, year: PeriodFacts, grain: str = "MONTH", at: dt.datetime | None = None
) -> QuotaTable:
    """The grid of a fiscal year by month or quarter: what is typed, what it adds up to, and the sum of the reports."""
    columns = organization.children_of(year, grain)
    people = organization.people_tree(scope, at=at)
    if not sees_all_quotas(scope):
        people = [node for node in people if scope.sees_person(node.id)]
    typed = {
        (row[1], row[2]): row
        for row in Quota.objects.visible_to(scope)
        .known_at(at or timezone.now())
        .filter(period_id__in=[c.id for c in columns])
        .values_list("id", "person_id", "period_id", "amount", "currency_id")
    }
    quotas = all_node_quotas(year, at)
    corporate = organization.company().corporate_currency
    rows = []
    needed = _needed(people, quotas)
    for node in people:
        if node.id not in needed:
            continue
        cells = tuple(
            _cell(column, typed.get((node.id, column.id)), quotas[column.id].get(node.id))
            for column in columns
        )
        currency = next((cell.currency for cell in cells if cell.currency), corporate)
        total = quotas[year.id].get(node.id)
        rows.append(
            QuotaRow(
                node.id, node.name, node.title, node.parent_id, node.depth, node.is_leaf, node.is_active,
                currency, cells, total,
            )
        )  # fmt: skip
    return _with_footer(year, grain, corporate, columns, rows)


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


def _cell(
    column: PeriodFacts, own: tuple[int, int, int, Decimal, str] | None, quota: NodeQuota | None
) -> QuotaCell:
    return QuotaCell(
        period_id=column.id,
        period_name=column.name,
        quota_id=own[0] if own else None,
        amount=trimmed(own[3]) if own else None,
        currency=own[4] if own else "",
        derived=quota.value if quota else None,
        from_reports=quota.from_reports if quota else None,
    )


def _with_footer(
    year: PeriodFacts, grain: str, corporate: str, columns: list[PeriodFacts], rows: list[QuotaRow]
) -> QuotaTable:
    roots = [row for row in rows if row.depth == 0]

    def sum_of(values: list[Decimal | None]) -> Decimal | None:
        stated = [value for value in values if value is not None]
        return exact_sum(stated) if stated else None

    return QuotaTable(
        year.name,
        grain,
        corporate,
        tuple(GridColumn(c.id, c.name, c.from_date, c.to_date) for c in columns),
        tuple(rows),
        tuple(sum_of([row.cells[i].derived for row in roots]) for i in range(len(columns))),
        sum_of([row.total.value if row.total else None for row in roots]),
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
