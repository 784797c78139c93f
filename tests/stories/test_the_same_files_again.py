"""Files imported before say nothing new: known without reading them, told exactly as reading them would; and read in
full as soon as anything they are compared with has changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from opportunities.models import (
    Account,
    ChangeSet,
    ImportBatch,
    ImportProblem,
    ImportRow,
    Opportunity,
    OpportunityVersion,
    Stage,
)
from opportunities.services.imports import answer_import, plan_import, recognise_import, start_import
from opportunities.services.imports_again import note_records_left, records_state, watch_records
from opportunities.services.imports_apply import apply_import
from opportunities.services.imports_effects import note_created
from organization.models import Company, Person
from organization.services import set_manager
from pipeline.rollups import differences
from salesops.audit.models import AuditEvent
from tests.factories.opportunities import make_account, make_deal, move_deal
from tests.factories.organization import make_company, make_person
from tests.stories.data_sets import data_set, import_crm
from tests.stories.small_imports import (
    SYSTEM,
    Steps,
    counts,
    deal,
    deals,
    folder_of,
    imported,
    planned,
    undone,
)
from tests.stories.test_preview_is_what_is_applied import HISTORY, OPEN, TWO, orders

pytestmark = pytest.mark.django_db
LISTS = {
    "accounts.csv": "account,sector,revenue,employees,office_location,subsidiary_of\n"
    "Acme,retail,1,10,Peru,Corp\nCorp,retail,3,30,Kenya,\n,,,,,\n",
    "products.csv": "product,series,sales_price\nSaw,Tools,10\nNail,Parts,1\n",
    "sales_teams.csv": "sales_agent,manager,regional_office\nAnn Smith,Max Lead,West\nBob Stone,Max Lead,West\n",
    "sales_pipeline.csv": "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value\n"
    "D-1,Ann Smith,Saw,Acme,Engaging,2026-03-01,,100\nD-2,Ann Smith,Nail,Nobody,Won,2026-03-01,2026-04-01,7\n",
}
EXPORTS = {
    "deals": deals(*TWO),
    "deals with rejects and repetitions": deals(*TWO, TWO[0], "D-3,x,,,Verbal OK,many,2026-12-20", "D-4,a,,,Verbal OK,1,",
                                                "D-4,b,,,Verbal OK,1,", "D-5,Far,Gone Inc,Ann Smith,Verbal OK,1,"),
    "deals with history": {**deals(*TWO), "history.csv": HISTORY + "D-9,Verbal OK,2026-03-04T10:00:00\n"},
    "lists and deals": LISTS,
    "lists alone": {name: text for name, text in LISTS.items() if name != "sales_pipeline.csv"},
    "orders": orders((2, 10), (1, 5)),
}  # fmt: skip


@pytest.fixture(autouse=True)
def company() -> None:
    make_company()


def told(batch_id: int) -> dict[str, object]:
    """All a batch says: counts, problems, questions, statements."""
    batch = ImportBatch.objects.get(pk=batch_id)
    kept = ("history_rows", "history_set_aside", "history_orphans", "problem_counts", "absent_open", "statements",
            "ignored_files", "quotas", "rates", "largest_changes")  # fmt: skip
    problems = ImportProblem.objects.filter(batch=batch).order_by("pk")
    return {
        **counts(batch_id),
        **{name: batch.plan[name] for name in kept},
        "problems": list(problems.values_list("file", "row", "column", "value", "message", "cure", "code", "severity")),
        "questions": batch.questions,
        "files": list(batch.files.order_by("position").values_list("name", "rows")),
        "state": batch.state,
    }  # fmt: skip


def is_short(batch_id: int) -> bool:
    batch = ImportBatch.objects.get(pk=batch_id)
    is_same = "same_as" in batch.plan
    assert not is_same or batch.staged_rows == 0
    return is_same


def written() -> tuple[object, ...]:
    return (
        list(Opportunity.objects.order_by("pk").values()),
        list(OpportunityVersion.objects.order_by("pk").values()),
        list(Account.objects.order_by("pk").values()),
        list(Person.objects.order_by("pk").values()),
    )


@pytest.mark.parametrize("name", EXPORTS)
def test_it_tells_what_reading_everything_would(tmp_path: Path, name: str) -> None:
    files = EXPORTS[name]
    make_deal(source="crm", external_id="D-8")
    first = imported(tmp_path, files)
    before = written()
    again = planned(tmp_path, files)
    assert is_short(again)
    short = told(again)
    memory = ImportBatch.objects.get(pk=first)
    kept, memory.plan = memory.plan, {k: v for k, v in memory.plan.items() if k != "again"}
    memory.save()
    full = planned(tmp_path, files)
    assert "same_as" not in ImportBatch.objects.get(pk=full).plan
    assert told(full) == short
    memory.plan = kept
    memory.save()
    apply_import(batch_id=again, steps=Steps())
    assert written() == before
    assert told(again) == {**short, "state": "DONE"}
    event = AuditEvent.objects.filter(verb="IMPORT").latest("pk")
    assert event.after["unchanged"] == counts(again)["unchanged"]
    third = planned(tmp_path, files)
    assert is_short(third)
    assert told(third) == short
    undone(again)
    assert written() == before
    assert not differences()


def move_ann() -> None:
    ann = Person.objects.get(name="Ann Smith")
    set_manager(
        person_id=ann.pk, manager_id=make_person("Boss").pk, from_date=dt.date(2026, 11, 1), scope=SYSTEM
    )


ACTS: dict[str, Callable[[Path, int], object]] = {
    "a deal edited": lambda path, batch: move_deal(deal(), next_step="Call"),
    "a deal made": lambda path, batch: make_deal(source="crm"),
    "an account renamed": lambda path, batch: Account.objects.filter(name="Acme").update(name="Acme Ltd"),
    "an account made": lambda path, batch: make_account("Gone Inc"),
    "a stage redefined": lambda path, batch: Stage.objects.filter(name="Verbal OK").update(category="UPSIDE"),
    "somebody moved": lambda path, batch: move_ann(),
    "another time zone": lambda path, batch: Company.objects.update(time_zone="Asia/Tokyo"),
    "another import": lambda path, batch: imported(path, deals(TWO[0].replace("100", "90"))),
    "undone": lambda path, batch: undone(batch),
    "another import, undone": lambda path, batch: undone(imported(path, deals(TWO[0].replace("100", "90")))),
}  # fmt: skip


@pytest.mark.parametrize("name", ACTS)
def test_whatever_changed_since_is_looked_at(tmp_path: Path, name: str) -> None:
    first = imported(tmp_path, deals(*TWO))
    assert is_short(planned(tmp_path, deals(*TWO)))
    ACTS[name](tmp_path, first)
    assert not is_short(planned(tmp_path, deals(*TWO)))


def test_other_terms_are_other_files(tmp_path: Path) -> None:
    imported(tmp_path, deals(*TWO))
    assert is_short(planned(tmp_path, deals(*TWO)))
    assert not is_short(planned(tmp_path, deals(*TWO), policies={"amount": "NEVER"}))
    assert not is_short(planned(tmp_path, deals(*TWO), source="other"))
    assert not is_short(planned(tmp_path, deals(*TWO[::-1])))


def test_an_answer_given_otherwise_is_followed(tmp_path: Path) -> None:
    imported(tmp_path, deals(*TWO))
    batch_id = start_import(path=folder_of(tmp_path, deals(*TWO)), scope=SYSTEM)
    recognise_import(batch_id=batch_id, source="crm")
    answer_import(batch_id=batch_id, answers={}, repairs={("Owner", "Bob Stone"): "Ann Smith"})
    assert plan_import(batch_id=batch_id).updated == 1


def test_a_question_that_must_be_asked_each_time_is_asked(tmp_path: Path) -> None:
    """How this file writes its dates is evidence of this file; an answer to that is not remembered."""
    files = deals(OPEN.replace("2026-12-20", "03/04/2026"))

    def again(answers: dict[str, str]) -> ImportBatch:
        batch_id = start_import(path=folder_of(tmp_path, files), scope=SYSTEM)
        recognise_import(batch_id=batch_id, source="crm")
        base = {"stage:Verbal OK": "COMMIT", "missing-owners": "create"}
        answer_import(batch_id=batch_id, answers={**base, **answers}, repairs={})
        plan_import(batch_id=batch_id)
        return ImportBatch.objects.get(pk=batch_id)

    open_batch = again({})
    assert open_batch.state == "ASKING"
    key = open_batch.questions[0]["key"]
    apply_import(batch_id=again({key: "DMY"}).pk, steps=Steps())
    assert again({}).state == "ASKING"
    assert "same_as" in again({key: "DMY"}).plan
    other = again({key: "MDY"})
    assert "same_as" not in other.plan
    assert other.plan["updated"] == 1


def test_somebody_acting_while_the_import_ran_is_noticed(tmp_path: Path) -> None:
    """An account renamed while deals were written: what the file says of it is news again."""
    rename = lambda: Account.objects.filter(name="Acme").update(industry="mining")  # noqa: E731
    imported(tmp_path, LISTS, between=rename)
    again = planned(tmp_path, LISTS)
    assert not is_short(again)
    assert counts(again)["references"]["ACCOUNT"]["updated"] == 1  # type: ignore[index]


def test_an_account_made_between_preview_and_run_is_noticed(tmp_path: Path) -> None:
    files = {name: text for name, text in LISTS.items() if name == "sales_pipeline.csv"}
    batch_id = planned(tmp_path, files)
    make_account("Nobody", source="crm", external_id="Nobody")
    apply_import(batch_id=batch_id, steps=Steps())
    again = planned(tmp_path, files)
    assert not is_short(again)
    assert counts(again)["updated"] == 1


def test_a_record_somebody_else_writes_while_the_lists_are_written_is_told_from_our_own(
    tmp_path: Path,
) -> None:
    """Between two statements of the writing transaction another may commit; what the batch itself noted is its own."""
    batch = ImportBatch.objects.get(pk=planned(tmp_path, LISTS))
    before = watch_records()
    ours = make_account("Ours")
    note_created(batch_id=batch.pk, kind="ACCOUNT", rows=[ours])
    note_records_left(batch, before)
    assert batch.plan["records_left"] == records_state()
    make_account("Somebody's")
    note_records_left(batch, before)
    assert batch.plan["records_left"] == ""


def test_what_changes_between_preview_and_run_is_read_in_full(tmp_path: Path) -> None:
    imported(tmp_path, LISTS)
    again = planned(tmp_path, LISTS)
    assert is_short(again)
    Account.objects.filter(name="Acme").update(industry="mining")
    Opportunity.objects.filter(external_id="D-1").update(content_hash=1)
    move_deal(deal(), amount=Decimal(55))
    apply_import(batch_id=again, steps=Steps())
    assert Account.objects.get(name="Acme").industry == "retail"
    assert deal().amount == 100
    assert (counts(again)["created"], counts(again)["updated"], counts(again)["unchanged"]) == (0, 1, 1)
    assert ImportBatch.objects.get(pk=again).state == "DONE"
    assert not ImportRow.objects.filter(batch_id=again).exists()
    assert ChangeSet.objects.filter(import_batch_id=again, kind="IMPORT").count() == len(LISTS)


def test_the_command_line_says_so(tmp_path: Path) -> None:
    imported(tmp_path, deals(*TWO))
    folder = folder_of(tmp_path, deals(*TWO))
    out = StringIO()
    call_command("import_crm", str(folder), "--source", "crm", stdout=out)
    assert "2 deal rows = 0 created + 0 changed + 2 unchanged + 0 rejected + 0 set aside" in out.getvalue()
    assert "the same as import" in out.getvalue()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("maven-crm", ("--repair", "product:GTXPro=GTX Pro")),
        ("sfdc-devorg", ("--accept-suggestions",)),
        ("hubspot-small", ("--accept-suggestions",)),
    ],
)
def test_real_exports_again(name: str, options: tuple[str, ...]) -> None:
    path = data_set(name)
    first = import_crm(path, *options)
    again = import_crm(path, *options)
    batch = ImportBatch.objects.get(pk=again.report["batch"])
    assert "same_as" in batch.plan
    former = ImportBatch.objects.get(pk=first.report["batch"])
    former.plan.pop("again")
    former.save()
    batch.plan.pop("again")
    batch.save()
    full = import_crm(path, *options)
    assert "same_as" not in ImportBatch.objects.get(pk=full.report["batch"]).plan
    ignored = {"batch", "same_as"}
    assert {k: v for k, v in again.report.items() if k not in ignored} == {
        k: v for k, v in full.report.items() if k not in ignored
    }
