"""The forecast page: a constant number of reads, whatever the size of the team."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.db.models import Max

from forecasting.domain.answer import Answer, answer
from forecasting.domain.board import Board, Fresh, StripFigure
from forecasting.domain.columns import Column, Subdivision, strip_columns, table_columns
from forecasting.domain.grid import QuotaFact, Sums, figure, sum_or_none, sums_by_node, total_of, value_of
from forecasting.domain.question import Question, TreeName, week_points
from forecasting.domain.table import Layer, TreeNode, places, rows_of
from forecasting.selectors.nodes import NotVisibleError, below, one_moment, path_to, reach, tree_nodes
from forecasting.selectors.quotas import quotas_at, quotas_over
from forecasting.selectors.valuation import Valuation, valuation
from opportunities.models import ImportBatch
from opportunities.selectors.processes import rule_book
from organization.domain.facts import PeriodFacts
from organization.domain.scope import Scope
from organization.selectors import ancestors_of, company, month_periods_of
from pipeline.domain.trees import NOBODY
from pipeline.selectors import freshness, node_cells, node_series, whole_cells, whole_series
from salesops.kernel.numbers import counted


def subdivisions(used: Sums) -> tuple[Subdivision, ...]:
    """The subcategories offered now, and retired ones that still hold deals, so that parts add up to the whole."""
    held = {subcategory for (_, subcategory), count in used.deals.items() if count}
    return tuple(
        Subdivision(s.id, s.category, s.name)
        for s in rule_book().subcategories.values()
        if s.is_active or s.id in held
    )


def all_subdivisions() -> tuple[Subdivision, ...]:
    """Every subcategory, retired ones too: an old link to a column stays good."""
    return tuple(Subdivision(s.id, s.category, s.name) for s in rule_book().subcategories.values())


def board(scope: Scope, question: Question, page: Question | None = None) -> Board:
    """The whole answer to a question, read at one moment; of a branch opened on a `page`, in the reach of the page."""
    with one_moment():
        return _Reading(reach(scope, page or question), question).board()


def _imported_at(instant: dt.datetime) -> dt.datetime | None:
    """When the CRM was last imported, as seen from an instant; imports taken back do not count."""
    done = ImportBatch.objects.filter(applied_at__lte=instant, undone_at__isnull=True)
    found: dt.datetime | None = done.aggregate(last=Max("applied_at"))["last"]
    return found


Course = list[tuple[Sums, Decimal | None]]
"""Sums and quota at each point of a sparkline, oldest first."""


class _Reading:
    """One reading of the page: what the parts share is read once."""

    def __init__(self, scope: Scope, question: Question) -> None:
        self.scope, self.question = scope, question
        self.months: list[PeriodFacts] = month_periods_of(question.period)
        self.nodes = tree_nodes(scope, question)
        self.inside = below(self.nodes, question.top)
        if question.top is not None and not self.inside:
            raise NotVisibleError
        ids = {node.id for node in self.inside}
        roots = [
            n
            for n in self.inside
            if n.id == question.top or (question.top is None and n.parent_id not in ids)
        ]
        self.roots = [node.id for node in roots]
        self.opened = self._opened(ids)
        self.shown = [n.id for n in self.inside if n.id in self.roots or n.parent_id in self.opened]
        self.money = self._valuation(question.instant)

    def _opened(self, ids: set[int]) -> set[int]:
        """The branches asked to be open; before anybody touched one, the only one at the top that is a branch."""
        asked = {node for key in self.question.opened if (node := counted(key)) is not None} & ids
        if self.question.top is not None:
            return asked | set(self.roots)
        parents = {node.parent_id for node in self.inside}
        branches = {root for root in self.roots if root in parents}
        return branches if not self.question.opened and len(branches) == 1 else asked

    def _kept(self, now: Layer, before: Layer) -> list[TreeNode]:
        """The nodes worth a row: who has left and has neither deals nor quota here is left out."""
        parents = {node.parent_id for node in self.inside}
        return [
            node
            for node in self.inside
            if node.is_active
            or node.id in parents
            or node.id == self.question.top
            or any(node.id in facts for facts in (now.nodes, before.nodes, now.quotas))
        ]

    def _valuation(self, instant: dt.datetime) -> Valuation:
        return valuation(self.question.currency, self.months, instant)

    @property
    def _where(self) -> dict[str, Any]:
        return {"month_ids": [m.id for m in self.months], "organization": self.question.lines}

    def _layer(self, at: dt.datetime | None, money: Valuation, facts: Mapping[int, QuotaFact]) -> Layer:
        tree, where = self.question.tree, self._where
        nodes = node_cells(self.scope, tree=tree.below, node_ids=self.shown, at=at, **where)
        own = node_cells(self.scope, tree=tree.own, node_ids=[*sorted(self.opened), NOBODY], at=at, **where)
        by_node, by_own = sums_by_node(nodes, money.factor), sums_by_node(own, money.factor)
        unassigned = by_own.pop(NOBODY, Sums()) if self.question.top is None else Sums()
        parts = [*(by_node.get(root, Sums()) for root in self.roots), unassigned]
        if self.question.top is None and at != self.question.at:
            # Whoever is at the top now was perhaps below somebody else then, or the other way round.
            cells = whole_cells(self.scope, month_ids=where["month_ids"], at=at)
            parts = list(sums_by_node(cells, money.factor).values())
        return Layer(by_node, by_own, unassigned, total_of(parts), facts, _together(facts, self.roots))

    def board(self) -> Board:
        """Everything the page shows."""
        q = self.question
        weeks = week_points(q.instant, company().zone, q.period)
        then = self._valuation(q.since)
        instants = [*((at, self.money) for at in (*weeks, q.at)), (q.since, then)]
        *course, quotas, quotas_before = quotas_over(self.scope, q, self.shown, instants)
        now = self._layer(q.at, self.money, quotas)
        before = self._layer(q.since, then, quotas_before)
        won_only, parts = self.scope.reads_won_only, subdivisions(now.all)
        columns = table_columns(
            rollup=q.rollup, opened=q.split, extra=q.extra, subdivisions=parts, won_only=won_only,
            with_quota=q.with_quota,
        )  # fmt: skip
        shown = places(
            self._kept(now, before),
            top=q.top,
            opened=frozenset(str(node) for node in self.opened),
            with_own=[node for node, sums in now.own.items() if sums.deals],
            has_unassigned=bool(now.unassigned.deals or before.unassigned.deals),
        )
        return Board(
            question=q,
            title=self.inside[0].name if q.top is not None else "",
            path=path_to(self.nodes, q.top),
            columns=columns,
            rows=tuple(rows_of(shown, columns, now, before)),
            strip=self._strip(
                strip_columns(won_only, q.with_quota), now, before, self._course(now, weeks, course)
            ),
            answer=self._answer(now, before, won_only),
            quota=now.quota_of_all,
            subdivisions=parts,
            fresh=Fresh(q.instant, freshness().last_change_at, _imported_at(q.instant)),
            won_only=won_only,
            people=self._people(),
            unvalued=tuple(sorted(self.money.missing)),
            quota_in=self._larger_with_quota() if now.quota_of_all.amount is None else "",
        )

    def _larger_with_quota(self) -> str:
        """The smallest longer period whose quota is set where this one's is not; "" for none."""
        if not self.question.with_quota:
            return ""
        for longer in reversed(ancestors_of(self.question.period)):
            asked = replace(self.question, period=longer)
            facts = quotas_at(self.scope, asked, self.roots, self.question.at, self.money)
            if any(fact.amount is not None for fact in facts.values()):
                return longer.name
        return ""

    def _answer(self, now: Layer, before: Layer, won_only: bool) -> Answer:
        q = self.question
        return answer(
            now.all,
            now.quota_of_all.amount,
            today=company().date_of(q.instant),
            from_date=q.period.from_date,
            to_date=q.period.to_date,
            before=before.all,
            won_only=won_only,
        )

    def _strip(
        self, columns: tuple[Column, ...], now: Layer, before: Layer, course: Course
    ) -> tuple[StripFigure, ...]:
        return tuple(
            StripFigure(
                figure(column, now.all, now.quota_of_all.amount, before.all, before.quota_of_all.amount),
                tuple(value_of(column, sums, quota) for sums, quota in course)
                if column.name != "quota"
                else (),
            )
            for column in columns
        )

    def _course(
        self, now: Layer, instants: Sequence[dt.datetime], quotas: Sequence[Mapping[int, QuotaFact]]
    ) -> Course:
        """The total and the quota week by week, at the rates of the instant looked at."""
        q, months = self.question, self._where["month_ids"]
        if q.top is None:
            cells = whole_series(self.scope, instants=instants, month_ids=months)
        else:
            cells = node_series(
                self.scope, tree=q.tree.below, node_ids=self.roots, instants=instants, **self._where
            )
        weeks = [sums_by_node(cells.get(at, []), self.money.factor).values() for at in instants]
        course = [
            (total_of(week), _together(facts, self.roots).amount)
            for week, facts in zip(weeks, quotas, strict=True)
        ]
        return [*course, (now.all, now.quota_of_all.amount)]

    def _people(self) -> frozenset[int] | None:
        if self.question.tree is TreeName.PEOPLE and self.question.top is not None:
            return frozenset(node.id for node in self.inside)
        sees_all = self.scope.everything or self.scope.won_only_everywhere
        return None if sees_all else self.scope.person_ids


def _together(facts: Mapping[int, QuotaFact], roots: Sequence[int]) -> QuotaFact:
    """The quota of several roots together; of one root its own fact, with its assignment."""
    if len(roots) == 1:
        return facts.get(roots[0], QuotaFact())
    return QuotaFact(sum_or_none(facts[root].amount for root in roots if root in facts))
