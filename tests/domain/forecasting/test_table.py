"""Rows in tree order: what is open shows its children, own deals first, the unassigned last."""

from decimal import Decimal

from forecasting.domain import columns as c
from forecasting.domain.grid import QuotaFact, Sums
from forecasting.domain.table import Kind, Layer, TreeNode, places, rows_of
from opportunities.domain.deal import Category

VERA, MARC, ANNA, BEN, CARL = (
    TreeNode(1, "Vera"),
    TreeNode(2, "Marc", 1),
    TreeNode(3, "Anna", 2),
    TreeNode(4, "Ben", 2),
    TreeNode(5, "Carl", 1),
)
TREE = [VERA, MARC, ANNA, BEN, CARL]


def keys(**options: object) -> list[tuple[str, int]]:
    settings = {"top": None, "opened": frozenset(), **options}
    return [(place.key, place.level) for place in places(TREE, **settings)]  # type: ignore[arg-type]


def test_a_single_root_is_the_total() -> None:
    assert keys() == [("1", 1), ("2", 2), ("5", 2)]


def test_with_deals_of_nobody_a_total_stands_above() -> None:
    assert keys(has_unassigned=True) == [("all", 1), ("1", 2), ("none", 2)]
    assert keys(has_unassigned=True, opened=frozenset({"1"})) == [
        ("all", 1), ("1", 2), ("2", 3), ("5", 3), ("none", 2),
    ]  # fmt: skip


def test_a_manager_sees_the_own_team_with_own_deals_first() -> None:
    assert keys(top=2, with_own=[2]) == [("2", 1), ("2-own", 2), ("3", 2), ("4", 2)]


def test_a_rep_is_one_row_and_has_no_own_row_beside() -> None:
    assert keys(top=3, with_own=[3]) == [("3", 1)]


def test_what_is_open_below_a_closed_row_stays_hidden() -> None:
    assert keys(opened=frozenset({"2"})) == [("1", 1), ("2", 2), ("3", 3), ("4", 3), ("5", 2)]
    assert ("3", 4) not in keys(has_unassigned=True, opened=frozenset({"2"}))


def test_figures_of_each_kind_of_row() -> None:
    def won(amount: int) -> Sums:
        return Sums({(Category.WON, 0): Decimal(amount)})

    now = Layer(
        nodes={1: won(10), 2: won(7), 5: won(1)},
        own={1: won(2)},
        unassigned=won(4),
        all=won(14),
        quotas={1: QuotaFact(Decimal(20))},
        quota_of_all=QuotaFact(Decimal(20)),
    )
    before = Layer(nodes={1: won(9)}, all=won(9))
    shown = places(TREE, top=None, opened=frozenset({"1"}), with_own=[1], has_unassigned=True)
    rows = {row.place.key: row for row in rows_of(shown, (c.WON, c.ATTAINMENT), now, before)}
    assert {key: row.figures[0].value for key, row in rows.items()} == {
        "all": 14, "1": 10, "1-own": 2, "2": 7, "5": 1, "none": 4,
    }  # fmt: skip
    assert rows["all"].figures[0].change == 5
    assert rows["all"].figures[1].value == Decimal("0.7")
    assert rows["1-own"].figures[1].value is None
    assert rows["1-own"].place.kind is Kind.OWN
