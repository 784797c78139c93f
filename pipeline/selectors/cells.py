# ruff: noqa: S608 - every piece of SQL is a constant; values are parameters
"""Roll-up cells of nodes: now from folded nodes plus the queue, at a past instant from checkpoints and ledger
or from the history.

Who may see what: a person's node, whoever sees that person (with the people below only for a manager by role);
nodes of territories, families and node 0, whoever sees every deal. Finance sees the won cells of everything.
Anybody else asking for a territory or family gets the sums of the deals they may see, straight from the deals.
Nodes that are not visible at all answer with no cells.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

from opportunities.models import ProductFamily
from opportunities.selectors.kept_sums import KeptSum
from organization.domain.facts import ReportingLines
from organization.domain.roles import Role
from organization.domain.scope import Scope
from organization.selectors.memo import remembered
from pipeline.domain.cells import Cell, Freshness
from pipeline.domain.trees import NOBODY, Tree
from pipeline.selectors.checkpointed import bases_for, cells_from
from pipeline.selectors.history import is_earlier, past_cells
from pipeline.selectors.series import cells_over_time
from salesops.wall import context as wall

Instant = dt.datetime | None

FEW = 2
"""Up to so many instants are asked for one by one; more by one scan."""
_COLUMNS = "month_id, category, subcategory_id, currency, deals, unpriced, amount, weighted"
_CLOSURES = {
    Tree.PEOPLE: ("organization_personclosure", "owner_id"),
    Tree.TERRITORY: ("organization_territoryclosure", "territory_id"),
    Tree.FAMILY: ("opportunities_productfamilyclosure", "family_id"),
}
_OWN_COLUMNS = {Tree.OWN: "owner_id", Tree.TERRITORY_OWN: "territory_id", Tree.FAMILY_OWN: "family_id"}
PEOPLE_TREES = frozenset({Tree.PEOPLE, Tree.OWN})


def node_cells(
    scope: Scope,
    *,
    tree: Tree,
    node_ids: Sequence[int],
    month_ids: Sequence[int] | None = None,
    at: Instant = None,
    organization: ReportingLines = "THEN",
) -> list[Cell]:
    """The cells of these nodes (all months, or those given; month 0 = no close date), in the deals' own
    currencies.

    Without `at`, nodes and queue are added in one statement: exact at this moment. With `at`, what was true
    then as known now; people roll up by the reporting lines of that day, with `organization="TODAY"` by
    today's, with a date by those of the earlier of both days. A viewer of a part of the organisation sees past
    sums of the people visible today.
    """
    nodes, won_only = visible_nodes(scope, tree, node_ids)
    if not nodes:
        return []
    if at is not None:
        cells = _past(scope, tree, nodes, month_ids, [at], organization)[at]
    else:
        earlier = tree is Tree.PEOPLE and is_earlier(organization)
        summed = [node for node in nodes if not earlier and (node in won_only or _reads_whole(scope, tree))]
        counted = [node for node in nodes if node not in summed]
        cells = _current(tree, summed, month_ids) if summed else []
        if counted:
            cells += past_cells(scope, tree, counted, month_ids, [None], organization)[None]
    return [cell for cell in cells if cell.category == "WON" or cell.node_id not in won_only]


def _reads_whole(scope: Scope, tree: Tree) -> bool:
    """Whether every deal of a node the viewer sees is theirs to see, so that its roll-up may be read as it is: of the
    people below, a manager by role; somebody else who has reports only the own ones.
    """
    return scope.everything or tree is Tree.OWN or (tree is Tree.PEOPLE and Role.MANAGER in scope.roles)


def node_series(
    scope: Scope,
    *,
    tree: Tree,
    node_ids: Sequence[int],
    instants: Sequence[dt.datetime],
    month_ids: Sequence[int] | None = None,
    organization: ReportingLines = "THEN",
) -> dict[dt.datetime, list[Cell]]:
    """The cells of these nodes at each of several instants, in one read: for trends, pacing and sparklines."""
    nodes, won_only = visible_nodes(scope, tree, node_ids)
    if not nodes or not instants:
        return {at: [] for at in instants}
    found = _past(scope, tree, nodes, month_ids, instants, organization)
    return {
        at: [cell for cell in cells if cell.category == "WON" or cell.node_id not in won_only]
        for at, cells in found.items()
        if at is not None
    }


def whole_cells(scope: Scope, *, month_ids: Sequence[int] | None = None, at: Instant = None) -> list[Cell]:
    """The cells of all deals the viewer sees together, at nodes of no concern: to be added up."""
    return node_cells(scope, tree=Tree.FAMILY, node_ids=_everything(), month_ids=month_ids, at=at)


def whole_series(
    scope: Scope, *, instants: Sequence[dt.datetime], month_ids: Sequence[int] | None = None
) -> dict[dt.datetime, list[Cell]]:
    """The same at each of several instants."""
    return node_series(
        scope, tree=Tree.FAMILY, node_ids=_everything(), instants=instants, month_ids=month_ids
    )


def kept_sums(scope: Scope, person_id: int | None, month_ids: Sequence[int] | None) -> list[KeptSum] | None:
    """For lists of deals: what is summed up already of a person with everybody below, or of everything."""
    if person_id is None:
        if not scope.everything:
            return None
        cells = whole_cells(scope, month_ids=month_ids)
    elif _reads_whole(scope, Tree.PEOPLE) and scope.sees_person(person_id):
        cells = node_cells(scope, tree=Tree.PEOPLE, node_ids=[person_id], month_ids=month_ids)
    else:
        return None
    return [cell[1:] for cell in cells]


def _everything() -> list[int]:
    """Nodes that hold every deal once. Families, because they are few where people are many, and because whoever
    reports to whom at which time plays no part.
    """
    tops = ProductFamily.objects.filter(parent=None).order_by("id").values_list("id", flat=True)
    return [NOBODY, *remembered("pipeline.top_families", lambda: list(tops))]


def _past(
    scope: Scope,
    tree: Tree,
    nodes: list[int],
    month_ids: Sequence[int] | None,
    instants: Sequence[dt.datetime],
    organization: ReportingLines,
) -> Mapping[Any, list[Cell]]:
    """From a checkpoint and the ledger since where that is cheaper, else from the versions: the same cells."""
    bases = bases_for(scope, tree, nodes, month_ids, instants)
    if bases is not None and month_ids:
        found = cells_from(bases, scope, tree, nodes, month_ids, instants, organization)
        if found is not None:
            return found
    if len(instants) > FEW:
        return cells_over_time(scope, tree, nodes, month_ids, instants, organization)
    return past_cells(scope, tree, nodes, month_ids, list(instants), organization)


def visible_nodes(scope: Scope, tree: Tree, node_ids: Sequence[int]) -> tuple[list[int], frozenset[int]]:
    """Of these nodes, those the viewer may see, and which of them only as far as won."""
    wanted = list(dict.fromkeys(node_ids))
    if scope.everything:
        return wanted, frozenset()
    if tree in PEOPLE_TREES:
        seen = [node for node in wanted if node in scope.person_ids]
    else:
        seen = [] if scope.won_only_everywhere else wanted
    if scope.won_only_everywhere:
        return wanted, frozenset(wanted) - frozenset(seen)
    return seen, frozenset()


def _current(tree: Tree, nodes: list[int], month_ids: Sequence[int] | None) -> list[Cell]:
    months = "" if month_ids is None else "AND month_id = ANY(%(months)s)"
    if tree in _OWN_COLUMNS:
        column = f"coalesce({_OWN_COLUMNS[tree]}, 0)"
        queued = (
            f"SELECT {column}, {_COLUMNS} FROM pipeline_rollupqueue WHERE {column} = ANY(%(nodes)s) {months}"
        )
    else:
        closure, column = _CLOSURES[tree]
        queued = (
            f"SELECT c.ancestor_id, {_COLUMNS} FROM pipeline_rollupqueue q JOIN {closure} c "
            f"ON c.descendant_id = q.{column} WHERE c.ancestor_id = ANY(%(nodes)s) {months}"
        )
        if NOBODY in nodes:
            queued += (
                f" UNION ALL SELECT 0, {_COLUMNS} FROM pipeline_rollupqueue WHERE {column} IS NULL {months}"
            )
    sql = f"""
        SELECT node_id, month_id, category, subcategory_id, currency, sum(deals)::bigint, sum(unpriced)::bigint,
               sum(amount), sum(weighted)
        FROM (
          SELECT node_id, {_COLUMNS} FROM pipeline_rollupnode
          WHERE tree = %(tree)s AND node_id = ANY(%(nodes)s) {months}
          UNION ALL {queued}
        ) x
        GROUP BY 1, 2, 3, 4, 5
        HAVING sum(deals) <> 0 OR sum(amount) <> 0 OR sum(weighted) <> 0
        ORDER BY 1, 2, 3, 4, 5"""
    values = {"tree": int(tree), "nodes": nodes, "months": list(month_ids or [])}
    return [Cell(*row) for row in _rows(sql, values)]


def _rows(sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


@wall.system("how long changes wait, not what they are")
def freshness() -> Freshness:
    """How current the roll-ups are, and when a deal last changed."""
    sql = """
        SELECT (SELECT count(*) FROM pipeline_rollupqueue), (SELECT min(queued_at) FROM pipeline_rollupqueue),
               s.folded_at, s.rebuilt_at, s.reconciled_at, coalesce(s.differences, 0),
               (SELECT max(at) FROM opportunities_changeset WHERE id = (SELECT max(id) FROM opportunities_changeset))
        FROM (SELECT 1) one LEFT JOIN pipeline_rollupstate s ON s.id = 1"""
    return Freshness(*_rows(sql, {})[0])
