# ruff: noqa: S608 - every piece of SQL is a constant; values are parameters
"""Cells at many instants from one scan of the versions: each version is added where it begins and taken off where it
ends, and running sums give the instants between. Thirteen weeks cost little more than one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import connection

from organization.domain.facts import ReportingLines
from organization.domain.scope import Scope
from pipeline.domain.cells import Cell
from pipeline.domain.trees import NOBODY, Tree
from pipeline.selectors.checkpointed import DATED_SPANS, SPANS, running
from pipeline.selectors.ground import company_facts
from pipeline.selectors.history import (
    FAR,
    is_dated,
    lacking,
    line_days,
    member_column,
    member_table,
    month_bounds,
    month_conditions,
    month_join,
    visible_conditions,
)

Instants = Sequence[dt.datetime]


def cells_over_time(
    scope: Scope,
    tree: Tree,
    nodes: list[int],
    month_ids: Sequence[int] | None,
    instants: Instants,
    organization: ReportingLines,
) -> dict[dt.datetime, list[Cell]]:
    """The cells of nodes at each instant. Somebody who moves counts under each manager for the steps spent there."""
    facts, ordered = company_facts(), sorted(set(instants))
    values: dict[str, Any] = {
        "nodes": [node for node in nodes if node != NOBODY],
        "months": list(month_ids or []),
        "calendar": facts.calendar_id,
        "instants": ordered,
        "days": line_days(facts, organization, ordered),
        "edges": ordered,
        "first": ordered[0],
        "last": ordered[-1],
        "people": sorted(scope.person_ids),
    }
    parts = [_lives(scope, tree, month_ids, nobody=False)] if values["nodes"] else []
    if NOBODY in nodes:
        parts.append(_lives(scope, tree, month_ids, nobody=True))
    tables = member_table(tree, dated=True, organization=organization)
    spans = DATED_SPANS if is_dated(tree, organization) else SPANS
    sql = f"""WITH RECURSIVE {tables}, {spans}, lives AS ({" UNION ALL ".join(parts)})
        SELECT step, node_id, month_id, category, subcategory_id, currency_id, sum(sign * deals)::bigint,
               sum(sign * unpriced)::bigint, sum(sign * amount), sum(sign * weighted)
        FROM (SELECT born AS step, 1 AS sign, * FROM lives
              UNION ALL SELECT gone + 1, -1, * FROM lives WHERE gone < cardinality(%(edges)s::timestamptz[])) x
        GROUP BY 1, 2, 3, 4, 5, 6"""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows = cursor.fetchall()
    return running(ordered, rows)


def _lives(scope: Scope, tree: Tree, month_ids: Sequence[int] | None, *, nobody: bool) -> str:
    """Sums of versions that count from step `born` to step `gone`, both included, under a node."""
    before = "interval '1 microsecond'"
    born = f"width_bucket(v.valid_from - {before}, %(edges)s::timestamptz[]) + 1"
    gone = f"width_bucket(least(v.valid_to, %(last)s + {before}) - {before}, %(edges)s::timestamptz[])"
    source, node, own = "{table} v", "0::bigint", [lacking(tree)]
    if not nobody:
        born, gone = f"greatest({born}, s.from_step)", f"least({gone}, s.to_step)"
        source, node, own = f"spans s JOIN {{table}} v ON v.{member_column(tree)} = s.member", "s.node_id", []
    months, month = month_join(month_ids)
    conditions = [
        "NOT v.is_deleted", f"v.superseded_at = {FAR}", "v.valid_from <= %(last)s", "v.valid_to > %(first)s",
        f"{born} <= {gone}", *own, *month_conditions(month_ids), *month_bounds(month_ids, scope),
        *visible_conditions(scope),
    ]  # fmt: skip
    return f"""
        SELECT {born} AS born, {gone} AS gone, {node} AS node_id, {month} AS month_id, v.category,
               coalesce(v.subcategory_id, 0) AS subcategory_id, v.currency_id, count(*) AS deals,
               count(*) FILTER (WHERE v.amount IS NULL) AS unpriced, coalesce(sum(v.amount), 0) AS amount,
               coalesce(sum(v.amount * v.probability * 0.01), 0) AS weighted
        FROM {source.replace("{table}", "opportunities_opportunityversion")} {months}
        WHERE {" AND ".join(conditions)}
        GROUP BY 1, 2, 3, 4, 5, 6, 7"""
