"""The table adds up: sums are exact in every currency, and derived figures say None rather than nonsense."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.domain import columns as c
from forecasting.domain.columns import Rollup, Subdivision, column_named, table_columns
from forecasting.domain.grid import (
    QuotaFact,
    Sums,
    figure,
    sums_by_node,
    total_of,
    value_of,
    won_only,
)
from opportunities.domain.deal import Category
from pipeline.domain.cells import Cell
from pipeline.domain.metrics import REGISTRY

AT_RISK = Subdivision(3, Category.COMMIT, "At risk")
BRIDGE = Subdivision(4, Category.UPSIDE, "Bridge")
SUMS = Sums(
    {
        (Category.WON, 0): Decimal(50),
        (Category.COMMIT, 0): Decimal(20),
        (Category.COMMIT, 3): Decimal(5),
        (Category.UPSIDE, 4): Decimal(7),
        (Category.PIPELINE, 0): Decimal(100),
        (Category.LOST, 0): Decimal(30),
        (Category.OMITTED, 0): Decimal(9),
    },
    {(Category.COMMIT, 0): 2, (Category.COMMIT, 3): 1},
)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (c.WON, 50),
        (c.COMMIT, 25),
        (c.UPSIDE, 7),
        (c.PIPELINE, 100),
        (c.COMMIT_FORECAST, 75),
        (c.BEST_CASE, 82),
        (c.GAP, 25),
        (c.GAP_TO_QUOTA, 50),
        (c.ATTAINMENT, Decimal("0.5")),
        (c.COVERAGE, Decimal("2.64")),
        (c.LOST, 30),
        (c.OMITTED, 9),
        (c.QUOTA, 100),
    ],
)
def test_figures_of_a_node(column: c.Column, expected: Decimal) -> None:
    assert value_of(column, SUMS, Decimal(100)) == expected


def test_every_column_has_its_definition() -> None:
    for method in Rollup:
        for column in (
            *table_columns(rollup=method, extra=frozenset({"lost", "omitted", "gap_to_quota"})),
            *c.STRIP,
        ):
            assert column.metric in REGISTRY


def test_no_quota_no_answer() -> None:
    assert [value_of(col, SUMS, None) for col in (c.QUOTA, c.GAP, c.ATTAINMENT, c.COVERAGE)] == [None] * 4
    assert value_of(c.ATTAINMENT, SUMS, Decimal(0)) is None


def test_nothing_left_to_cover_has_no_coverage() -> None:
    assert value_of(c.COVERAGE, SUMS, Decimal(50)) is None


def test_cumulative_columns_hold_the_more_certain_ones() -> None:
    shown = {col.name: value_of(col, SUMS, Decimal(100)) for col in table_columns(rollup=Rollup.CUMULATIVE)}
    assert (shown["won"], shown["commit"], shown["upside"], shown["pipeline"]) == (50, 75, 82, 132)
    assert (shown["gap"], shown["best_case"]) == (25, 82)


def test_subcategories_stand_after_the_column_they_divide_and_add_up_to_it() -> None:
    shown = table_columns(opened=frozenset({"commit"}), subdivisions=(AT_RISK, BRIDGE))
    names = [col.name for col in shown]
    assert names[names.index("commit") : names.index("commit") + 3] == ["commit", "commit.3", "commit.0"]
    parts = [value_of(col, SUMS, None) for col in shown if col.parent is Category.COMMIT]
    assert parts == [5, 20]
    assert sum(parts, Decimal(0)) == value_of(c.COMMIT, SUMS, None)


def test_optional_columns_are_asked_for() -> None:
    assert "lost" not in {col.name for col in table_columns()}
    assert "lost" in {col.name for col in table_columns(extra=frozenset({"lost"}))}


def test_names_of_columns_are_addresses() -> None:
    assert column_named("commit.3", subdivisions=(AT_RISK,)).subcategory_id == 3
    assert column_named("commit.9", subdivisions=(AT_RISK,)) is None
    assert column_named("nonsense") is None
    assert column_named("upside", Rollup.CUMULATIVE).categories == c.BEST_CASE.categories


def test_finance_sees_won_and_cannot_infer_more() -> None:
    names = {
        col.name
        for col in table_columns(won_only=True, extra=frozenset({"lost"}), opened=frozenset({"commit"}))
    }
    assert names == {"quota", "won", "gap_to_quota", "attainment"}
    assert won_only(SUMS).amounts == {(Category.WON, 0): 50}


def test_change_compares_the_commit_forecast() -> None:
    before = Sums({(Category.COMMIT, 0): Decimal(60)})
    assert figure(c.CHANGE, SUMS, None, before).value == 15
    assert figure(c.CHANGE, SUMS, None).value is None
    assert figure(c.GAP, SUMS, Decimal(100), before, Decimal(90)).change == -5


def test_deals_are_counted_where_they_are_summed() -> None:
    assert figure(c.COMMIT, SUMS, None).deals == 3
    assert figure(c.GAP, SUMS, Decimal(1)).deals is None


def test_over_assignment_is_a_share_of_the_assigned() -> None:
    assert QuotaFact(Decimal(100), Decimal(100), Decimal(110)).over_assignment == Decimal("0.1")
    assert QuotaFact(Decimal(100), Decimal(100), Decimal(100)).over_assignment is None
    assert QuotaFact(Decimal(110), None, Decimal(110)).over_assignment is None


cells = st.lists(
    st.builds(
        Cell,
        st.integers(1, 3),
        st.integers(0, 2),
        st.sampled_from(Category),
        st.integers(0, 2),
        st.sampled_from(["USD", "EUR", "JPY"]),
        st.integers(1, 5),
        st.just(0),
        st.decimals("-1e15", "1e15", places=4),
        st.just(Decimal(0)),
    )
)
RATES = {"USD": Decimal(1), "EUR": Decimal("1.0837512345"), "JPY": Decimal("0.0067123457")}


@given(cells)
def test_parents_equal_the_sum_of_children_exactly(facts: list[Cell]) -> None:
    def factor(currency: str, month: int) -> Decimal:
        return RATES[currency] + Decimal(month).scaleb(-10)

    children = sums_by_node(facts, factor)
    parent = sums_by_node([f._replace(node_id=9) for f in facts], factor).get(9, Sums())
    total = total_of(children.values())
    assert total == parent
    for column in (c.WON, c.BEST_CASE, c.OPEN, c.LOST):
        parts = [value_of(column, sums, None) or Decimal(0) for sums in children.values()]
        whole = value_of(column, parent, None)
        with localcontext(prec=80):
            assert sum(int(part.scaleb(14)) for part in parts) == int(whole.scaleb(14))
