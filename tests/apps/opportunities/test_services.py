"""Changing, conflicting, bulk, undoing, rewriting: what is written, and what is refused."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import InternalError, connection, transaction
from django.db.utils import IntegrityError

from opportunities.domain.deal import (
    Category,
    Conflict,
    DealError,
    DealsChanged,
    DealState,
    NotAllowed,
    NotVisible,
    PastState,
    Status,
)
from opportunities.models import Opportunity, OpportunityVersion, ProductFamilyClosure
from opportunities.models.opportunity import FAR_FUTURE_AT
from opportunities.selectors.states import past_state_of
from opportunities.services import (
    change_deal,
    change_deals,
    create_deal,
    new_change_set,
    rewrite_history,
    undo,
)
from organization.domain.roles import Role
from organization.scope import scope_for
from salesops.audit.models import AuditEvent
from tests.factories.opportunities import (
    TEST,
    make_deal,
    make_family,
    make_process,
    make_subcategory,
    move_deal,
    stage_of,
)
from tests.factories.organization import make_company, make_manager, make_rep, make_user

pytestmark = pytest.mark.django_db
REFUSED = (InternalError, IntegrityError)


@pytest.fixture
def people():  # type: ignore[no-untyped-def]
    """Ada manages Ben (a rep with a deal); Cleo is another rep; all have logins."""
    make_company()
    boss, boss_user, _ = make_manager("Ada")
    rep, _, rep_scope = make_rep("Ben", manager=boss)
    _, _, stranger = make_rep("Cleo")
    return boss, rep, scope_for(boss_user), rep_scope, stranger


def live(deal: Opportunity) -> list[OpportunityVersion]:
    return list(
        OpportunityVersion.objects.filter(opportunity=deal, superseded_at=FAR_FUTURE_AT).order_by(
            "valid_from", "seq"
        )
    )


def test_a_change_writes_version_audit_and_lock(people) -> None:  # type: ignore[no-untyped-def]
    _, rep, _, scope, _ = people
    deal = make_deal(rep, amount=120_000, category=Category.COMMIT)
    done = change_deal(
        scope=scope, deal_id=deal.pk, version=1, changes={"category": "UPSIDE", "amount": Decimal(95_000)}
    )
    assert done.fields == ("category", "amount")
    assert (done.deal.version, done.deal.state.amount) == (2, 95_000)
    first, second = live(deal)
    assert first.valid_to == second.valid_from
    assert (second.category, second.seq, second.change_set_id) == ("UPSIDE", 2, done.change_set_id)
    event = AuditEvent.objects.get(verb="CHANGE", object_type="deal", object_id=str(deal.pk))
    assert event.before == {"category": "COMMIT", "amount": "120000.0000", "currency_id": "USD"}
    assert event.after == {"category": "UPSIDE", "amount": "95000", "currency_id": "USD"}


def test_no_difference_writes_nothing(people) -> None:  # type: ignore[no-untyped-def]
    _, rep, _, scope, _ = people
    deal = make_deal(rep)
    assert (
        change_deal(
            scope=scope, deal_id=deal.pk, version=1, changes={"amount": Decimal("1000.00")}
        ).change_set_id
        is None
    )
    assert len(live(deal)) == 1


def test_a_stale_version_is_a_conflict_with_both_values(people) -> None:  # type: ignore[no-untyped-def]
    _, rep, boss, scope, _ = people
    deal = make_deal(rep, amount=100)
    change_deal(scope=boss, deal_id=deal.pk, version=1, changes={"amount": Decimal(200)})
    with pytest.raises(Conflict) as caught:
        change_deal(scope=scope, deal_id=deal.pk, version=1, changes={"amount": Decimal(300)})
    assert caught.value.current == {"amount": 200}
    assert caught.value.theirs == {"amount": 300}
    assert (caught.value.version, caught.value.by) == (2, "Ada")


def test_strangers_do_not_see_and_readers_do_not_change(people) -> None:  # type: ignore[no-untyped-def]
    _, rep, _, _, stranger = people
    deal = make_deal(rep)
    won = make_deal(rep, category=Category.WON, close_date=dt.date(2026, 1, 6))
    with pytest.raises(NotVisible):
        change_deal(scope=stranger, deal_id=deal.pk, version=1, changes={"amount": 1})
    with pytest.raises(NotAllowed):
        change_deal(
            scope=scope_for(make_user(Role.EXECUTIVE)), deal_id=deal.pk, version=1, changes={"next_step": "x"}
        )
    finance = scope_for(make_user(Role.FINANCE))
    with pytest.raises(NotVisible):
        change_deal(scope=finance, deal_id=deal.pk, version=1, changes={"next_step": "x"})
    with pytest.raises(NotAllowed):
        change_deal(scope=finance, deal_id=won.pk, version=1, changes={"next_step": "x"})


def test_a_deal_is_handed_over_only_within_reach(people) -> None:  # type: ignore[no-untyped-def]
    boss, rep, boss_scope, scope, stranger = people
    deal = make_deal(rep)
    with pytest.raises(DealError, match="owner"):
        change_deal(scope=scope, deal_id=deal.pk, version=1, changes={"owner_id": boss.pk})
    with pytest.raises(DealError):
        change_deal(scope=boss_scope, deal_id=deal.pk, version=1, changes={"owner_id": stranger.person_id})
    assert (
        change_deal(scope=boss_scope, deal_id=deal.pk, version=1, changes={"owner_id": boss.pk}).deal.version
        == 2
    )


def test_winning_moves_stage_and_reopening_restores_it(people) -> None:  # type: ignore[no-untyped-def]
    _, rep, _, scope, _ = people
    process = make_process()
    deal = make_deal(
        rep, process=process, stage=stage_of(process, "Negotiate"), category="COMMIT", probability=Decimal(80)
    )
    won = change_deal(scope=scope, deal_id=deal.pk, version=1, changes={"category": "WON"}).deal.state
    assert (won.status, won.stage_id, won.probability) == (Status.WON, stage_of(process, "Won").pk, 100)
    again = change_deal(scope=scope, deal_id=deal.pk, version=2, changes={"category": "UPSIDE"}).deal.state
    assert (again.status, again.stage_id, again.category) == (
        Status.OPEN,
        stage_of(process, "Negotiate").pk,
        "UPSIDE",
    )


def test_bulk_is_one_act_and_reports_what_it_left(people) -> None:  # type: ignore[no-untyped-def]
    _, rep, boss, scope, stranger = people
    deals = [make_deal(rep, amount=i) for i in range(1, 4)]
    foreign = make_deal(None)
    unpriced = make_deal(rep, amount=None)
    move_deal(deals[2], next_step="Call")
    items = [(d.pk, 1) for d in [*deals, foreign, unpriced]]
    done = change_deals(scope=scope, items=items, changes={"category": "WON"})
    assert [c.deal.id for c in done.changed] == [deals[0].pk, deals[1].pk]
    reasons = {r.id: r for r in done.refused}
    assert reasons[deals[2].pk].is_conflict
    assert "no such deal" in reasons[foreign.pk].message
    assert "amount" in reasons[unpriced.pk].message
    assert {v.change_set_id for d in deals[:2] for v in live(d)[1:]} == {done.change_set_id}
    back = undo(scope=scope, change_set_id=done.change_set_id or 0)
    assert len(back.changed) == 2
    assert {Opportunity.objects.get(pk=d.pk).status for d in deals} == {"OPEN"}
    assert undo(scope=scope, change_set_id=done.change_set_id or 0).change_set_id is None
    with pytest.raises(NotVisible):
        undo(scope=stranger, change_set_id=done.change_set_id or 0)
    with pytest.raises(NotVisible):
        undo(scope=boss, change_set_id=done.change_set_id or 0)


def test_undo_leaves_what_others_changed_since(people) -> None:  # type: ignore[no-untyped-def]
    _, rep, boss, scope, _ = people
    one, two = make_deal(rep, amount=1), make_deal(rep, amount=2)
    act = change_deals(scope=scope, items=[(one.pk, 1), (two.pk, 1)], changes={"category": "COMMIT"})
    change_deal(scope=boss, deal_id=two.pk, version=2, changes={"category": "UPSIDE"})
    change_deal(scope=boss, deal_id=one.pk, version=2, changes={"next_step": "Sign"})
    back = undo(scope=scope, change_set_id=act.change_set_id or 0)
    assert [c.deal.id for c in back.changed] == [one.pk]
    assert [(r.id, r.message) for r in back.refused] == [(two.pk, "Changed since by Ada.")]
    row = Opportunity.objects.get(pk=one.pk)
    assert (row.category, row.next_step) == ("PIPELINE", "Sign")


def test_undo_that_finds_nothing_to_put_back_leaves_the_deal_as_it_is(people) -> None:  # type: ignore[no-untyped-def]
    """An import has learnt that the deal was before the edit what the edit made it."""
    _, rep, *_ = people
    deal = make_deal(rep, amount=100)
    act = change_deal(scope=TEST, deal_id=deal.pk, version=1, changes={"amount": Decimal(150)}).change_set_id
    assert act is not None
    first, second = map(past_state_of, live(deal))
    corrected = replace(first, state=second.state, change_set_id=new_change_set(scope=TEST, kind="IMPORT"))
    rewrite_history(change_set_id=act, histories={deal.pk: [corrected, second]})
    row = Opportunity.objects.get(pk=deal.pk)
    assert undo(scope=TEST, change_set_id=act) == DealsChanged(None)
    assert Opportunity.objects.values_list("version", "changed_at").get() == (row.version, row.changed_at)


def test_undo_takes_back_the_push_and_the_stage_entry(people) -> None:  # type: ignore[no-untyped-def]
    _, rep, _, scope, _ = people
    process = make_process()
    deal = make_deal(rep, process=process, stage=stage_of(process, "Qualify"))
    entered = deal.stage_entered_at
    done = change_deal(
        scope=scope, deal_id=deal.pk, version=1,
        changes={"close_date": dt.date(2027, 3, 1), "stage_id": stage_of(process, "Discover").pk},
    )  # fmt: skip
    deal.refresh_from_db()
    assert (deal.push_count, deal.stage_entered_at) == (1, deal.changed_at)
    undo(scope=scope, change_set_id=done.change_set_id or 0)
    deal.refresh_from_db()
    assert (deal.push_count, deal.stage_entered_at) == (0, entered)


def test_a_created_deal_belongs_to_its_maker_and_can_be_undone(people) -> None:  # type: ignore[no-untyped-def]
    _, rep, _, scope, stranger = people
    made = create_deal(scope=scope, values={"name": "New one", "amount": Decimal(5)})
    assert (made.deal.state.owner_id, made.deal.state.currency_id) == (rep.pk, "USD")
    with pytest.raises(NotAllowed):
        create_deal(scope=stranger, values={"name": "Not mine", "owner_id": rep.pk})
    with pytest.raises(DealError):
        create_deal(scope=scope, values={"name": "  "})
    undo(scope=scope, change_set_id=made.change_set_id or 0)
    assert Opportunity.objects.get(pk=made.deal.id).is_deleted


def test_subcategory_follows_its_category(people) -> None:  # type: ignore[no-untyped-def]
    _, rep, _, scope, _ = people
    risk = make_subcategory()
    deal = make_deal(rep, category="COMMIT", subcategory=risk)
    assert (
        change_deal(
            scope=scope, deal_id=deal.pk, version=1, changes={"category": "UPSIDE"}
        ).deal.state.subcategory_id
        is None
    )
    with pytest.raises(DealError, match="another category"):
        change_deal(scope=scope, deal_id=deal.pk, version=2, changes={"subcategory_id": risk.pk})


DAY = dt.timedelta(days=1)
START = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)


def past(*amounts: int, step: dt.timedelta = DAY) -> list[PastState]:
    return [
        PastState(
            START + step * i,
            DealState(name="Deal", amount=Decimal(a).quantize(Decimal("0.0001")), currency_id="USD"),
        )
        for i, a in enumerate(amounts)
    ]


def test_rewriting_history_supersedes_and_follows(people) -> None:  # type: ignore[no-untyped-def]
    deal = make_deal(None, name="Deal", started_on=None, amount=5, close_date=None, created_at=START)
    act = new_change_set(scope=TEST, kind="IMPORT")
    assert rewrite_history(change_set_id=act, histories={deal.pk: past(5, 6, 7)}) == 1
    deal.refresh_from_db()
    assert (deal.amount, deal.changed_at, deal.version) == (7, START + 2 * DAY, 3)
    assert [v.amount for v in live(deal)] == [5, 6, 7]
    assert OpportunityVersion.objects.filter(opportunity=deal).count() == 3
    assert rewrite_history(change_set_id=act, histories={deal.pk: past(5, 6, 7)}) == 0
    rewrite_history(change_set_id=act, histories={deal.pk: past(5, 8)})
    deal.refresh_from_db()
    assert ([v.amount for v in live(deal)], deal.amount, deal.version) == ([5, 8], 8, 4)
    assert OpportunityVersion.objects.filter(opportunity=deal).count() == 4
    rewrite_history(change_set_id=act, histories={deal.pk: []})
    deal.refresh_from_db()
    assert deal.is_deleted
    assert live(deal) == []
    rewrite_history(change_set_id=act, histories={deal.pk: past(9)})
    deal.refresh_from_db()
    assert (deal.is_deleted, deal.amount, len(live(deal))) == (False, 9, 1)


def test_same_instant_states_keep_their_order(people) -> None:  # type: ignore[no-untyped-def]
    deal = make_deal(None, name="Deal", started_on=None, amount=1, close_date=None, created_at=START)
    act = new_change_set(scope=TEST, kind="IMPORT")
    rewrite_history(change_set_id=act, histories={deal.pk: past(3, 2, 1, step=dt.timedelta(0))})
    deal.refresh_from_db()
    assert ([v.amount for v in live(deal)], deal.amount) == ([3, 2, 1], 1)


def test_the_database_refuses_what_bypasses_the_services(people) -> None:  # type: ignore[no-untyped-def]
    deal = make_deal(people[1])
    statements = [
        "UPDATE opportunities_opportunity SET amount = 1",
        "UPDATE opportunities_opportunity SET amount = 1, version = version + 1, changed_at = changed_at - interval '1 day'",
        "UPDATE opportunities_opportunityversion SET amount = 1",
        "DELETE FROM opportunities_opportunityversion",
        "DELETE FROM opportunities_opportunity",
        "UPDATE opportunities_opportunity SET category = 'WON', version = version + 1",
    ]
    for statement in statements:
        with pytest.raises(REFUSED), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE opportunities_opportunity SET amount = 7, version = version + 1, changed_at = now()"
        )
    assert [v.amount for v in live(deal)] == [1000, 7]


def test_family_closure() -> None:
    root = make_family("All")
    leaf = make_family("Suite", make_family("Apps", root))
    assert set(ProductFamilyClosure.objects.filter(descendant=leaf).values_list("ancestor__name", "depth")) == {
        ("All", 2), ("Apps", 1), ("Suite", 0),
    }  # fmt: skip
