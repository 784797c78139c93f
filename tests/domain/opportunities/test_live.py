"""The tail of an append-only table: ids that arrive in any order are told exactly once."""

from hypothesis import given
from hypothesis import strategies as st

from opportunities.domain.live import GAP_SECONDS, Change, News, Reach, Tail


@given(st.permutations(list(range(1, 30))), st.integers(1, 8))
def test_every_id_is_told_once_in_whatever_order_it_is_committed(order: list[int], step: int) -> None:
    tail, present, told = Tail(0), set[int](), list[int]()
    for at in range(0, len(order), step):
        present |= set(order[at : at + step])
        told += tail.news([i for i in present if i > tail.floor], now=at / 10)
    assert sorted(told) == sorted(order)
    assert (tail.floor, tail.told) == (29, set())


def test_a_gap_holds_the_floor_until_its_transaction_must_have_ended() -> None:
    tail = Tail(10)
    assert tail.news([11, 13], 0.0) == [11, 13]
    assert tail.floor == 11
    assert tail.news([13], GAP_SECONDS - 1) == []
    assert tail.news([12, 13], GAP_SECONDS - 0.5) == [12]
    assert tail.floor == 13
    tail.news([20], 0.0)
    assert tail.floor == 13
    tail.news([20], GAP_SECONDS + 1.0)
    assert (tail.floor, tail.told) == (20, set())


def test_a_viewer_hears_of_owners_within_reach_only() -> None:
    changes = [
        Change(frozenset({1, 2}), False),
        Change(frozenset({3}), True),
        Change(frozenset(), False),
    ]
    assert Reach(person_ids=frozenset({2, 9})).hears(News.of(changes)) == (2,)
    assert Reach(person_ids=frozenset({9})).hears(News.of(changes)) is None
    assert Reach(won_only=True).hears(News.of(changes)) == (3,)
    assert Reach(everything=True).hears(News.of(changes)) == (1, 2, 3)
    assert Reach(everything=True).hears(News.of(changes[2:])) == ()
    assert Reach(everything=True).hears(News()) is None
