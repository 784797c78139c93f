"""The rules of a deal, each with an example; and that no sequence of changes leaves a deal contradicting itself."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opportunities.domain.deal import Category, DealError, DealState, Status, category_fits
from opportunities.domain.rules import RuleBook, StageFacts, SubcategoryFacts, apply_changes
from opportunities.domain.splits import Split, check_splits

TODAY = dt.date(2026, 11, 23)
C, S = Category, Status


def _stage(
    pk: int, name: str, status: Status, category: Category, probability: int, process: int = 1
) -> StageFacts:
    return StageFacts(pk, process, name, pk, status, category, Decimal(probability))


BOOK = RuleBook(
    {
        s.id: s
        for s in (
            _stage(1, "Qualify", S.OPEN, C.PIPELINE, 10), _stage(2, "Propose", S.OPEN, C.UPSIDE, 50),
            _stage(3, "Negotiate", S.OPEN, C.COMMIT, 80), _stage(4, "Won", S.WON, C.WON, 100),
            _stage(5, "Lost", S.LOST, C.LOST, 0), _stage(9, "Elsewhere", S.OPEN, C.PIPELINE, 5, process=2),
        )
    },
    {7: SubcategoryFacts(7, C.COMMIT, "At risk"), 8: SubcategoryFacts(8, C.UPSIDE, "Bridge")},
)  # fmt: skip
DEAL = DealState(
    name="Deal", process_id=1, stage_id=1, category=C.PIPELINE, amount=Decimal(100), currency_id="USD",
    probability=Decimal(10), close_date=dt.date(2026, 12, 31),
)  # fmt: skip


def change(state: DealState = DEAL, last_open: int | None = None, **changes: Any) -> DealState:
    return apply_changes(state, changes, BOOK, today=TODAY, last_open_stage_id=last_open)


def test_a_stage_suggests_until_the_person_has_decided() -> None:
    moved = change(stage_id=2)
    assert (moved.category, moved.probability) == (C.UPSIDE, 50)
    decided = change(category=C.COMMIT)
    assert (decided.category, decided.stage_id, decided.probability) == (C.COMMIT, 1, 10)
    assert change(decided, stage_id=2).category is C.COMMIT
    assert change(decided, stage_id=2).probability == 50
    assert change(stage_id=2, category=C.PIPELINE).category is C.PIPELINE


def test_closing_forces_status_category_probability_and_a_date() -> None:
    for won in (change(stage_id=4), change(category=C.WON), change(status=S.WON)):
        assert (won.status, won.category, won.stage_id, won.probability) == (S.WON, C.WON, 4, 100)
        assert won.close_date == TODAY
    lost = change(category=C.LOST, close_date=dt.date(2026, 11, 1))
    assert (lost.status, lost.stage_id, lost.probability, lost.close_date) == (
        S.LOST,
        5,
        0,
        dt.date(2026, 11, 1),
    )
    assert change(replace(DEAL, amount=None), category=C.LOST).status is S.LOST


def test_closing_asks_for_what_is_missing() -> None:
    unpriced = replace(DEAL, amount=None)
    with pytest.raises(DealError, match="amount"):
        change(unpriced, category=C.WON)
    assert change(unpriced, category=C.WON, amount=Decimal(5)).status is S.WON
    with pytest.raises(DealError, match="today or earlier"):
        change(category=C.WON, close_date=TODAY + dt.timedelta(days=1))
    with pytest.raises(DealError, match="Say when"):
        change(category=C.WON, close_date=None)


def test_stage_and_category_must_not_contradict_each_other() -> None:
    with pytest.raises(DealError, match="contradict"):
        change(stage_id=4, category=C.COMMIT)
    with pytest.raises(DealError, match="contradict"):
        change(stage_id=2, category=C.LOST)


def test_reopening_returns_to_the_last_open_stage_and_invents_no_date() -> None:
    won = change(stage_id=4)
    back = change(won, last_open=3, category=C.COMMIT)
    assert (back.status, back.stage_id, back.category, back.probability) == (S.OPEN, 3, C.COMMIT, 80)
    assert back.close_date == won.close_date
    assert change(won, stage_id=2).category is C.UPSIDE
    assert change(won, status=S.OPEN).stage_id is None


def test_stages_belong_to_the_process() -> None:
    with pytest.raises(DealError, match="this deal's process"):
        change(stage_id=9)
    assert change(process_id=2, stage_id=9).process_id == 2
    assert change(process_id=2).stage_id is None
    assert change(replace(DEAL, process_id=None, stage_id=None), stage_id=9).process_id == 2


def test_subcategories_belong_to_their_category() -> None:
    risky = change(category=C.COMMIT, subcategory_id=7)
    assert risky.subcategory_id == 7
    assert change(risky, category=C.UPSIDE).subcategory_id is None
    assert change(risky, category=C.UPSIDE, subcategory_id=8).subcategory_id == 8
    with pytest.raises(DealError, match="another category"):
        change(subcategory_id=7)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", Decimal(-1)), ("amount", Decimal("1.00001")), ("amount", Decimal("NaN")), ("amount", Decimal(10) ** 13),
        ("probability", Decimal(101)), ("probability", Decimal(-1)), ("close_date", dt.date(1989, 12, 31)),
        ("close_date", dt.date(2060, 1, 1)), ("name", "  "), ("name", "x" * 256), ("next_step", "x" * 501), ("colour", 1),
    ],
)  # fmt: skip
def test_nonsense_is_refused_naming_the_field(field: str, value: Any) -> None:
    with pytest.raises(DealError) as refused:
        change(**{field: value})
    assert refused.value.field == field


def test_an_oddity_of_an_import_does_not_block_another_edit() -> None:
    odd = replace(DEAL, status=S.WON, category=C.WON, amount=None, close_date=dt.date(2040, 1, 1))
    assert change(odd, next_step="Ask for the amount").next_step == "Ask for the amount"


CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "stage_id": st.sampled_from([None, 1, 2, 3, 4, 5, 9]),
        "category": st.sampled_from(list(C)),
        "status": st.sampled_from(list(S)),
        "subcategory_id": st.sampled_from([None, 7, 8]),
        "amount": st.none() | st.decimals(0, 10**6, places=2),
        "close_date": st.none() | st.dates(dt.date(2026, 1, 1), dt.date(2027, 12, 31)),
    },
)


@given(st.lists(CHANGES, max_size=8))
def test_no_sequence_of_changes_leaves_a_contradiction(steps: list[dict[str, Any]]) -> None:
    state, last_open = DEAL, 1
    for step in steps:
        try:
            state = change(state, last_open, **step)
        except DealError:
            continue
        assert category_fits(state.status, state.category)
        assert (
            state.subcategory_id is None
            or BOOK.subcategories[state.subcategory_id].category is state.category
        )
        stage = BOOK.stages.get(state.stage_id or 0)
        assert stage is None or stage.process_id == state.process_id
        assert stage is None or stage.status is state.status
        if state.status is S.OPEN and stage is not None:
            last_open = stage.id


def test_splits() -> None:
    check_splits([])
    check_splits(
        [
            Split(1, "REVENUE", Decimal("33.3333")),
            Split(2, "REVENUE", Decimal("66.6667")),
            Split(1, "OVERLAY", Decimal(100)),
        ]
    )
    for wrong, words in (
        ([Split(1, "REVENUE", Decimal(99))], "99 %, not 100 %"),
        ([Split(1, "REVENUE", Decimal(50)), Split(1, "REVENUE", Decimal(50))], "once"),
        ([Split(1, "OVERLAY", Decimal(0))], "above 0"),
        ([Split(1, "GIFT", Decimal(1))], "either"),
    ):
        with pytest.raises(DealError, match=words):
            check_splits(wrong)
