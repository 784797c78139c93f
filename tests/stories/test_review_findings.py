"""What a second reading of history, figures and visibility found, each held by a test."""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from opportunities.models import ImportBatch, Opportunity, OpportunityLine, OpportunityVersion
from opportunities.services.imports import (
    ImportRefused,
    answer_import,
    plan_import,
    recognise_import,
    start_import,
)
from opportunities.services.imports_apply import apply_import
from opportunities.services.imports_undo import undo_import
from organization.domain.scope import Scope
from organization.models import Person
from organization.scope import scope_for
from organization.services import set_manager
from pipeline.domain.trees import Tree
from pipeline.rollups import differences
from pipeline.selectors import node_cells
from salesops.audit.models import AuditEvent
from tests.factories.opportunities import TEST, make_account, make_deal, make_product, move_deal
from tests.factories.organization import make_company, make_manager, make_person, make_rep

pytestmark = pytest.mark.django_db
HEAD = "Deal ID,Deal Name,Account Name,Owner,Stage,Amount,Close Date\n"
ANSWERS = {
    "stage:Verbal OK": "COMMIT",
    "stage:Closed Won": "WON",
    "stage:Closed Lost": "LOST",
    "missing-owners": "create",
}
SYSTEM = Scope.system("test")


class Steps:
    """Runs every step once; `between` is called before each chunk of deals, as another session would act."""

    def __init__(self, between=None) -> None:
        self.between = between

    @contextmanager
    def step(self, name):
        if name.startswith("deals") and self.between is not None:
            self.between()
        yield True

    def progress(self, done=None, total=None, phase=None) -> None:
        pass


@pytest.fixture(autouse=True)
def company() -> None:
    make_company()


def planned(tmp_path: Path, text: str, name: str = "deals.csv") -> int:
    path = tmp_path / name
    path.write_text(text)
    batch_id = start_import(path=path, scope=SYSTEM, actor_name="Ada")
    recognise_import(batch_id=batch_id, source="crm")
    answer_import(batch_id=batch_id, answers=ANSWERS, repairs={})
    plan = plan_import(batch_id=batch_id)
    assert not plan.is_blocked, plan.questions
    return batch_id


def imported(tmp_path: Path, *rows: str, between=None, head: str = HEAD) -> int:
    batch_id = planned(tmp_path, head + "".join(f"{row}\n" for row in rows))
    apply_import(batch_id=batch_id, steps=Steps(between))
    return batch_id


def undone(batch_id: int, name: str = "Uma"):
    return undo_import(batch_id=batch_id, actor_id=7, actor_name=name)


def deal(key: str = "D-1") -> Opportunity:
    return Opportunity.objects.get(external_id=key)


OPEN = "D-1,Roof,Acme,Ann Smith,Verbal OK,100,2026-12-20"


def test_imports_are_undone_one_after_the_other(tmp_path: Path) -> None:
    """What an import changed and its undo put back is not 'changed since' for the import before it."""
    first = imported(tmp_path, OPEN)
    second = imported(tmp_path, OPEN.replace("100", "150"))
    third = imported(tmp_path, OPEN.replace("100", "175"))
    assert undone(third).deals_restored == 1
    assert deal().amount == 150
    assert undone(second).deals_restored == 1
    assert deal().amount == 100
    done = undone(first)
    assert (done.deals_removed, done.deals_kept) == (1, 0)
    assert deal().is_deleted
    assert not OpportunityVersion.objects.filter(superseded_at__year=9999).exists()
    assert not differences()


def test_an_edit_between_two_imports_survives_undoing_both(tmp_path: Path) -> None:
    first = imported(tmp_path, OPEN)
    move_deal(deal(), amount=Decimal(120))
    second = imported(tmp_path, OPEN.replace("100", "150"))
    assert deal().amount == 150
    assert undone(second).deals_restored == 1
    assert deal().amount == 120
    done = undone(first)
    assert (done.deals_removed, done.deals_kept) == (0, 1)
    assert deal().amount == 120
    assert not deal().is_deleted


def test_an_edit_while_an_import_runs_does_not_stop_it(tmp_path: Path) -> None:
    """The import dates its changes from its own start; an edit may lie after that."""
    imported(tmp_path, OPEN)
    won = OPEN.replace("Verbal OK", "Closed Won").replace("2026-12-20", "2026-11-02")
    imported(tmp_path, won, between=lambda: move_deal(deal(), next_step="Call"))
    row = deal()
    assert row.status == "WON"
    starts = list(
        row.versions.filter(superseded_at__year=9999).order_by("seq").values_list("valid_from", flat=True)
    )
    assert starts == sorted(starts)
    assert not differences()


