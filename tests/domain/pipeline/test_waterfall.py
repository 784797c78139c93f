"""The waterfall balances for every deal, says each cause once per deal, and names causes in words people use."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opportunities.domain.deal import OPEN_CATEGORIES, Category, Status
from pipeline.domain.waterfall import (
    PRECEDENCE,
    Cause,
    DealChange,
    DealThen,
    Window,
    decompose,
    steps_by_cause,
    steps_of,
)

Q1 = (dt.date(2026, 2, 1), dt.date(2026, 5, 1))
COMMIT = Window(frozenset({Category.COMMIT}), *Q1)
COMMIT_FORECAST = Window(frozenset({Category.WON, Category.COMMIT}), *Q1)
OPEN = Window(frozenset({Category.COMMIT, Category.UPSIDE, Category.PIPELINE}), *Q1)
DEAL = DealThen(Status.OPEN, Category.COMMIT, "USD", amount=Decimal("100.00"), close_date=dt.date(2026, 3, 1))


def causes(
    before: DealThen | None, after: DealThen | None, window: Window = COMMIT_FORECAST
) -> dict[Cause, Decimal]:
    return {step.cause: step.change for step in steps_of(DealChange(1, before, after), window)}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, DEAL, {Cause.CREATED: 100}),
        (DEAL, None, {Cause.DELETED: -100}),
        (DEAL, DEAL, {}),
        (replace(DEAL, close_date=dt.date(2026, 6, 1)), DEAL, {Cause.PULLED_IN: 100}),
        (replace(DEAL, close_date=None), DEAL, {Cause.PULLED_IN: 100}),
        (replace(DEAL, close_date=dt.date(2026, 1, 1)), DEAL, {Cause.PUSHED_IN: 100}),
        (DEAL, replace(DEAL, close_date=dt.date(2026, 5, 1)), {Cause.PUSHED_OUT: -100}),
        (DEAL, replace(DEAL, close_date=None), {Cause.PUSHED_OUT: -100}),
        (DEAL, replace(DEAL, close_date=dt.date(2026, 1, 31)), {Cause.PULLED_OUT: -100}),
        (DEAL, replace(DEAL, close_date=dt.date(2026, 4, 30)), {}),
        (replace(DEAL, inside=False), DEAL, {Cause.TRANSFERRED_IN: 100}),
        (DEAL, replace(DEAL, inside=False), {Cause.TRANSFERRED_OUT: -100}),
        (replace(DEAL, category=Category.UPSIDE), DEAL, {Cause.CATEGORY_UP: 100}),
        (DEAL, replace(DEAL, category=Category.PIPELINE), {Cause.CATEGORY_DOWN: -100}),
        (DEAL, replace(DEAL, category=Category.OMITTED), {Cause.OMITTED: -100}),
        (replace(DEAL, category=Category.OMITTED), DEAL, {Cause.CATEGORY_UP: 100}),
        (DEAL, replace(DEAL, amount=Decimal(130)), {Cause.AMOUNT_UP: 30}),
        (DEAL, replace(DEAL, amount=None), {Cause.AMOUNT_DOWN: -100}),
        (DEAL, replace(DEAL, rate=Decimal("1.1")), {Cause.CURRENCY: 10}),
        (DEAL, replace(DEAL, currency="EUR", rate=Decimal("1.1")), {Cause.AMOUNT_UP: 10}),
        (DEAL, replace(DEAL, status=Status.LOST, category=Category.LOST), {Cause.LOST: -100}),
        (DEAL, replace(DEAL, status=Status.WON, category=Category.WON), {}),
        (replace(DEAL, status=Status.LOST, category=Category.LOST), DEAL, {Cause.REOPENED: 100}),
        (
            replace(DEAL, status=Status.LOST, category=Category.LOST),
            replace(DEAL, status=Status.WON, category=Category.WON),
            {Cause.WON: 100},
        ),
        (
            replace(DEAL, close_date=dt.date(2026, 6, 1), amount=Decimal(80), category=Category.UPSIDE),
            DEAL,
            {Cause.CATEGORY_UP: 80, Cause.AMOUNT_UP: 20},
        ),
    ],
)  # fmt: skip
def test_one_story_per_change(before, after, expected) -> None:  # type: ignore[no-untyped-def]
    assert causes(before, after) == {cause: Decimal(change) for cause, change in expected.items()}


def test_winning_takes_a_deal_out_of_commit_and_into_won() -> None:
    won = replace(DEAL, status=Status.WON, category=Category.WON, amount=Decimal(120))
    assert causes(DEAL, won, COMMIT) == {Cause.AMOUNT_UP: 20, Cause.WON: -120}
    assert causes(DEAL, won, replace(COMMIT, categories=frozenset({Category.WON}))) == {Cause.WON: 120}


def test_a_subcategory_is_a_column_too() -> None:
    at_risk = replace(COMMIT, subcategory_id=7)
    assert causes(DEAL, replace(DEAL, subcategory_id=7), at_risk) == {Cause.CATEGORY_UP: 100}
    assert causes(replace(DEAL, subcategory_id=7), DEAL, at_risk) == {Cause.CATEGORY_DOWN: -100}
    assert causes(DEAL, replace(DEAL, subcategory_id=7), COMMIT) == {}


def test_leaving_a_column_upwards_is_still_called_up() -> None:
    upside = replace(COMMIT, categories=frozenset({Category.UPSIDE}))
    assert causes(replace(DEAL, category=Category.UPSIDE), DEAL, upside) == {Cause.CATEGORY_UP: -100}


def test_bars_come_in_the_declared_order_with_their_deals() -> None:
    changes = [
        DealChange(1, DEAL, None),
        DealChange(2, None, DEAL),
        DealChange(3, None, replace(DEAL, amount=Decimal(300))),
        DealChange(4, DEAL, DEAL),
    ]
    flow = decompose(changes, COMMIT)
    assert (flow.opening, flow.closing) == (200, 500)
    assert [(bar.cause, bar.change, bar.deals) for bar in flow.bars] == [
        (Cause.CREATED, 400, 2),
        (Cause.DELETED, -100, 1),
    ]
    assert [step.deal_id for step in steps_by_cause(flow)[Cause.CREATED]] == [3, 2]


money = st.none() | st.decimals("-1e15", "1e15", places=4)
days = st.none() | st.dates(dt.date(2025, 12, 1), dt.date(2026, 7, 1))


@st.composite
def states(draw: st.DrawFn) -> DealThen:
    status = draw(st.sampled_from(Status))
    fixed = {Status.WON: Category.WON, Status.LOST: Category.LOST}
    return DealThen(
        status,
        fixed.get(status) or draw(st.sampled_from(OPEN_CATEGORIES)),
        draw(st.sampled_from(["USD", "EUR", "JPY"])),
        draw(st.integers(0, 2)),
        draw(money),
        draw(days),
        draw(st.decimals("0.0000000001", "9999.9999999999", places=10)),
        draw(st.booleans()),
    )


windows = st.builds(
    Window,
    st.frozensets(st.sampled_from(Category), min_size=1),
    st.just(Q1[0]),
    st.just(Q1[1]),
    st.none() | st.integers(0, 2),
)
changes = st.lists(st.tuples(st.none() | states(), st.none() | states()), max_size=8)


def plain_value(deal: DealThen | None, window: Window) -> Decimal:
    """The oracle: what a deal contributes, said as a list of exclusions and computed in integers."""
    if deal is None or deal.amount is None or not deal.inside or deal.close_date is None:
        return Decimal(0)
    if deal.category not in window.categories or not Q1[0] <= deal.close_date < Q1[1]:
        return Decimal(0)
    if window.subcategory_id is not None and deal.subcategory_id != window.subcategory_id:
        return Decimal(0)
    exact = int(deal.amount.scaleb(4)) * int(deal.rate.scaleb(10))
    return Decimal(exact).scaleb(-14)


@settings(max_examples=400, deadline=None)
@given(changes, windows)
def test_it_balances_whatever_happened(pairs, window) -> None:  # type: ignore[no-untyped-def]
    deals = [DealChange(number, before, after) for number, (before, after) in enumerate(pairs)]
    flow = decompose(deals, window)
    assert flow.balances()
    assert flow.opening == sum((plain_value(d.before, window) for d in deals), Decimal(0))
    assert flow.closing == sum((plain_value(d.after, window) for d in deals), Decimal(0))
    for deal in deals:
        told = [step for step in flow.steps if step.deal_id == deal.deal_id]
        assert sum((s.change for s in told), Decimal(0)) == plain_value(deal.after, window) - plain_value(
            deal.before, window
        )
        assert len({s.cause for s in told}) == len(told)
        assert [PRECEDENCE.index(s.cause) for s in told] == sorted(PRECEDENCE.index(s.cause) for s in told)
        assert all(s.change for s in told)
    assert [bar.cause for bar in flow.bars] == [
        cause for cause in PRECEDENCE if cause in {s.cause for s in flow.steps}
    ]
