"""What is behind one figure: the deals that add up to it, or the figures it is worked out from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from forecasting.domain.columns import COMMIT, PIPELINE, QUOTA, UPSIDE, WON, WON_ONLY, Column
from forecasting.domain.grid import Figure, QuotaFact, Sums, figure, sums_by_node, total_of
from forecasting.domain.question import Question, TreeName
from forecasting.domain.table import Kind, Place, TreeNode
from forecasting.selectors.moved import part_of
from forecasting.selectors.nodes import NotVisibleError, one_moment, reach, tree_nodes
from forecasting.selectors.quotas import quotas_at
from forecasting.selectors.valuation import valuation
from opportunities.domain.listing import DealPage, DealQuery, DealRow
from opportunities.selectors.hygiene import typical_days
from opportunities.selectors.listing import deals
from organization.domain.scope import Scope
from organization.selectors import company, month_periods_of, periods
from pipeline.domain.trees import NOBODY, Tree
from pipeline.selectors import node_cells
from pipeline.selectors.waterfall import Part
from salesops.kernel.money import exact_product, exact_sum

COMPONENTS = {
    "gap": (QUOTA, WON, COMMIT),
    "gap_to_quota": (QUOTA, WON),
    "attainment": (WON, QUOTA),
    "coverage": (COMMIT, UPSIDE, PIPELINE, QUOTA, WON),
}
"""The figures a derived one is worked out from, in the order of its formula."""


@dataclass(frozen=True)
class ValuedDeal:
    """A deal, its worth in the reporting currency (None: no amount, or no rate), and the rate (None: none)."""

    row: DealRow
    value: Decimal | None
    rate: Decimal | None


@dataclass(frozen=True)
class Drill:
    """One figure opened.

    `total` is what the deals add up to, counted from the deals, not from roll-ups: it equals the figure exactly.
    """

    place: Place
    column: Column
    figure: Figure
    deals: tuple[ValuedDeal, ...] = ()
    page: DealPage | None = None
    total: Decimal | None = None
    parts: tuple[Figure, ...] = ()
    quota: QuotaFact = field(default_factory=QuotaFact)
    carried: tuple[tuple[TreeNode, QuotaFact], ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether the deals add up to the figure."""
        return self.total is None or self.total == self.figure.value


def drill(scope: Scope, question: Question, column: Column, key: str, page: int = 1, size: int = 50) -> Drill:
    """Opens a figure; `size` 0 brings every deal. Raises `NotVisibleError` for a node or column that is hidden."""
    scope = reach(scope, question)
    if scope.reads_won_only and column.name not in WON_ONLY:
        raise NotVisibleError
    typical_days(
        question.at
    )  # remembered for the request: its cache must not be written inside the snapshot below
    with one_moment():
        return _Opening(scope, question, column, key).drill(page, size)


def place_of(scope: Scope, question: Question, key: str) -> Place:
    """The row a key stands for, with its name. Raises `NotVisibleError`."""
    return _place(part_of(scope, question, key), tree_nodes(scope, question), key)


def _place(part: Part, nodes: Sequence[TreeNode], key: str) -> Place:
    if part.node_id is None:
        return Place(key or "all", Kind.ALL)
    node = next((n for n in nodes if n.id == part.node_id), None)
    if node is None:
        return Place("none", Kind.UNASSIGNED)
    return Place(key or str(node.id), Kind.OWN if part.own else Kind.NODE, node.id, node.name, node.note)


class _Opening:
    """One figure being opened."""

    def __init__(self, scope: Scope, question: Question, column: Column, key: str) -> None:
        self.scope, self.question, self.column = scope, question, column
        self.part = part_of(scope, question, key)
        self.nodes = tree_nodes(scope, question)
        self.place = _place(self.part, self.nodes, key)
        self.money = valuation(question.currency, periods("MONTH"), question.instant)

    def _sums(self) -> Sums:
        tree = self.question.tree.own if self.part.own else self.question.tree.below
        if self.part.node_id is not None:
            return total_of(self._read(tree, [self.part.node_id]).values())
        roots = [node.id for node in self.nodes if node.parent_id is None]
        nobody = self._read(self.question.tree.own, [NOBODY])
        return total_of([*self._read(tree, roots).values(), *nobody.values()])

    def _read(self, tree: Tree, nodes: Sequence[int]) -> dict[int, Sums]:
        question = self.question
        months = [month.id for month in month_periods_of(question.period)]
        cells = node_cells(
            self.scope,
            tree=tree,
            node_ids=nodes,
            month_ids=months,
            at=question.at,
            organization=question.lines,
        )
        return sums_by_node(cells, self.money.factor)

    def _quotas(self) -> tuple[QuotaFact, tuple[tuple[TreeNode, QuotaFact], ...]]:
        """The node's quota, and those it is made of: its reports', or the roots'."""
        node_id = self.part.node_id
        if self.part.own or node_id == NOBODY:
            return QuotaFact(), ()
        below = [node for node in self.nodes if node.parent_id == node_id]
        wanted = [node.id for node in below] + ([node_id] if node_id else [])
        facts = quotas_at(self.scope, self.question, wanted, self.question.at, self.money)
        carried = tuple((node, facts[node.id]) for node in below if node.id in facts)
        if node_id is None:
            stated = [fact.amount for _, fact in carried if fact.amount is not None]
            return QuotaFact(exact_sum(stated) if stated else None), carried
        return facts.get(node_id, QuotaFact()), carried

    def drill(self, page: int, size: int) -> Drill:
        sums, (quota, carried) = self._sums(), self._quotas()
        found = figure(self.column, sums, quota.amount)
        if self.column.name == "quota":
            return Drill(self.place, self.column, found, quota=quota, carried=carried)
        if not self.column.is_deals:
            parts = tuple(figure(part, sums, quota.amount) for part in COMPONENTS.get(self.column.name, ()))
            return Drill(self.place, self.column, found, parts=parts, quota=quota)
        listed = deals(self.scope, self._query(page, size), self.question.at)
        rows = tuple(ValuedDeal(row, self._value(row), self._rate(row)) for row in listed.rows)
        return Drill(self.place, self.column, found, rows, listed, self._total(listed))

    def _query(self, page: int, size: int) -> DealQuery:
        question, part = self.question, self.part
        node = {
            TreeName.PEOPLE: "node_id",
            TreeName.TERRITORIES: "territory_id",
            TreeName.FAMILIES: "family_id",
        }
        where = {} if part.node_id is None else {node[question.tree]: part.node_id}
        subcategory = self.column.subcategory_id
        return DealQuery(
            **where,  # type: ignore[arg-type]
            exact_node=part.own,
            organization=question.lines,
            close_from=question.period.from_date,
            close_to=question.period.to_date,
            categories=tuple(sorted(self.column.categories)),
            subcategory_ids=() if subcategory is None else (subcategory,),
            order="-amount",
            worth=self.money.worth(month_periods_of(question.period)),
            page=page,
            size=size,
        )

    def _value(self, row: DealRow) -> Decimal | None:
        rate = self._rate(row)
        return None if row.amount is None or rate is None else exact_product(row.amount, rate)

    def _rate(self, row: DealRow) -> Decimal | None:
        factor = self.money.factor_on(row.currency, row.close_date)
        return factor if row.currency not in self.money.missing else None

    def _total(self, listed: DealPage) -> Decimal:
        if self.question.currency == company().corporate_currency:
            return listed.converted
        everything = deals(self.scope, self._query(1, 0), self.question.at) if listed.pages > 1 else listed
        return exact_sum([self._value(row) or Decimal(0) for row in everything.rows])
