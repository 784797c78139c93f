"""Undo beside writers: what somebody was told is saved stays, what undo therefore leaves is told with the reason."""

import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from opportunities.domain.deal import DealsChanged, PastState
from opportunities.models import (
    Account,
    ChangeSet,
    ImportBatch,
    ImportEffect,
    Opportunity,
    OpportunityVersion,
)
from opportunities.models.opportunity import FAR_FUTURE_AT
from opportunities.selectors.states import live_versions, past_state_of, state_of
from opportunities.services import change_deal, change_deals, rewrite_history, undo
from opportunities.services.imports_apply import apply_import
from opportunities.services.imports_undo import Undone
from organization.models import Person
from pipeline import rollups
from pipeline.models import RollupQueue
from pipeline.selectors.invariants import findings
from tests.factories.crowd import Crowd, link, same_moment, waits_for_lock
from tests.factories.desks import NOTE, Desk, lost
from tests.factories.organization import TEST, make_company
from tests.factories.pipeline import make_world, many_deals
from tests.stories.small_imports import Files, Steps, deals, imported, planned, undone

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
SECONDS, DESKS, SAVED = 1.5, 8, 40


def _rows(numbers: Iterable[int], amount: int) -> Files:
    owner = "Ann Smith" if amount == 100 else "Bob Stone"
    return deals(
        *(f"D-{n},Deal {n},Acme {n % 7},{owner},Verbal OK,{amount},2026-12-{n % 28 + 1:02}" for n in numbers)
    )


def _live(deal_ids: Iterable[int], acts: Iterable[int]) -> set[int]:
    """Of these deals, those of which something these acts say still stands."""
    found = OpportunityVersion.objects.filter(
        opportunity_id__in=deal_ids, change_set_id__in=acts, superseded_at=FAR_FUTURE_AT
    )
    return set(found.values_list("opportunity_id", flat=True))


def _crowd(desks: list[Desk], work: Callable[[], object]) -> None:
    """The desks, the folder and a reader, and this work once enough was saved for it to find something changed."""
    crowd = Crowd(SECONDS)

    def in_the_midst() -> None:
        while crowd.errors == [] and sum(len(desk.saved) for desk in desks) < SAVED:
            time.sleep(0.01)
        work()

    for number, desk in enumerate(desks):
        crowd.start(f"desk {number}", desk.work)
    crowd.start("folder", rollups.fold, 0.05)
    crowd.start("reader", same_moment, 0.02)
    crowd.once("undo", in_the_midst, after=0.1)
    crowd.run()
    assert min(crowd.done["undo"], crowd.done["reader"], crowd.done["folder"]) > 0


def _at_rest() -> None:
    rollups.fold()
    assert not RollupQueue.objects.exists()
    same_moment()
    assert [f.broken for f in findings() if not f.holds] == []


def test_an_import_is_undone_while_its_deals_are_edited(tmp_path: Path) -> None:
    make_company()
    imported(tmp_path, _rows(range(120), 100))
    before = {row.pk: state_of(row) for row in Opportunity.objects.all()}
    batch = imported(tmp_path, _rows(range(60, 180), 200))
    written = dict(
        ImportEffect.objects.filter(batch_id=batch, kind="OPPORTUNITY").values_list("object_id", "action")
    )
    people = list(Person.objects.values_list("pk", flat=True))
    desks = [Desk([*before, *written], people, seed) for seed in range(DESKS)]
    told: list[Undone] = []
    _crowd(desks, lambda: told.append(undone(batch)))
    _at_rest()
    assert lost(desks) == []
    (done,) = told
    kept = {one.id for one in done.kept if one.kind == "OPPORTUNITY"}
    assert {one.reason for one in done.kept if one.kind == "OPPORTUNITY"} == {"CHANGED"}
    assert 0 < len(kept) == done.deals_kept < len(written)
    touched = {pk for desk in desks for pk, _ in desk.saved} | {pk for desk in desks for pk in desk.shared}
    assert kept <= touched, "nothing is left that nobody changed"
    sets = ImportBatch.objects.get(pk=batch).files.values_list("change_set_id", flat=True)
    assert _live(written, sets) == kept, "of the others nothing the import said stands"
    rows = {row.pk: row for row in Opportunity.objects.filter(pk__in=set(written) - kept)}
    gone = {pk for pk, row in rows.items() if row.is_deleted}
    assert gone == {pk for pk in rows if written[pk] == "CREATED"}
    untouched = set(rows) - gone - touched
    assert untouched
    assert {pk: state_of(rows[pk]) for pk in untouched} == {pk: before[pk] for pk in untouched}


