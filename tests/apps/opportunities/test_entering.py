"""A deal and the stage it enters agree on whether it is open, whoever changes either meanwhile."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connections, transaction

from opportunities.domain.deal import DealError
from opportunities.models import ImportBatch, Opportunity, SalesProcess, Stage
from opportunities.selectors import rule_book
from opportunities.services import change_deal, change_deals, create_deal, remove_deal, undo
from opportunities.services.imports import answer_import, plan_import, receive_import
from opportunities.services.imports_undo import undo_import
from opportunities.services.setup import SetupError, remove, save_stage
from organization.selectors import memo
from salesops.jobs.services import run_here
from tests.factories.opportunities import TEST, make_deal, make_process, move_deal, stage_of
from tests.factories.organization import make_company, make_person

CLOSED_ON = dt.date(2026, 1, 5)


@pytest.fixture
def process() -> SalesProcess:
    make_company()
    return make_process()


def mean(stage: Stage, status: str, category: str = "PIPELINE") -> None:
    save_stage(
        process_id=stage.process_id, stage_id=stage.pk, name=stage.name, status=status, category=category,
        probability=Decimal(50), scope=TEST,
    )  # fmt: skip


def enter(way: str, process: SalesProcess, stage: Stage) -> Callable[[], object]:
    """The ways in which a deal comes to stand in the stage, each ready to be gone."""
    talk = stage_of(process, "Qualify")
    if way == "creation":
        return lambda: create_deal(scope=TEST, values={"name": "New", "stage_id": stage.pk})
    deal = make_deal(make_person(), process=process, stage=talk)
    if way == "undo":
        make = move_deal(make_deal(make_person(), process=process, stage=stage), stage_id=talk.pk)
        return lambda: undo(scope=TEST, change_set_id=make.change_set_id)
    changes: dict[str, Any] = {"stage_id": stage.pk}
    if way == "bulk edit":
        return lambda: change_deals(scope=TEST, items=[(deal.pk, 1)], changes=changes)
    return lambda: change_deal(scope=TEST, deal_id=deal.pk, version=1, changes=changes)


def beside(work: Callable[[], object], begun: threading.Event) -> threading.Thread:
    """Another connection, which has read the rules, as the request of a page has, before it does its work."""

    def run() -> None:
        try:
            with memo.held():
                rule_book()
                begun.set()
                work()
        except (DealError, SetupError):
            pass  # refused: the deal is left as it was
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def disagreeing() -> list[tuple[str, str, str]]:
    rows = Opportunity.objects.filter(is_deleted=False, stage__isnull=False)
    found = rows.values_list("name", "status", "stage__status")
    return [row for row in found if row[1] != row[2]]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", ["edit", "bulk edit", "creation", "undo"])
def test_a_stage_that_becomes_won_meanwhile_takes_no_open_deal(process: SalesProcess, way: str) -> None:
    stage = stage_of(process, "Propose")
    work, begun = enter(way, process, stage), threading.Event()
    with transaction.atomic():
        mean(stage, "WON")
        other = beside(work, begun)
        assert begun.wait(5)
        other.join(0.5)
        assert other.is_alive(), "the deal waits for what the stage will mean"
    other.join(10)
    assert not disagreeing()


@pytest.mark.django_db(transaction=True)
def test_a_won_stage_that_becomes_open_meanwhile_closes_no_deal(process: SalesProcess) -> None:
    stage = stage_of(process, "Won")
    deal, begun = (
        make_deal(make_person(), process=process, stage=stage_of(process, "Qualify")),
        threading.Event(),
    )
    changes = {"category": "WON", "close_date": CLOSED_ON}
    with transaction.atomic():
        mean(stage, "OPEN")
        other = beside(lambda: change_deal(scope=TEST, deal_id=deal.pk, version=1, changes=changes), begun)
        assert begun.wait(5)
        other.join(0.5)
    other.join(10)
    deal.refresh_from_db()
    assert (deal.status, deal.stage_id) == ("WON", stage_of(process, "Qualify").pk), (
        "there is no stage to win in"
    )


@pytest.mark.django_db(transaction=True)
def test_two_who_change_a_stage_at_once_do_not_write_back_what_it_meant(process: SalesProcess) -> None:
    stage, begun = stage_of(process, "Propose"), threading.Event()
    with transaction.atomic():
        mean(stage, "WON")
        deal = make_deal(make_person(), process=process, stage=stage, category="WON")
        other = beside(lambda: mean(stage, "OPEN"), begun)
        assert begun.wait(5)
        other.join(0.5)
    other.join(10)
    stage.refresh_from_db()
    assert (deal.status, stage.status) == ("WON", "WON")


@pytest.mark.django_db(transaction=True)
def test_a_stage_that_is_removed_meanwhile_is_not_found(process: SalesProcess) -> None:
    stage, begun = stage_of(process, "Propose"), threading.Event()
    deal = make_deal(make_person(), process=process, stage=stage_of(process, "Qualify"))
    told: list[str] = []

    def move() -> None:
        try:
            change_deal(scope=TEST, deal_id=deal.pk, version=1, changes={"stage_id": stage.pk})
        except DealError as error:
            told.append(error.message)

    with transaction.atomic():
        remove(kind="stage", row_id=stage.pk, scope=TEST)
        other = beside(move, begun)
        assert begun.wait(5)
        other.join(0.5)
    other.join(10)
    assert told == ["Choose a stage of this deal's process."]


@pytest.mark.django_db
def test_what_left_a_stage_before_it_became_won_is_not_brought_back_to_it(process: SalesProcess) -> None:
    stage, owner = stage_of(process, "Propose"), make_person()
    made = create_deal(scope=TEST, values={"name": "Slip", "owner_id": owner.pk, "stage_id": stage.pk}).deal
    removed = remove_deal(scope=TEST, deal_id=made.id, version=made.version)
    closed = move_deal(make_deal(owner, process=process, stage=stage), category="LOST", close_date=CLOSED_ON)
    mean(stage, "WON")
    for act in (removed.change_set_id, closed.change_set_id):
        refused = undo(scope=TEST, change_set_id=act or 0).refused
        assert [one.message for one in refused] == ["Its stage has another meaning now."]
    reopened = move_deal(closed, category="PIPELINE")
    assert (reopened.status, reopened.stage_id) == ("OPEN", None)
    assert not disagreeing()


@pytest.mark.django_db
def test_what_a_file_told_is_brought_back_as_it_was(process: SalesProcess) -> None:
    odd = make_deal(make_person(), process=process, stage=stage_of(process, "Won"), category="COMMIT")
    closed = move_deal(odd, category="WON", close_date=CLOSED_ON)
    undo(scope=TEST, change_set_id=closed.change_set_id)
    odd.refresh_from_db()
    assert (odd.status, odd.category) == ("OPEN", "COMMIT")


@pytest.mark.django_db
def test_an_import_planned_while_a_stage_was_open_writes_nothing_into_it_once_it_is_won(
    process: SalesProcess, tmp_path: Path
) -> None:
    first = planned(tmp_path, "D-1")
    assert run_here(kind="opportunities.apply_import", payload={"batch_id": first}).state == "DONE"
    deal = move_deal(Opportunity.objects.get(external_id="D-1"), stage_id=None)
    second, stage = planned(tmp_path, "D-2"), Stage.objects.get(name="Talk")
    mean(stage, "WON")
    run_here(kind="opportunities.apply_import", payload={"batch_id": second})
    assert ImportBatch.objects.get(pk=second).error.startswith("What a stage means has changed")
    assert list(Opportunity.objects.values_list("external_id", flat=True)) == [deal.external_id]
    third = planned(tmp_path, "D-2")
    assert run_here(kind="opportunities.apply_import", payload={"batch_id": third}).state == "DONE"
    assert Opportunity.objects.get(external_id="D-2").status == "WON"


@pytest.mark.django_db
@pytest.mark.parametrize(("becomes", "is_kept"), [("WON", True), ("OPEN", False)])
def test_undoing_an_import_brings_no_open_deal_back_into_a_stage_that_is_won_by_now(
    process: SalesProcess, tmp_path: Path, becomes: str, is_kept: bool
) -> None:
    for stage in ("Talk", "Ask"):
        batch_id = planned(tmp_path, "D-1", stage)
        assert run_here(kind="opportunities.apply_import", payload={"batch_id": batch_id}).state == "DONE"
    mean(Stage.objects.get(name="Talk"), becomes)
    done = undo_import(batch_id=batch_id, actor_id=None, actor_name="test")
    deal = Opportunity.objects.get(external_id="D-1")
    assert (done.deals_kept, deal.stage.name if deal.stage else "") == (
        (1, "Ask") if is_kept else (0, "Talk")
    )
    assert not disagreeing()


def planned(folder: Path, key: str, stage: str = "Talk") -> int:
    """A file with one deal in the stage, read and ready to be applied."""
    path = folder / "deals.csv"
    path.write_text(f"Deal ID,Deal Name,Stage,Amount,Close Date\n{key},Deal,{stage},5,2026-01-15\n")
    batch_id = receive_import(path=path, scope=TEST, actor_name="test")
    answer_import(batch_id=batch_id, answers={f"stage:{stage}": "PIPELINE"}, repairs={})
    assert not plan_import(batch_id=batch_id).is_blocked
    return batch_id
