"""The columns of the forecast, as data: what each adds up, and which definition of the metric registry it shows.

Roll-up membership is data. *Single*: each category stands alone. *Cumulative*: Commit and Upside hold their category
and every more certain one, so Commit reads "what we have if all of Commit comes in"; Pipeline is then the open
pipeline, what is still to be won, and may be less than Upside, which holds won deals too. Figures derived from
columns (commit forecast, gap, attainment, coverage) never depend on that choice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from opportunities.domain.deal import Category


class Unit(StrEnum):
    """How a figure is written."""

    MONEY = "MONEY"
    RATIO = "RATIO"
    MULTIPLE = "MULTIPLE"


class Rollup(StrEnum):
    """How category columns add up."""

    SINGLE = "single"
    CUMULATIVE = "cumulative"


class Better(StrEnum):
    """Which direction of change is for the plan."""

    UP = "up"
    DOWN = "down"
    NONE = "none"


@dataclass(frozen=True)
class Column:
    """One column: `categories` when it is a sum of deals, else derived by `forecasting.domain.grid` from sums.

    `name` is its word in addresses and exports; `metric` its entry in the registry; `parent` the category it divides
    when it is a subcategory's column (`subcategory_id`, 0 for the deals without one).
    """

    name: str
    metric: str
    unit: Unit = Unit.MONEY
    categories: frozenset[Category] = frozenset()
    better: Better = Better.UP
    parent: Category | None = None
    subcategory_id: int | None = None
    label: str = ""
    optional: bool = False

    @property
    def is_deals(self) -> bool:
        """Whether the figure is a sum of deals, so that it opens exactly those."""
        return bool(self.categories)


W, C, U, P = Category.WON, Category.COMMIT, Category.UPSIDE, Category.PIPELINE

QUOTA = Column("quota", "quota", better=Better.NONE)
WON = Column("won", "won_amount", categories=frozenset({W}))
COMMIT = Column("commit", "commit", categories=frozenset({C}))
UPSIDE = Column("upside", "upside", categories=frozenset({U}))
PIPELINE = Column("pipeline", "pipeline", categories=frozenset({P}))
COMMIT_FORECAST = Column("commit_forecast", "commit_forecast", categories=frozenset({W, C}))
BEST_CASE = Column("best_case", "best_case", categories=frozenset({W, C, U}))
OPEN = Column("open", "open_pipeline", categories=frozenset({C, U, P}))
GAP = Column("gap", "gap_after_commit", better=Better.DOWN)
GAP_TO_QUOTA = Column("gap_to_quota", "gap_to_quota", better=Better.DOWN, optional=True)
ATTAINMENT = Column("attainment", "attainment", Unit.RATIO)
COVERAGE = Column("coverage", "coverage_remaining", Unit.MULTIPLE)
LOST = Column("lost", "lost_amount", categories=frozenset({Category.LOST}), better=Better.DOWN, optional=True)
OMITTED = Column(
    "omitted", "omitted", categories=frozenset({Category.OMITTED}), better=Better.NONE, optional=True
)
CHANGE = Column("change", "commit_forecast")
"""Change of the commit forecast since the instant compared with."""

TABLE = (
    QUOTA, WON, COMMIT, UPSIDE, PIPELINE, BEST_CASE, GAP, GAP_TO_QUOTA, ATTAINMENT, COVERAGE, CHANGE, LOST, OMITTED,
)  # fmt: skip
STRIP = (QUOTA, WON, COMMIT_FORECAST, BEST_CASE, GAP, COVERAGE)
BY_PERSON = frozenset({"quota", "gap", "gap_to_quota", "attainment", "coverage"})
"""Figures that need a quota. Quotas are set by person, so other trees do without."""
WON_ONLY = frozenset({"quota", "won", "gap_to_quota", "attainment"})
"""What somebody who reads won deals only (finance) is shown; nothing else may be inferred from these."""

_CUMULATIVE = {
    "commit": ("commit_forecast", frozenset({W, C})),
    "upside": ("best_case", frozenset({W, C, U})),
    "pipeline": ("open_pipeline", frozenset({C, U, P})),
}
_BY_NAME = {column.name: column for column in (*TABLE, *STRIP, OPEN)}


@dataclass(frozen=True)
class Subdivision:
    """A subcategory as the table needs it."""

    id: int
    category: Category
    name: str


def with_rollup(column: Column, rollup: Rollup) -> Column:
    """The column under the chosen roll-up method."""
    if rollup is Rollup.CUMULATIVE and column.name in _CUMULATIVE:
        metric, categories = _CUMULATIVE[column.name]
        return replace(column, metric=metric, categories=categories)
    return column


def subcolumns(column: Column, subdivisions: tuple[Subdivision, ...]) -> tuple[Column, ...]:
    """Columns that divide a category's column, the undivided rest last; none when nothing divides it."""
    if len(_BY_NAME[column.name].categories) != 1:
        return ()
    (category,) = _BY_NAME[column.name].categories
    parts = [s for s in subdivisions if s.category is category]
    if not parts:
        return ()
    return tuple(_part(column, category, s.id, s.name) for s in (*parts, Subdivision(0, category, "")))


def _part(column: Column, category: Category, subcategory_id: int, label: str) -> Column:
    return Column(
        f"{column.name}.{subcategory_id}",
        column.metric,
        categories=frozenset({category}),
        better=Better.NONE,
        parent=category,
        subcategory_id=subcategory_id,
        label=label,
        optional=column.optional,
    )


def table_columns(
    *,
    rollup: Rollup = Rollup.SINGLE,
    opened: frozenset[str] = frozenset(),
    extra: frozenset[str] = frozenset(),
    subdivisions: tuple[Subdivision, ...] = (),
    won_only: bool = False,
    with_quota: bool = True,
) -> tuple[Column, ...]:
    """The columns to show, in order: optional ones when asked for, subcategories after the column they divide."""
    shown: list[Column] = []
    for column in TABLE:
        if (column.optional and column.name not in extra) or (won_only and column.name not in WON_ONLY):
            continue
        if not with_quota and column.name in BY_PERSON:
            continue
        shown.append(with_rollup(column, rollup))
        if column.name in opened:
            shown.extend(subcolumns(column, subdivisions))
    if won_only and with_quota and GAP_TO_QUOTA not in shown:
        shown.insert(len(shown) - 1, GAP_TO_QUOTA)
    return tuple(shown)


def strip_columns(won_only: bool = False, with_quota: bool = True) -> tuple[Column, ...]:
    """The figures above the table."""
    if not with_quota:
        return (WON,) if won_only else (WON, COMMIT, UPSIDE, PIPELINE, COMMIT_FORECAST, BEST_CASE)
    return (QUOTA, WON, GAP_TO_QUOTA, ATTAINMENT) if won_only else STRIP


def column_named(
    name: str, rollup: Rollup = Rollup.SINGLE, subdivisions: tuple[Subdivision, ...] = ()
) -> Column | None:
    """The column an address names, `commit.3` being subcategory 3 of commit; None when there is no such column."""
    base, _, part = name.partition(".")
    column = _BY_NAME.get(base)
    if column is None or not part:
        return column and with_rollup(column, rollup)
    return next((c for c in subcolumns(column, subdivisions) if c.name == name), None)