def test_the_audit_trail_names_who_undid(tmp_path: Path) -> None:
    undone(imported(tmp_path, OPEN), "Uma Underhill")
    event = AuditEvent.objects.get(verb="UNDO_IMPORT")
    assert (event.actor_id, event.actor_name) == (7, "Uma Underhill")


def test_deals_that_undo_leaves_keep_their_owner(tmp_path: Path) -> None:
    batch_id = imported(tmp_path, OPEN, OPEN.replace("D-1", "D-2").replace("Ann Smith", "Bob Stone"))
    move_deal(deal(), next_step="Call")
    done = undone(batch_id)
    assert (done.deals_removed, done.deals_kept) == (1, 1)
    ann = Person.objects.get(pk=deal().owner_id)
    assert (ann.name, ann.is_active, ann.source) == ("Ann Smith", True, "crm")
    assert deal().stage.is_active
    assert deal().account.is_active
    imported(tmp_path, OPEN, OPEN.replace("D-1", "D-2"))
    assert Person.objects.filter(name="Ann Smith").count() == 1


def test_a_deal_brought_back_is_created_when_the_new_file_says(tmp_path: Path) -> None:
    head = HEAD.strip() + ",Created Date\n"
    undone(imported(tmp_path, OPEN + ",2025-03-04", head=head))
    imported(tmp_path, OPEN + ",2025-04-03", head=head)
    assert deal().created_at.date() == dt.date(2025, 4, 3)


def test_a_later_import_that_was_cancelled_half_way_is_undone_first(tmp_path: Path) -> None:
    from opportunities.services.imports import ImportRefused

    first = imported(tmp_path, OPEN)
    second = imported(tmp_path, OPEN.replace("100", "150"))
    for state in ("RUNNING", "CANCELLED"):
        ImportBatch.objects.filter(pk=second).update(state=state)
        with pytest.raises(ImportRefused):
            undone(first)


# --- Visibility -------------------------------------------------------------------------------------------------


def test_a_rep_who_leads_others_without_the_role_reads_own_sums_only() -> None:
    rep, _user, _ = make_rep("Rep")
    make_deal(rep, amount=10)
    make_deal(make_person("Below", manager=rep), amount=1000)
    cells = node_cells(scope_for(_user), tree=Tree.PEOPLE, node_ids=[rep.pk])
    assert sum(cell.amount for cell in cells) == 10


@pytest.mark.parametrize("path", ["/metrics/ask/", "/metrics/ask.csv", "/metrics/deals/", "/api/v1/figures"])
@pytest.mark.parametrize(("field", "name"), [("account", "Secretcorp"), ("owner", "Hidden Person")])
def test_filters_do_not_tell_of_what_the_viewer_does_not_see(path: str, field: str, name: str) -> None:
    rep, user, _ = make_rep("Rep")
    make_deal(rep, account=make_account("Acme"))
    stranger = make_person("Hidden Person")
    make_deal(stranger, account=make_account("Secretcorp"))
    client = Client()
    client.force_login(user)
    existing = client.get(path, {"metric": "count", "where": f"{field}={name}"})
    missing = client.get(path, {"metric": "count", "where": f"{field}={name[:-1]}q"})
    assert existing.status_code == missing.status_code
    assert name not in missing.content.decode()


def test_a_past_middle_manager_out_of_sight_leaves_no_hole_in_the_tree() -> None:
    """Ann led Tom through Max; today Max is elsewhere and Tom is Ann's: then, too, Tom's deals stand under Ann."""
    from organization.selectors import people_tree

    ann, user, _ = make_manager("Ann")
    other, _, _ = make_manager("Other")
    early, day = dt.date(2020, 1, 1), dt.date(2026, 6, 1)
    max_ = make_person("Max", manager=ann, since=early)
    tom = make_person("Tom", manager=max_, since=early)
    set_manager(person_id=max_.pk, manager_id=other.pk, from_date=day, scope=SYSTEM)
    set_manager(person_id=tom.pk, manager_id=ann.pk, from_date=day, scope=SYSTEM)
    at = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    tree = {node.id: node.parent_id for node in people_tree(scope_for(user), at)}
    assert tree == {ann.pk: None, tom.pk: ann.pk}