def test_a_bulk_change_is_undone_while_its_deals_are_edited() -> None:
    world = make_world()
    ids = many_deals(150, world)
    before = {row.pk: state_of(row) for row in Opportunity.objects.all()}
    changes: dict[str, Any] = {"amount": Decimal(7000), "category": "COMMIT"}
    items = list(Opportunity.objects.values_list("pk", "version"))
    act = change_deals(scope=TEST, items=items, changes=changes).change_set_id
    assert act is not None
    desks = [Desk(ids, [person.pk for person in world.people], seed) for seed in range(DESKS)]
    told: list[DealsChanged] = []
    _crowd(desks, lambda: told.append(undo(scope=TEST, change_set_id=act)))
    _at_rest()
    assert lost(desks) == []
    (done,) = told
    changed, left = {one.deal.id for one in done.changed}, {one.id for one in done.refused}
    assert (changed | left, changed & left) == (set(ids), set())
    assert changed
    assert left
    assert all(one.is_conflict and one.message.startswith("Changed since by ") for one in done.refused)
    assert left <= {pk for desk in desks for pk, _ in desk.saved}, "nothing is left that nobody changed"
    assert _live(ids, [done.change_set_id or 0]) == changed
    for deal_id, versions in live_versions(changed).items():
        states = {later.change_set_id: (earlier, later) for earlier, later in pairwise(versions)}
        former, after = map(state_of, states[done.change_set_id or 0])
        assert (former.amount, former.category) == (7000, "COMMIT"), "what it took back was still so"
        was = {"amount": before[deal_id].amount, "category": before[deal_id].category}
        assert after == replace(former, **was), "and all else is as somebody left it"
    acts = {act for desk in desks for _, act in desk.saved}
    noted = set(ChangeSet.objects.filter(note=NOTE).values_list("pk", flat=True))
    assert noted <= acts, "who was told of a conflict has written nothing"
    assert sum(desk.told["conflict"] for desk in desks) > 0


def test_a_bulk_change_under_way_when_an_import_begins_is_not_lost_by_undoing_it(tmp_path: Path) -> None:
    """It is dated before the import, and its second batch is recorded after the import began."""
    make_company()
    imported(tmp_path, _rows(range(204), 100))
    items = list(Opportunity.objects.order_by("pk").values_list("pk", "version"))
    batch = planned(tmp_path, _rows(range(204), 200))
    crowd = Crowd(1.0)
    with closing(link()) as holder, holder.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(7201, 2)")  # who writes a deal waits

        def release() -> None:
            waits_for_lock("UPDATE")
            began = time.monotonic()
            while ImportBatch.objects.get(pk=batch).applied_at is None:
                assert time.monotonic() < began + 10
            holder.rollback()

        crowd.once(
            "bulk", lambda: change_deals(scope=TEST, items=items, changes={"next_step": "call"}), after=0.0
        )
        crowd.once("import", lambda: _after_waiting(lambda: apply_import(batch_id=batch, steps=Steps())), 0.0)
        crowd.once("release", release, after=0.0)
        crowd.run()
    assert set(Opportunity.objects.values_list("next_step", "amount")) == {("call", 200)}
    done = undone(batch)
    assert set(Opportunity.objects.values_list("next_step", flat=True)) == {"call"}
    kept = {one.id for one in done.kept if one.kind == "OPPORTUNITY"}
    assert kept == {pk for pk, _ in items[200:]}
    assert set(Opportunity.objects.exclude(pk__in=kept).values_list("amount", flat=True)) == {100}
    _at_rest()


