# ruff: noqa: S608 - every piece of SQL is a constant; values are parameters
"""Roll-up cells straight from deals: from the current rows, or from the versions valid at past instants.

One set of statements serves both: `state` is the table of deals now, or that of versions with the conditions
of an instant. The covering index (owner, close date, valid from, valid to) makes the past of a team a short
range scan.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.utils import timezone

from organization.domain.facts import CompanyFacts, ReportingLines, day_of_lines
from organization.domain.scope import Scope
from organization.selectors import line_day
from pipeline.domain.cells import Cell
from pipeline.domain.trees import NOBODY, Tree
from pipeline.selectors.ground import company_facts

FAR = "'9999-12-31 00:00:00+00'::timestamptz"

_PEOPLE_NOW = """
members(node_id, member) AS (
  SELECT ancestor_id, descendant_id FROM organization_personclosure WHERE ancestor_id = ANY(%(nodes)s)
)"""
_PEOPLE_THEN = """
walked(day, node_id, member) AS (
  SELECT DISTINCT d.day, n.node_id, n.node_id FROM unnest(%(nodes)s::bigint[]) n(node_id), moment d
  UNION
  SELECT w.day, w.node_id, l.person_id FROM walked w JOIN organization_reportingline l
    ON l.manager_id = w.member AND l.from_date <= w.day AND l.to_date > w.day
)"""
_TERRITORIES = """
members(node_id, member) AS (
  SELECT ancestor_id, descendant_id FROM organization_territoryclosure WHERE ancestor_id = ANY(%(nodes)s)
)"""
_FAMILIES = """
members(node_id, member) AS (
  SELECT c.ancestor_id, p.id FROM opportunities_productfamilyclosure c JOIN opportunities_product p
    ON p.family_id = c.descendant_id WHERE c.ancestor_id = ANY(%(nodes)s)
)"""
_FAMILY_OWN = """
members(node_id, member) AS (
  SELECT p.family_id, p.id FROM opportunities_product p WHERE p.family_id = ANY(%(nodes)s)
)"""
_THEMSELVES = "members(node_id, member) AS (SELECT n, n FROM unnest(%(nodes)s::bigint[]) n)"

_MEMBERS = {
    Tree.PEOPLE: ("owner_id", _PEOPLE_NOW),
    Tree.OWN: ("owner_id", _THEMSELVES),
    Tree.TERRITORY: ("territory_id", _TERRITORIES),
    Tree.TERRITORY_OWN: ("territory_id", _THEMSELVES),
    Tree.FAMILY: ("product_id", _FAMILIES),
    Tree.FAMILY_OWN: ("product_id", _FAMILY_OWN),
}


def past_cells(
    scope: Scope,
    tree: Tree,
    nodes: list[int],
    month_ids: Sequence[int] | None,
    instants: Sequence[dt.datetime | None],
    organization: ReportingLines,
) -> dict[dt.datetime | None, list[Cell]]:
    """The cells of nodes at each instant (None: now), of the deals this viewer may see. One statement per
    kind.
    """
    answer: dict[dt.datetime | None, list[Cell]] = {at: [] for at in instants}
    past = sorted({at for at in instants if at is not None})
    if None in answer:
        answer[None] = [cell for _, cell in _cells(scope, tree, nodes, month_ids, None, organization)]
    if past:
        for position, cell in _cells(scope, tree, nodes, month_ids, past, organization):
            answer[past[position]].append(cell)
    return answer


def _cells(
    scope: Scope,
    tree: Tree,
    nodes: list[int],
    month_ids: Sequence[int] | None,
    past: list[dt.datetime] | None,
    organization: ReportingLines,
) -> list[tuple[int, Cell]]:
    facts = company_facts()
    values: dict[str, Any] = {
        "nodes": [node for node in nodes if node != NOBODY],
        "months": list(month_ids or []),
        "calendar": facts.calendar_id,
        "instants": past or [None],
        **{f"instant_{position}": at for position, at in enumerate(past or [], start=1)},
        "days": line_days(facts, organization, past or (None,)),
        "people": sorted(scope.person_ids),
    }
    groups = [False] * bool(values["nodes"]) + [True] * (NOBODY in nodes)
    parts = [
        _select(scope, tree, month_ids, organization, position=position, past=bool(past), nobody=nobody)
        for position in range(1, len(values["instants"]) + 1)
        for nobody in groups
    ]
    dated = bool(past) or is_earlier(organization)
    sql = f"""WITH RECURSIVE {member_table(tree, dated=dated, organization=organization)}
        SELECT * FROM ({" UNION ALL ".join(parts)}) x ORDER BY 1, 2, 3, 4, 5, 6"""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [(row[0] - 1, Cell(*row[1:])) for row in cursor.fetchall()]


def member_table(tree: Tree, *, dated: bool, organization: ReportingLines) -> str:
    """The common tables `moment(instant, day, position)` and `members(node_id, member)`; by the reporting lines of the
    moment's day where people are `dated`.
    """
    members = _MEMBERS[tree][1]
    if dated and is_dated(tree, organization):
        members = _PEOPLE_THEN + ", members AS (SELECT * FROM walked)"
    return f"""moment AS (
          SELECT * FROM unnest(%(instants)s::timestamptz[], %(days)s::date[])
            WITH ORDINALITY AS m(instant, day, position)
        ), {members}"""


def line_days(
    facts: CompanyFacts, lines: ReportingLines, instants: Sequence[dt.datetime | None]
) -> list[dt.date]:
    """The day whose reporting lines count at each instant (None: now)."""
    now = timezone.now()
    return [day_of_lines(lines, facts.date_of(at or now), facts.date_of(now)) for at in instants]


def is_dated(tree: Tree, organization: ReportingLines) -> bool:
    """Whether members of a node depend on the day."""
    return tree is Tree.PEOPLE and organization != "TODAY"


def is_earlier(organization: ReportingLines) -> bool:
    """Whether even now the lines of a day gone by count."""
    return isinstance(organization, dt.date) and organization < line_day("TODAY", None)


def member_column(tree: Tree) -> str:
    """The column of a deal that says which member it belongs to."""
    return _MEMBERS[tree][0]


def lacking(tree: Tree) -> str:
    """The condition of deals that have no such dimension: those of node 0."""
    if tree in {Tree.FAMILY, Tree.FAMILY_OWN}:
        family = "SELECT 1 FROM opportunities_product p WHERE p.id = v.product_id AND p.family_id IS NOT NULL"
        return f"NOT EXISTS ({family})"
    return f"v.{member_column(tree)} IS NULL"


_SUMS = """count(*) AS deals, count(*) FILTER (WHERE v.amount IS NULL) AS unpriced,
               coalesce(sum(v.amount), 0) AS amount, coalesce(sum(v.amount * v.probability * 0.01), 0) AS weighted"""


def _select(
    scope: Scope,
    tree: Tree,
    month_ids: Sequence[int] | None,
    organization: ReportingLines,
    *,
    position: int,
    past: bool,
    nobody: bool,
) -> str:
    """The cells at one instant, the `position`-th asked about."""
    members, node, own = "", "0::bigint", lacking(tree)
    if not nobody:
        dated = (past or is_earlier(organization)) and is_dated(tree, organization)
        members = f"JOIN members s ON true {'AND s.day = m.day' if dated else ''}"
        node, own = "s.node_id", f"v.{member_column(tree)} = s.member"
    deals = ["NOT v.is_deleted", own, *visible_conditions(scope)]
    (months, month), table = month_join(month_ids), "opportunities_opportunity"
    if past:
        table = "opportunities_opportunityversion"
        instant = f"%(instant_{position})s"  # a value, so that the index compares with it
        deals += [f"v.superseded_at = {FAR}", f"v.valid_from <= {instant}", f"v.valid_to > {instant}"]
    conditions, sums = [f"m.position = {position}", *month_conditions(month_ids)], _SUMS
    if past and scope.everything and own == "v.owner_id = s.member" and _are_ranges(month_ids):
        # Each month of each person is a range of the covering index, added up by itself. Left to choose, the planner
        # reads all that a person has where it expects that to be little. (Others' bounds: `month_bounds`.)
        source = f"""moment m {members} JOIN organization_fiscalperiod f ON true CROSS JOIN LATERAL (
            SELECT v.category, v.subcategory_id, v.currency_id, {_SUMS} FROM {table} v
            WHERE {" AND ".join([*deals, _IN_MONTH])} GROUP BY 1, 2, 3) v"""
        sums = "sum(v.deals)::bigint, sum(v.unpriced)::bigint, sum(v.amount), sum(v.weighted)"
    else:
        source = f"moment m {members} JOIN {table} v ON true {months}"
        conditions += [*deals, *month_bounds(month_ids, scope)]
    return f"""
        SELECT m.position, {node} AS node_id, {month} AS month_id, v.category,
               coalesce(v.subcategory_id, 0) AS subcategory_id, v.currency_id, {sums}
        FROM {source}
        WHERE {" AND ".join(conditions)}
        GROUP BY 1, 2, 3, 4, 5, 6"""


_IN_MONTH = "v.close_date >= f.from_date AND v.close_date < f.to_date"


def _are_ranges(month_ids: Sequence[int] | None) -> bool:
    """Whether the months are few and each a range of days; a deal without a close date is in none of them."""
    return month_ids is not None and NOBODY not in month_ids


def month_join(month_ids: Sequence[int] | None) -> tuple[str, str]:
    """The join that tells the month of a deal `v`, and the column that has it."""
    if _are_ranges(month_ids):
        return f"JOIN organization_fiscalperiod f ON {_IN_MONTH}", "f.id"
    days = "LEFT JOIN organization_fiscalday f ON f.calendar_id = %(calendar)s AND f.day = v.close_date"
    return days, "coalesce(f.month_id, 0)"


def month_conditions(month_ids: Sequence[int] | None) -> list[str]:
    """Conditions that keep these months of the calendar."""
    if month_ids is None:
        return []
    if not _are_ranges(month_ids):
        return ["coalesce(f.month_id, 0) = ANY(%(months)s)"]
    return ["f.id = ANY(%(months)s)", "f.calendar_id = %(calendar)s"]


def month_bounds(month_ids: Sequence[int] | None, scope: Scope) -> list[str]:
    """The days that the months span, for a viewer of some people's deals: the filter by owner makes the planner expect
    so few of them that it would not use each month's range.
    """
    if scope.everything or not _are_ranges(month_ids):
        return []
    bounds = "FROM organization_fiscalperiod WHERE id = ANY(%(months)s)"
    return [
        f"v.close_date >= (SELECT min(from_date) {bounds})",
        f"v.close_date < (SELECT max(to_date) {bounds})",
    ]


def visible_conditions(scope: Scope) -> list[str]:
    """The conditions of `OpportunityQuerySet.visible_to`, for deals now and for versions alike."""
    if scope.everything:
        return []
    mine = "v.owner_id = ANY(%(people)s)"
    return [f"({mine} OR v.status = 'WON')" if scope.won_only_everywhere else mine]