def test_a_leader_may_filter_by_what_the_figures_show_them() -> None:
    boss = make_person("Boss")
    rep, user, _ = make_rep("Rep", manager=boss)
    make_deal(rep, account=make_account("Acme", country="Peru"))
    client = Client()
    client.force_login(user)
    for where in ("manager=Boss", "owner=Rep", "account=acme", "country=Peru"):
        response = client.get("/api/v1/figures", {"metric": "count", "where": where})
        assert response.status_code == 200, response.content
        assert b'"1"' in response.content or b": 1" in response.content, response.content


def test_a_past_state_of_a_deal_shows_nothing_of_today() -> None:
    """A deal handed to another team: its former manager sees it as it was, not its products and splits of now."""
    from opportunities.domain.splits import Split
    from opportunities.selectors import deal as detail_of
    from opportunities.services import set_splits

    rep, user, _ = make_rep("Rep")
    stranger = make_person("Stranger")
    row = make_deal(rep, created_at=dt.datetime(2026, 1, 5, tzinfo=dt.UTC))
    row = move_deal(row, owner_id=stranger.pk)
    OpportunityLine.objects.create(opportunity=row, position=1, product=make_product("New thing"), amount=77)
    set_splits(scope=TEST, deal_id=row.pk, splits=[Split(stranger.pk, "REVENUE", Decimal(100))])
    found = detail_of(scope_for(user), row.pk, dt.datetime(2026, 2, 1, tzinfo=dt.UTC))
    assert (found.lines, found.splits, found.attributes) == ((), (), {})


def test_undoing_a_changed_order_brings_its_lines_back(tmp_path: Path) -> None:
    head = "SalesOrderNumber,OrderDate,ResellerKey,EmployeeKey,SalesTerritoryKey,ProductKey,Quantity,Unit Price,Sales\n"
    products = tmp_path / "more"
    products.mkdir()

    def orders(quantity: int) -> int:
        (products / "products.csv").write_text("ProductKey,Product,Category\n7,Bolt,Parts\n8,Nut,Parts\n")
        (products / "orders.csv").write_text(
            f"{head}SO1,2026-05-05,,,,7,{quantity},10,{10 * quantity}\nSO1,2026-05-05,,,,8,1,5,5\n"
        )
        batch_id = start_import(path=products, scope=SYSTEM, actor_name="Ada")
        recognise_import(batch_id=batch_id, source="shop")
        answer_import(batch_id=batch_id, answers={"missing-owners": "create"}, repairs={})
        plan = plan_import(batch_id=batch_id)
        assert not plan.is_blocked, plan.questions
        apply_import(batch_id=batch_id, steps=Steps())
        return batch_id

    def lines() -> list[tuple[object, ...]]:
        fields = ("position", "product__name", "quantity", "unit_price", "amount")
        return list(OpportunityLine.objects.order_by("position").values_list(*fields))

    orders(2)
    before = lines()
    assert [line[4] for line in before] == [20, 5]
    second = orders(3)
    assert lines() != before
    undone(second)
    assert lines() == before


def test_history_is_learnt_for_a_deal_that_was_edited_here_meanwhile(tmp_path: Path) -> None:
    """The past up to the first edit comes from the file; the edit, and all after it, stays; undo takes it back."""

    def versions() -> list[tuple[object, ...]]:
        live = deal().versions.filter(superseded_at__year=9999).order_by("valid_from", "seq")
        return [
            (v.valid_from, v.valid_to, v.stage.name if v.stage else None, v.next_step, v.change_set.kind)
            for v in live
        ]

    imported(tmp_path, OPEN)
    move_deal(deal(), next_step="Call")
    before = versions()
    both = tmp_path / "both"
    both.mkdir()
    (both / "deals.csv").write_text(HEAD + OPEN + "\n")
    (both / "history.csv").write_text(
        "Deal ID,Stage,Entered At\nD-1,Prospecting,2026-02-03T10:00:00\nD-1,Verbal OK,2026-03-04T10:00:00\n"
    )
    batch_id = start_import(path=both, scope=SYSTEM, actor_name="Ada")
    recognise_import(batch_id=batch_id, source="crm")
    answer_import(batch_id=batch_id, answers={**ANSWERS, "stage:Prospecting": "PIPELINE"}, repairs={})
    assert not plan_import(batch_id=batch_id).is_blocked
    apply_import(batch_id=batch_id, steps=Steps())
    assert [(v[2], v[3], v[4]) for v in versions()] == [
        ("Prospecting", "", "IMPORT"), ("Verbal OK", "", "IMPORT"), ("Verbal OK", "Call", "EDIT"),
    ]  # fmt: skip
    assert deal().next_step == "Call"
    assert not differences()
    done = undone(batch_id)
    assert (done.deals_restored, done.deals_kept) == (1, 0)
    assert versions() == before


