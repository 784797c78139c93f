# ruff: noqa: S608 - identifiers come from the constants here; every value is a parameter
"""The deals of a column at two instants, side by side: what the waterfall explains."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.db import connection

from opportunities.domain.deal import Category, Status
from organization.domain.facts import ReportingLines
from organization.domain.scope import Scope
from organization.selectors import subtree_ids, territory_subtree_ids
from pipeline.domain.trees import Tree
from pipeline.domain.waterfall import DealChange, DealLabel, DealThen, Moves, Window
from salesops.wall import context as wall

FAR = "'9999-12-31 00:00:00+00'::timestamptz"
Factor = Callable[[str, dt.date | None], Decimal]
"""Reporting currency per unit of a currency, for a deal with that close date."""

_COLUMN = {Tree.PEOPLE: "v.owner_id", Tree.TERRITORY: "v.territory_id"}
_FIELDS = "status, category, currency, subcategory_id, amount, close_date, inside"


@dataclass(frozen=True)
class Part:
    """The part of the business watched: a node with everything below (`own`: alone), or None for all deals.

    Node 0 holds what is assigned to nobody.
    """

    tree: Tree
    node_id: int | None
    own: bool = False


def moves(
    scope: Scope,
    part: Part,
    window: Window,
    *,
    since: dt.datetime,
    until: dt.datetime | None,
    organization: ReportingLines = "THEN",
    rates: tuple[Factor, Factor],
) -> Moves:
    """Every deal that counted in the column at `since` or at `until` (None: now), in both states. One statement.

    `rates` value the two instants. The owner of that time (and that time's, or today's, hierarchy) decides whether a
    deal lay inside; a viewer of a part of the organisation sees the deals of the people visible today.
    """
    scope = _walled(scope)
    values: dict[str, Any] = {
        "since": since,
        "until": until,
        "from": window.from_date,
        "to": window.to_date,
        "categories": [category.value for category in window.categories],
        "before": _members(part, since, organization),
        "after": _members(part, until, organization),
        "people": sorted(scope.person_ids),
    }
    with wall.system("where a deal in reach came from or went to"), connection.cursor() as cursor:
        cursor.execute(_statement(scope, part, until), values)
        rows = cursor.fetchall()
    changes = tuple(DealChange(r[0], _state(r[5:12], rates[0]), _state(r[12:19], rates[1])) for r in rows)
    return Moves(changes, {row[0]: DealLabel(*row[1:5]) for row in rows})


def _walled(scope: Scope) -> Scope:
    """The viewer as far as the database was told: the statement runs as the system, so no policy narrows it."""
    reach = wall.current()
    if reach.unwalled or reach.everything:
        return scope
    people = reach.people or frozenset()
    told = people if scope.everything else people & scope.person_ids
    return replace(scope.own_reach, everything=False, person_ids=told)


def _members(part: Part, at: dt.datetime | None, organization: ReportingLines) -> list[int]:
    if part.node_id is None or part.own:
        return [part.node_id or 0]
    if part.tree is Tree.PEOPLE:
        return subtree_ids(part.node_id, at, organization)
    return territory_subtree_ids(part.node_id) if part.tree is Tree.TERRITORY else [part.node_id]


def _inside(scope: Scope, part: Part, members: str) -> str:
    """The condition that a version belongs to the part and to what the viewer may see."""
    mine = "true" if scope.everything else "v.owner_id = ANY(%(people)s)"
    if part.node_id is None:
        return mine
    if part.tree is Tree.FAMILY:
        return f"{_in_family(part, members)} AND {mine}"
    column = _COLUMN[part.tree]
    here = f"{column} IS NULL" if part.node_id == 0 else f"coalesce({column} = ANY(%({members})s), false)"
    return f"{here} AND coalesce({mine}, false)"


def _in_family(part: Part, members: str) -> str:
    if part.node_id == 0:
        return (
            "NOT EXISTS (SELECT 1 FROM opportunities_product p WHERE p.id = v.product_id AND p.family_id > 0)"
        )
    closure = "JOIN opportunities_productfamilyclosure c ON c.descendant_id = p.family_id"
    ancestor = "p.family_id" if part.own else "c.ancestor_id"
    return (
        f"EXISTS (SELECT 1 FROM opportunities_product p {'' if part.own else closure} "
        f"WHERE p.id = v.product_id AND {ancestor} = ANY(%({members})s))"
    )


def _statement(scope: Scope, part: Part, until: dt.datetime | None) -> str:
    then = "v.valid_from <= %(since)s AND v.valid_to > %(since)s"
    now = f"v.valid_to = {FAR}" if until is None else "v.valid_from <= %(until)s AND v.valid_to > %(until)s"
    sides = [(then, _inside(scope, part, "before")), (now, _inside(scope, part, "after"))]
    live = f"v.superseded_at = {FAR} AND NOT v.is_deleted"
    touched = " UNION ".join(
        f"""SELECT v.opportunity_id FROM opportunities_opportunityversion v
            WHERE {live} AND {when} AND {inside} AND v.category = ANY(%(categories)s)
              AND v.close_date >= %(from)s AND v.close_date < %(to)s"""
        for when, inside in sides
    )
    before, after = (
        f"""LEFT JOIN LATERAL (
              SELECT v.status, v.category, v.currency_id AS currency, coalesce(v.subcategory_id, 0) AS subcategory_id,
                     v.amount, v.close_date, ({inside}) AS inside, v.name, v.account_id, v.owner_id
              FROM opportunities_opportunityversion v
              WHERE v.opportunity_id = t.opportunity_id AND {live} AND {when}
              ORDER BY v.seq DESC LIMIT 1) {name} ON true"""
        for (when, inside), name in zip(sides, ("b", "a"), strict=True)
    )
    here = "a.status IS NOT NULL" if scope.everything else "coalesce(a.owner_id = ANY(%(people)s), false)"
    fields = [f"{side}.{field}" for side in ("b", "a") for field in _FIELDS.split(", ")]
    return f"""
        WITH touched AS ({touched})
        SELECT t.opportunity_id, CASE WHEN a.inside THEN a.name ELSE coalesce(b.name, a.name) END,
               coalesce(c.name, ''), coalesce(p.name, ''), {here},
               {", ".join(fields)}
        FROM touched t {before} {after}
        LEFT JOIN opportunities_account c ON c.id = CASE WHEN a.inside THEN a.account_id ELSE b.account_id END
        LEFT JOIN organization_person p ON p.id = CASE WHEN a.inside THEN a.owner_id ELSE b.owner_id END
        ORDER BY t.opportunity_id"""


def _state(row: Sequence[Any], rate: Factor) -> DealThen | None:
    status, category, currency, subcategory_id, amount, close_date, inside = row
    if status is None:
        return None
    return DealThen(
        Status(status),
        Category(category),
        currency,
        subcategory_id,
        amount,
        close_date,
        rate(currency, close_date),
        bool(inside),
    )


def won_by_day(
    scope: Scope,
    part: Part,
    days: tuple[dt.date, dt.date],
    *,
    at: dt.datetime | None,
    organization: ReportingLines = "THEN",
) -> list[tuple[dt.date, str, Decimal]]:
    """What was won by close date in `[from, to)` and currency, as it stood at an instant (None: now)."""
    inside = (
        _inside(scope, part, "after")
        if not scope.won_only_everywhere
        else _inside(_EVERYTHING, part, "after")
    )
    when = f"v.valid_to = {FAR}" if at is None else "v.valid_from <= %(until)s AND v.valid_to > %(until)s"
    sql = f"""
        SELECT v.close_date, v.currency_id, sum(v.amount) FROM opportunities_opportunityversion v
        WHERE v.superseded_at = {FAR} AND NOT v.is_deleted AND {when} AND {inside} AND v.status = 'WON'
          AND v.close_date >= %(from)s AND v.close_date < %(to)s AND v.amount IS NOT NULL
        GROUP BY 1, 2 ORDER BY 1, 2"""
    values = {
        "until": at,
        "from": days[0],
        "to": days[1],
        "after": _members(part, at, organization),
        "people": sorted(scope.person_ids),
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


_EVERYTHING = Scope.system("Finance reads every won deal.")
