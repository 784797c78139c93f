"""Lists and details: complete totals, visibility, as of any instant, constant queries."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opportunities.domain.deal import Category, DealState, NotVisible, PastState, Status
from opportunities.domain.history import push_count, stage_entered_at, state_as_of
from opportunities.domain.hygiene import Flag
from opportunities.domain.listing import DealQuery
from opportunities.selectors import deal, deals, timeline
from opportunities.selectors.hygiene import ANY
from opportunities.selectors.states import live_versions, past_state_of
from opportunities.services import change_deal
from organization.domain.roles import Role
from organization.scope import scope_for
from organization.selectors import is_set_up, memo
from tests.factories.opportunities import (
    TEST,
    make_account,
    make_deal,
    make_deal_with_past,
    make_family,
    make_process,
    make_product,
    move_deal,
    stage_of,
)
from tests.factories.organization import make_company, make_manager, make_person, make_rep, make_user

pytestmark = pytest.mark.django_db
EUR = (("EUR", dt.date(2015, 1, 1), Decimal("1.1")), ("EUR", dt.date(2026, 6, 1), Decimal("1.2")))


@pytest.fixture
def team():  # type: ignore[no-untyped-def]
    make_company(rates=EUR)
    boss, boss_user, _ = make_manager("Ada")
    rep, _, rep_scope = make_rep("Ben", manager=boss)
    return boss, rep, scope_for(boss_user), rep_scope


def test_totals_cover_all_pages_and_convert_by_month(team) -> None:  # type: ignore[no-untyped-def]
    _, rep, boss, _ = team
    for day in (dt.date(2026, 3, 3), dt.date(2026, 7, 7)):
        make_deal(rep, amount="100.10", currency="EUR", close_date=day)
    make_deal(rep, amount=50)
    make_deal(rep, amount=None)
    page = deals(boss, DealQuery(size=2))
    assert (len(page.rows), page.total_count, page.pages) == (2, 4, 2)
    assert {s.currency: (s.count, s.unpriced, s.amount) for s in page.sums} == {
        "EUR": (2, 0, Decimal("200.20")), "USD": (2, 1, 50),
    }  # fmt: skip
    assert page.converted == Decimal("100.10") * Decimal("1.1") + Decimal("100.10") * Decimal("1.2") + 50
    every = deals(boss, DealQuery(size=0))
    assert sum(r.converted or 0 for r in every.rows) == page.converted


def test_filters_narrow(team) -> None:  # type: ignore[no-untyped-def]
    boss_person, rep, boss, _ = team
    apps = make_family("Apps")
    suite = make_product("Suite", make_family("Suites", apps))
    acme = make_account("Acme Corp")
    a = make_deal(
        rep, name="Renewal", category="COMMIT", account=acme, product=suite, close_date=dt.date(2026, 5, 1)
    )
    b = make_deal(boss_person, name="Expansion", category="WON", close_date=dt.date(2026, 5, 31))
    c = make_deal(rep, name="Pilot", close_date=None)

    def found(**parts: object) -> list[int]:
        return sorted(r.id for r in deals(boss, DealQuery(**parts)).rows)  # type: ignore[arg-type]

    assert found() == [a.pk, b.pk, c.pk]
    assert found(owner_ids=(rep.pk,)) == [a.pk, c.pk]
    assert found(node_id=boss_person.pk) == [a.pk, b.pk, c.pk]
    assert found(node_id=boss_person.pk, exact_node=True) == [b.pk]
    assert found(categories=(Category.COMMIT, Category.WON)) == [a.pk, b.pk]
    assert found(statuses=(Status.OPEN,)) == [a.pk, c.pk]
    assert found(close_from=dt.date(2026, 5, 1), close_to=dt.date(2026, 5, 31)) == [a.pk]
    assert found(no_close_date=True) == [c.pk]
    assert found(text="acme renew") == [a.pk]
    assert found(family_id=apps.pk) == [a.pk]
    assert found(family_id=apps.pk, exact_node=True) == []
    assert found(family_id=0) == [b.pk, c.pk]
    assert found(account_ids=(0,)) == [b.pk, c.pk]
    assert found(subcategory_ids=(0,)) == [a.pk, b.pk, c.pk]
    assert found(deal_ids=(b.pk,)) == [b.pk]
    assert [r.id for r in deals(boss, DealQuery(order="-close_date")).rows] == [b.pk, a.pk, c.pk]


def test_who_sees_what(team) -> None:  # type: ignore[no-untyped-def]
    _, rep, boss, rep_scope = team
    _, _, charlie = make_rep("Charlie")
    finance = scope_for(make_user(Role.FINANCE))
    admin = scope_for(make_user(Role.ADMIN))
    open_deal = make_deal(rep)
    won = make_deal(rep, category="WON")
    assert deals(boss, DealQuery()).total_count == deals(rep_scope, DealQuery()).total_count == 2
    assert [r.id for r in deals(finance, DealQuery()).rows] == [won.pk]
    assert deals(charlie, DealQuery()).total_count == deals(admin, DealQuery()).total_count == 0
    for scope in (charlie, finance, admin):
        for read in (deal, timeline):
            with pytest.raises(NotVisible):
                read(scope, open_deal.pk)
    with pytest.raises(NotVisible):
        deal(boss, 10**9)
    assert deal(finance, won.pk).row.id == won.pk
    assert not deal(finance, won.pk).row.may_edit
    assert deal(rep_scope, open_deal.pk).row.may_edit


def test_as_of_uses_the_owner_and_hierarchy_of_the_time(team) -> None:  # type: ignore[no-untyped-def]
    boss_person, rep, boss, rep_scope = team
    start = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
    item = make_deal(rep, amount=100, created_at=start)
    moved = dt.datetime(2026, 3, 1, 9, tzinfo=dt.UTC)
    move_deal(item, at=moved, amount=Decimal(70), owner=boss_person)
    before, after = moved - dt.timedelta(seconds=1), moved
    assert [r.amount for r in deals(rep_scope, DealQuery(), at=before).rows] == [100]
    assert deals(rep_scope, DealQuery(), at=after).total_count == 0
    assert [r.amount for r in deals(boss, DealQuery(), at=after).rows] == [70]
    assert deals(boss, DealQuery(), at=start - dt.timedelta(seconds=1)).total_count == 0
    assert deals(boss, DealQuery(node_id=rep.pk), at=before).converted == 100
    assert deal(rep_scope, item.pk, before).row.amount == 100
    with pytest.raises(NotVisible):
        deal(rep_scope, item.pk)


def test_timeline_reads_like_a_story(team) -> None:  # type: ignore[no-untyped-def]
    _, rep, _, scope = team
    process = make_process()
    item = make_deal(
        rep, amount=120_000, category="COMMIT", process=process, stage=stage_of(process, "Negotiate")
    )
    change_deal(
        scope=scope, deal_id=item.pk, version=1,
        changes={"category": "UPSIDE", "amount": Decimal(95_000), "stage_id": stage_of(process, "Propose").pk},
    )  # fmt: skip
    newest, first = timeline(scope, item.pk)
    assert [(c.key, c.old, c.new) for c in newest.changes] == [
        ("stage_id", "Negotiate", "Propose"), ("category", "COMMIT", "UPSIDE"), ("amount", 120_000, 95_000),
        ("probability", None, 50),
    ]  # fmt: skip
    assert (newest.by, newest.kind, newest.until, first.kind, first.is_first) == (
        "Ben",
        "EDIT",
        None,
        "SEED",
        True,
    )


def test_hygiene_in_sql_is_hygiene_in_words(team) -> None:  # type: ignore[no-untyped-def]
    _, rep, boss, _ = team
    today = timezone.now().date()
    process = make_process()
    qualify, negotiate = stage_of(process, "Qualify"), stage_of(process, "Negotiate")
    for days in range(1, 7):
        old = make_deal(
            rep, process=process, stage=qualify, created_at=timezone.now() - dt.timedelta(days=100)
        )
        move_deal(
            old, at=timezone.now() - dt.timedelta(days=100 - 8 - days), category="WON", close_date=today
        )
    soon, later = today + dt.timedelta(days=5), today + dt.timedelta(days=90)
    cases = [
        {"close_date": today - dt.timedelta(days=3), "next_step": "x"},
        {"close_date": today, "next_step": "x"},
        {"close_date": None},
        {"amount": None, "close_date": later},
        {"amount": 0, "close_date": later},
        {"close_date": soon},
        {"close_date": later, "category": "COMMIT"},
        {"close_date": later, "category": "COMMIT", "stage": qualify, "process": process, "next_step": "x"},
        {"close_date": later, "category": "OMITTED", "stage": negotiate, "amount": None},
        {"close_date": today + dt.timedelta(days=600)},
        {
            "close_date": later,
            "stage": qualify,
            "process": process,
            "created_at": timezone.now() - dt.timedelta(days=60),
        },
        {
            "close_date": later,
            "stage": qualify,
            "process": process,
            "created_at": timezone.now() - dt.timedelta(days=20),
        },
    ]
    made = [make_deal(rep, **{"created_at": timezone.now(), **case}) for case in cases]
    pushed = make_deal(rep, close_date=soon, next_step="x")
    for month in range(1, 4):
        pushed = move_deal(pushed, close_date=soon + dt.timedelta(days=31 * month))
    rows = {r.id: r for r in deals(boss, DealQuery(size=0)).rows}
    told = [[d.flag for d in rows[m.pk].doubts] for m in made]
    assert told == [
        [Flag.PAST_CLOSE], [], [Flag.NO_CLOSE_DATE], [Flag.NO_AMOUNT], [Flag.NO_AMOUNT], [Flag.NO_NEXT_STEP],
        [Flag.NO_NEXT_STEP], [Flag.MISMATCH], [], [Flag.FAR_CLOSE], [Flag.STALE], [],
    ]  # fmt: skip
    assert [d.flag for d in rows[pushed.pk].doubts] == [Flag.PUSHED]
    for flag in Flag:
        expected = sorted(i for i, r in rows.items() if flag in {d.flag for d in r.doubts})
        assert sorted(r.id for r in deals(boss, DealQuery(flag=flag, size=0)).rows) == expected, flag
    expected = sorted(i for i, r in rows.items() if r.doubts)
    assert sorted(r.id for r in deals(boss, DealQuery(flag=ANY, size=0)).rows) == expected


def test_doubts_of_the_past_are_those_of_then(team) -> None:  # type: ignore[no-untyped-def]
    """Stage, pushes and what is typical are counted up to the instant, in the row, the filter and the order alike."""
    _, rep, boss, _ = team
    process = make_process()
    qualify, discover = stage_of(process, "Qualify"), stage_of(process, "Discover")

    def on(month: int, day: int = 1) -> dt.datetime:
        return dt.datetime(2026, month, day, 12, tzinfo=dt.UTC)

    for _ in range(5):
        won = make_deal(rep, process=process, stage=qualify, created_at=on(1))
        move_deal(won, at=on(1, 20), category="WON", close_date=dt.date(2026, 3, 1))
    stale_then = make_deal(rep, process=process, stage=qualify, created_at=on(1), next_step="x")
    move_deal(stale_then, at=on(4), stage=discover)
    returned = make_deal(rep, process=process, stage=qualify, created_at=on(1), next_step="x")
    returned = move_deal(returned, at=on(2), stage=discover)
    move_deal(returned, at=on(3, 9), stage=qualify)
    pushed = make_deal(rep, created_at=on(1), next_step="x", close_date=dt.date(2026, 8, 1))
    for month in (2, 3, 4):
        pushed = move_deal(pushed, at=on(month), close_date=dt.date(2026, 8 + month, 1))

    def flagged(flag: str, at: dt.datetime) -> list[int]:
        return sorted(r.id for r in deals(boss, DealQuery(flag=flag, size=0), at=at).rows)

    assert flagged("STALE", on(1, 30)) == []
    assert flagged("STALE", on(3, 10)) == [stale_then.pk]
    assert flagged("STALE", on(5)) == [returned.pk]
    assert flagged("PUSHED", on(3, 10)) == []
    assert flagged("PUSHED", on(4)) == [pushed.pk]
    assert flagged("STALE", on(1, 19)) == [], "nobody had won yet: nothing was typical"
    for at in (on(1, 19), on(1, 30), on(3, 10), on(4), on(5), on(7)):
        rows = deals(boss, DealQuery(size=0), at=at).rows
        for flag in (*Flag, ANY):
            wanted = [r.id for r in rows if (r.doubts if flag == ANY else flag in {d.flag for d in r.doubts})]
            assert flagged(flag, at) == sorted(wanted), (flag, at)
        for order, value in (("pushes", "push_count"), ("entered", "stage_entered_at")):
            ordered = [getattr(r, value) for r in deals(boss, DealQuery(order=order, size=0), at=at).rows]
            assert ordered == sorted(ordered), (order, at)
        for row in rows:
            past = [past_state_of(v) for v in live_versions([row.id])[row.id] if v.valid_from <= at]
            assert (row.stage_entered_at, row.push_count) == (stage_entered_at(past), push_count(past))


@pytest.mark.parametrize("count", [1, 12])
def test_lists_cost_the_same_for_few_and_many(team, django_assert_num_queries, count: int) -> None:  # type: ignore[no-untyped-def]
    _, rep, boss, _ = team
    process = make_process()
    for _ in range(count):
        make_deal(
            rep, process=process, stage=stage_of(process, "Qualify"), account=make_account(), currency="EUR"
        )
    token = memo.begin()  # as in a request: settings are read once
    try:
        with django_assert_num_queries(8):
            deals(boss, DealQuery())
        with django_assert_num_queries(3):  # rows, totals; typical days of then
            deals(boss, DealQuery(), at=timezone.now() - dt.timedelta(days=2))
    finally:
        memo.end(token)


START = dt.datetime(2025, 6, 1, tzinfo=dt.UTC)
STATES = st.lists(
    st.tuples(
        st.integers(0, 20),
        st.sampled_from([Category.COMMIT, Category.UPSIDE, Category.PIPELINE, Category.OMITTED]),
        st.integers(1, 10**6),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories=st.lists(STATES, min_size=1, max_size=4), hour=st.integers(-1, 100))
def test_as_of_equals_the_fold(histories, hour: int) -> None:  # type: ignore[no-untyped-def]
    """The list at an instant is what folding each deal's history up to it gives; the fold's end is the current row."""
    if not is_set_up():
        make_company()
    owner = make_person()
    folded: dict[int, list[PastState]] = {}
    for steps in histories:
        at, states = START, []
        for hours, category, amount in steps:
            at += dt.timedelta(hours=hours)
            states.append(
                PastState(
                    at,
                    DealState(
                        name="D",
                        owner_id=owner.pk,
                        category=category,
                        amount=Decimal(amount),
                        currency_id="USD",
                    ),
                )
            )
        folded[make_deal_with_past(states).pk] = states
    instant = START + dt.timedelta(hours=hour)
    page = deals(TEST, DealQuery(owner_ids=(owner.pk,), size=0), at=instant)
    wanted = {i: s for i, past in folded.items() if (s := state_as_of(past, instant)) is not None}
    assert {r.id: (r.category, r.amount) for r in page.rows} == {
        i: (s.category, s.amount) for i, s in wanted.items()
    }
    assert page.converted == sum((s.amount or Decimal(0)) for s in wanted.values())
    now = {r.id: (r.category, r.amount) for r in deals(TEST, DealQuery(owner_ids=(owner.pk,), size=0)).rows}
    assert now == {i: (past[-1].state.category, past[-1].state.amount) for i, past in folded.items()}