def _after_waiting(work: Callable[[], object]) -> None:
    waits_for_lock("UPDATE")
    work()


def test_undoing_an_import_and_an_act_before_it_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """The import's undo records that act anew, so it needs the act to stay; the act's undo needs the deals."""
    make_company()
    imported(tmp_path, _rows(range(4), 100))
    items = list(Opportunity.objects.order_by("pk").values_list("pk", "version"))
    act = change_deals(scope=TEST, items=items, changes={"next_step": "call"}).change_set_id
    assert act is not None
    batch = imported(tmp_path, _rows(range(4), 200))
    crowd = Crowd(0.5)
    with closing(link()) as holder, holder.cursor() as cursor:
        cursor.execute("SELECT 1 FROM opportunities_opportunity WHERE id = %s FOR UPDATE", [items[-1][0]])

        def release() -> None:
            time.sleep(0.8)
            holder.rollback()

        crowd.once("import's undo", lambda: undone(batch), after=0.0)
        crowd.once("act's undo", lambda: undo(scope=TEST, change_set_id=act), after=0.3)
        crowd.once("release", release, after=0.0)
        crowd.run()
    assert set(Opportunity.objects.values_list("next_step", "amount")) == {("", 100)}
    _at_rest()


def test_what_an_undo_puts_back_is_what_is_known_once_the_deal_is_held() -> None:
    """An import that corrects the past of an edited deal comes first; the undo waits for it and follows it."""
    world = make_world()
    (deal_id,) = many_deals(1, world)
    done = change_deal(scope=TEST, deal_id=deal_id, version=1, changes={"amount": Decimal(150)})
    act = done.change_set_id
    assert act is not None
    first, second = (past_state_of(version) for version in live_versions([deal_id])[deal_id])
    corrected = PastState(first.valid_from, replace(first.state, amount=Decimal(120)))
    edited = PastState(second.valid_from, second.state, change_set_id=act)
    crowd = Crowd(0.2)

    def correct() -> None:
        with transaction.atomic():
            now = ChangeSet.objects.create(kind="IMPORT", at=timezone.now(), actor_name="test").pk
            rewrite_history(change_set_id=now, histories={deal_id: [corrected, edited]})
            waits_for_lock("opportunities_opportunity")

    crowd.once("import", correct, after=0.0)
    crowd.once("undo", lambda: undo(scope=TEST, change_set_id=act), after=0.3)
    crowd.run()
    assert Opportunity.objects.get(pk=deal_id).amount == 120
    _at_rest()


def test_a_record_edited_while_the_undo_runs_is_left_and_named(tmp_path: Path) -> None:
    make_company()
    head = "account,sector,revenue,employees,office_location,subsidiary_of\n"
    imported(tmp_path, {"accounts.csv": head + "Acme,retail,1,10,Peru,\nBolt,retail,2,20,Chile,\n"})
    batch = imported(tmp_path, {"accounts.csv": head + "Acme,bank,1,10,Peru,\nBolt,bank,2,20,Chile,\n"})
    acme = Account.objects.get(name="Acme")
    told: list[Undone] = []
    crowd = Crowd(0.2)

    def edit() -> None:
        with transaction.atomic():
            Account.objects.filter(pk=acme.pk).update(industry="mining")
            waits_for_lock("opportunities_account")

    crowd.once("edit", edit, after=0.0)
    crowd.once("undo", lambda: told.append(undone(batch)), after=0.3)
    crowd.run()
    assert dict(Account.objects.values_list("name", "industry")) == {"Acme": "mining", "Bolt": "retail"}
    assert [(one.name, one.reason) for one in told[0].kept] == [("Acme", "CHANGED")]