def test_hierarchies_are_locked_before_their_closures_change(tmp_path: Path) -> None:
    """Else an import or its undo holds the roll-ups and waits for the tree, while a rebuild does the opposite."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def first(queries: CaptureQueriesContext, *words: str) -> int:
        return next(i for i, q in enumerate(queries) if any(word in q["sql"] for word in words))

    with CaptureQueriesContext(connection) as queries:
        batch_id = imported(tmp_path, OPEN)
    assert first(queries, "pg_advisory_xact_lock(1936486511, 1)") < first(
        queries, 'INSERT INTO "organization_person"'
    )
    with CaptureQueriesContext(connection) as queries:
        undone(batch_id)
    touched = first(queries, "DELETE FROM organization_personclosure", "UPDATE opportunities_opportunity SET")
    assert first(queries, "pg_advisory_xact_lock(1936486511, 1)") < touched


def test_an_undone_import_leaves_quotas_typed_since(tmp_path: Path) -> None:
    from territories.domain.quotas import QuotaChange
    from territories.models import Quota
    from territories.services import set_quotas
    from tests.factories.organization import period

    folder = tmp_path / "quotas"
    folder.mkdir()
    (folder / "users.csv").write_text(
        "User ID,Full Name,Email\nu1,Ann Smith,ann@example.com\nu2,Bob Stone,bob@example.com\n"
    )
    (folder / "quotas.csv").write_text(
        "Person,Month,Quota\nAnn Smith,2026-03-01,100\nBob Stone,2026-03-01,200\n"
    )
    batch_id = start_import(path=folder, scope=SYSTEM, actor_name="Ada")
    recognise_import(batch_id=batch_id, source="crm")
    answer_import(batch_id=batch_id, answers=ANSWERS, repairs={})
    assert not plan_import(batch_id=batch_id).is_blocked
    apply_import(batch_id=batch_id, steps=Steps())
    live = Quota.objects.filter(superseded_at__year=9999)
    assert sorted(live.values_list("amount", flat=True)) == [100, 200]
    ann, month = Person.objects.get(name="Ann Smith"), period("FY27-M02")
    set_quotas(scope=SYSTEM, items=[QuotaChange(ann.pk, month.pk, Decimal(150), "USD")], source="typed")
    undone(batch_id)
    assert list(live.values_list("person_id", "amount")) == [(ann.pk, 150)]


def test_an_import_whose_job_was_given_up_can_be_continued_and_undone(tmp_path: Path) -> None:
    from opportunities.services.imports_jobs import request_apply
    from salesops.jobs.models import Job, JobState

    batch_id = planned(tmp_path, HEAD + OPEN + "\n")
    job_id = request_apply(batch_id=batch_id, user=None)
    Job.objects.filter(pk=job_id).update(state=JobState.DEAD, finished_at=timezone.now())
    assert request_apply(batch_id=batch_id, user=None) == job_id
    assert Job.objects.get(pk=job_id).state == JobState.QUEUED
    apply_import(batch_id=batch_id, steps=Steps())
    ImportBatch.objects.filter(pk=batch_id).update(state="RUNNING")
    assert undone(batch_id).deals_removed == 1


def test_an_import_whose_worker_died_when_all_was_written_is_done_and_not_refused(tmp_path: Path) -> None:
    from opportunities.services.imports_jobs import request_apply
    from salesops.jobs import runner
    from salesops.jobs.models import Job, JobState

    batch_id = planned(tmp_path, HEAD + OPEN + "\n")
    job_id = request_apply(batch_id=batch_id, user=None)
    job = Job.objects.filter(pk=job_id)
    runner.execute(job_id)
    assert job.get().state == JobState.DONE
    as_left = {"state": JobState.QUEUED, "finished_at": None, "result": None}
    job.update(**as_left)
    runner.execute(job_id)
    assert (job.get().state, job.get().result["created"]) == (JobState.DONE, 1)
    with pytest.raises(ImportRefused):
        apply_import(batch_id=batch_id, steps=Steps())
