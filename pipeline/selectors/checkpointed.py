# ruff: noqa: S608 - every piece of SQL is a constant; values are parameters
"""The past of many leaves: the checkpoint before it plus the ledger since, instead of every version that was valid.

A short subtree is read faster from the versions, whose index begins with the owner; so is whatever asks for deals
without a close date, which the ledger's index by day cannot find. `bases_for` decides; both ways give the same cells.

Of several instants each is read from the checkpoint before it: a course of weeks whose points are checkpoints needs no
ledger at all.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection

from organization.domain.facts import ReportingLines
from organization.domain.scope import Scope
from organization.selectors.memo import remembered
from pipeline.domain.cells import Cell
from pipeline.domain.trees import NOBODY, Tree
from pipeline.selectors.ground import company_facts
from pipeline.selectors.history import is_dated, line_days, member_table

MANY = 200
"""People from whose number on the ledger is read instead of the versions."""
LATE = 100_000
"""Ledger rows after the watermark that a reader would still add; with more, the versions are read."""
_LEAF = {
    Tree.PEOPLE: (2, "owner_id"),
    Tree.OWN: (2, "owner_id"),
    Tree.TERRITORY: (5, "territory_id"),
    Tree.TERRITORY_OWN: (5, "territory_id"),
    Tree.FAMILY: (6, "product_id"),
    Tree.FAMILY_OWN: (6, "product_id"),
}
LEAVES = """CROSS JOIN LATERAL (VALUES (2, coalesce(l.owner_id, 0)), (5, coalesce(l.territory_id, 0)),
                                      (6, coalesce(l.product_id, 0))) m(tree, member_id)"""
"""A ledger row `l` at each of its leaves: owner, territory, product."""
_PEOPLE = frozenset({Tree.PEOPLE, Tree.OWN})
DATED_SPANS = """
spans(node_id, member, from_step, to_step) AS (
  SELECT node_id, member, min(position), max(position)
  FROM (SELECT s.node_id, s.member, m.position,
               m.position - row_number() OVER (PARTITION BY s.node_id, s.member ORDER BY m.position) AS island
        FROM members s JOIN moment m ON m.day = s.day) x
  GROUP BY node_id, member, island
)"""
SPANS = """
spans(node_id, member, from_step, to_step) AS (
  SELECT node_id, member, 1, cardinality(%(edges)s::timestamptz[]) FROM members
)"""


@dataclass(frozen=True, slots=True)
class Base:
    """The checkpoint a reader starts from, as it was chosen."""

    id: int
    at: dt.datetime
    watermark: int
    late: int = 0
    """Ledger rows written after the watermark when it was chosen."""


def bases_for(
    scope: Scope,
    tree: Tree,
    nodes: Sequence[int],
    month_ids: Sequence[int] | None,
    instants: Sequence[dt.datetime],
) -> list[Base] | None:
    """For each instant the latest checkpoint not after it, if reading from them is right for this viewer and cheaper;
    else None.

    Within a request the checkpoints are read once for all instants and trees.
    """
    reads_nodes = scope.everything or scope.won_only_everywhere or tree in _PEOPLE
    if not month_ids or NOBODY in month_ids or not reads_nodes:
        return None
    if tree in _PEOPLE and len(nodes) < MANY and (tree is Tree.OWN or _people_below(nodes) < MANY):
        return None
    kept = _checkpoints(company_facts().calendar_id)
    places = [bisect_right(kept, at, key=lambda base: base.at) for at in instants]
    if not all(places) or sum(kept[place - 1].late for place in set(places)) > LATE:
        return None
    return [kept[place - 1] for place in places]


def _people_below(nodes: Sequence[int]) -> int:
    """How many people the nodes hold, whoever is below several of them counted with each."""
    wanted = tuple(sorted(nodes))
    sql = "SELECT count(*) FROM organization_personclosure WHERE ancestor_id = ANY(%s)"
    count: int = remembered(("pipeline.people_below", wanted), lambda: _rows(sql, [list(wanted)])[0][0])
    return count


def _checkpoints(calendar_id: int) -> list[Base]:
    """Every checkpoint of a calendar, the earliest first, as they are at this moment."""
    sql = """
        SELECT c.id, c.at, c.watermark, (SELECT last_value FROM pipeline_rollupledger_id_seq) - c.watermark
        FROM pipeline_rollupcheckpoint c WHERE c.calendar_id = %s ORDER BY c.at"""
    return remembered(
        ("pipeline.checkpoints", calendar_id), lambda: [Base(*row) for row in _rows(sql, [calendar_id])]
    )


def _rows(sql: str, values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def cells_from(
    bases: Sequence[Base],
    scope: Scope,
    tree: Tree,
    nodes: Sequence[int],
    month_ids: Sequence[int],
    instants: Sequence[dt.datetime],
    organization: ReportingLines,
) -> dict[dt.datetime, list[Cell]] | None:
    """The cells of nodes at each instant, in one statement, from the bases chosen for them; None when a checkpoint is
    no longer as it was chosen.
    """
    base_of = dict(zip(instants, bases, strict=True))
    facts, ordered = company_facts(), sorted(base_of)
    chosen = list(dict.fromkeys(base_of[at] for at in ordered))
    values: dict[str, Any] = {
        "nodes": [node for node in nodes if node != NOBODY],
        "months": list(month_ids),
        "calendar": facts.calendar_id,
        "instants": ordered,
        "days": line_days(facts, organization, ordered),
        "edges": ordered,
        "people": sorted(scope.person_ids),
        "bases": [base.id for base in chosen],
        "watermarks": [base.watermark for base in chosen],
        "leaf": _LEAF[tree][0],
    }
    for place, base in enumerate(chosen):
        steps = [step for step, at in enumerate(ordered, start=1) if base_of[at] is base]
        values |= {
            f"base_{place}": base.id, f"at_{place}": base.at, f"watermark_{place}": base.watermark,
            f"first_{place}": steps[0], f"last_{place}": steps[-1], f"until_{place}": ordered[steps[-1] - 1],
        }  # fmt: skip
    sources = " UNION ALL ".join(_sources(tree, place) for place in range(len(chosen)))
    sql = _sql(scope, tree, organization, sources, several=len(ordered) > 1, nobody=NOBODY in nodes)
    rows = _rows(sql, values)
    if not rows or rows[0][0] != 0:
        return None
    return running(ordered, rows[1:])


def _sql(
    scope: Scope, tree: Tree, organization: ReportingLines, sources: str, *, several: bool, nobody: bool
) -> str:
    """Step 0 is one row that says the checkpoints are still those chosen; the others are what comes and goes."""
    tables = member_table(tree, dated=True, organization=organization)
    members, where = _members(tree, nobody=nobody, several=several), f"WHERE {_visible(scope, tree)}"
    if several:
        spans = DATED_SPANS if is_dated(tree, organization) else SPANS
        tables = f"{tables}, {spans}, {_lives(sources, members, where)}"
        changes = _COME_AND_GO
    else:
        changes = _standing(sources, members, where)
    return f"""WITH RECURSIVE {tables}
        SELECT 0 AS step, 0, 0, '', 0, '', 0, 0, 0, 0 FROM pipeline_rollupcheckpoint c
        JOIN unnest(%(bases)s::bigint[], %(watermarks)s::bigint[]) b(id, watermark) USING (id, watermark)
        HAVING count(*) = cardinality(%(bases)s::bigint[])
        UNION ALL {changes}
        ORDER BY 1"""


def _standing(sources: str, members: str, where: str) -> str:
    """At one instant there is nothing to come or go."""
    return f"""
        SELECT 1, s.node_id, x.month_id, x.category, x.subcategory_id, x.currency, sum(x.deals)::bigint,
               sum(x.unpriced)::bigint, sum(x.amount), sum(x.weighted)
        FROM ({sources}) x JOIN ({members}) s ON s.member = x.member {where}
        GROUP BY 2, 3, 4, 5, 6"""


def _lives(sources: str, members: str, where: str) -> str:
    """From which step to which each sum counts under a node."""
    return f"""
        lives AS (
          SELECT greatest(x.step, s.from_step) AS born, least(x.to_step, s.to_step) AS gone, s.node_id, x.month_id,
                 x.category, x.subcategory_id, x.currency, sum(x.deals) AS deals, sum(x.unpriced) AS unpriced,
                 sum(x.amount) AS amount, sum(x.weighted) AS weighted
          FROM ({sources}) x
          JOIN ({members}) s ON s.member = x.member AND s.to_step >= x.step AND s.from_step <= x.to_step
          {where}
          GROUP BY 1, 2, 3, 4, 5, 6, 7
        )"""


_COME_AND_GO = """
        SELECT step, node_id, month_id, category, subcategory_id, currency, sum(sign * deals)::bigint,
               sum(sign * unpriced)::bigint, sum(sign * amount), sum(sign * weighted)
        FROM (SELECT born AS step, 1 AS sign, * FROM lives
              UNION ALL SELECT gone + 1, -1, * FROM lives WHERE gone < cardinality(%(edges)s::timestamptz[])) y
        GROUP BY 1, 2, 3, 4, 5, 6"""


def _sources(tree: Tree, place: int) -> str:
    """For the steps read from one checkpoint: its cells, the ledger since, and what was written after it but dated
    before it.
    """
    member = f"coalesce(l.{_LEAF[tree][1]}, 0)"
    sums = "l.category, l.subcategory_id, l.currency, l.deals, l.unpriced, l.amount, l.weighted"
    step = "width_bucket(l.at - interval '1 microsecond', %(edges)s::timestamptz[]) + 1"
    ledger = "FROM organization_fiscalday f JOIN pipeline_rollupledger l ON l.close_date = f.day"
    months = "f.calendar_id = %(calendar)s AND f.month_id = ANY(%(months)s)"
    first, last = f"%(first_{place})s", f"%(last_{place})s AS to_step"
    return f"""
        SELECT {first} AS step, {last}, l.member_id AS member, l.month_id, {sums} FROM pipeline_rollupcheckpointcell l
        WHERE l.checkpoint_id = %(base_{place})s AND l.tree = %(leaf)s AND l.month_id = ANY(%(months)s)
        UNION ALL
        SELECT {step}, {last}, {member}, f.month_id, {sums} {ledger}
        WHERE {months} AND l.at > %(at_{place})s AND l.at <= %(until_{place})s
        UNION ALL
        SELECT {first}, {last}, {member}, f.month_id, {sums} {ledger}
        WHERE {months} AND l.id > %(watermark_{place})s AND l.at <= %(at_{place})s"""


def _members(tree: Tree, *, nobody: bool, several: bool) -> str:
    """Who belongs to which node, and during which steps where there are several; node 0 has the deals without owner,
    territory or family.
    """
    always = ", 1 AS from_step, cardinality(%(edges)s::timestamptz[]) AS to_step" if several else ""
    own = "node_id, member, from_step, to_step FROM spans" if several else "node_id, member FROM members"
    parts = [f"SELECT {own}"]
    if nobody:
        parts.append(f"SELECT 0, 0{always}")
        if tree in {Tree.FAMILY, Tree.FAMILY_OWN}:
            parts.append(f"SELECT 0, p.id{always} FROM opportunities_product p WHERE p.family_id IS NULL")
    return " UNION ALL ".join(parts)


def _visible(scope: Scope, tree: Tree) -> str:
    """As `history.visible_conditions`: a deal is in category Won exactly when it is won. Of a node that holds deals of
    several people, who reads everybody's won deals gets no others.
    """
    if scope.everything:
        return "true"
    won = "x.category = 'WON'"
    if tree not in _PEOPLE:
        return won
    mine = "x.member = ANY(%(people)s)"
    return f"({mine} OR {won})" if scope.won_only_everywhere else mine


def running(
    instants: Sequence[dt.datetime], rows: Sequence[tuple[Any, ...]]
) -> dict[dt.datetime, list[Cell]]:
    """From what comes and goes at each step to what stands at it."""
    steps: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        steps[row[0]].append(row[1:])
    standing: dict[tuple[Any, ...], list[Any]] = defaultdict(lambda: [0, 0, Decimal(0), Decimal(0)])
    found = {}
    for step, at in enumerate(instants, start=1):
        for change in steps[step]:
            sums = standing[change[:5]]
            for index, value in enumerate(change[5:]):
                sums[index] += value
        found[at] = [Cell(*key, *sums) for key, sums in sorted(standing.items()) if sums[0]]
    return found
