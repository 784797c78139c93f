"""Stages of one name in several processes of a source: every deal stands in a stage of its own process."""

from __future__ import annotations

from pathlib import Path

import pytest

from opportunities.models import Opportunity, OpportunityVersion, SalesProcess, Stage
from opportunities.services.imports import plan_import, recognise_import, start_import
from opportunities.services.imports_apply import apply_import
from tests.factories.organization import make_company
from tests.stories.data_sets import data_set, import_crm
from tests.stories.small_imports import SYSTEM, Steps, counts, folder_of

pytestmark = pytest.mark.django_db

DEALS = "Id,Name,StageName,Amount,CloseDate,IsClosed,IsWon,CreatedDate\n"
HISTORY = "Id,OpportunityId,CreatedDate,StageName,Amount,CloseDate,Probability\n"


def processes(*names: str) -> None:
    """Processes of the source `salesforce`, each with stages of the same names."""
    for name in names:
        process = SalesProcess.objects.create(source="salesforce", external_id=name, name=name)
        for position, (stage, status) in enumerate((("Qualification", "OPEN"), ("Closed Won", "WON"))):
            category = "PIPELINE" if status == "OPEN" else status
            Stage.objects.create(
                process=process, name=stage, position=position, status=status, category=category
            )


def run(tmp_path: Path, files: dict[str, str]) -> int:
    batch_id = start_import(path=folder_of(tmp_path, files), scope=SYSTEM, actor_name="Ada")
    recognise_import(batch_id=batch_id)
    plan = plan_import(batch_id=batch_id)
    assert not plan.is_blocked, plan.questions
    apply_import(batch_id=batch_id, steps=Steps())
    return batch_id


def test_a_standard_export_comes_in_whole_beside_the_demo_company(demo: Path) -> None:
    before = set(Stage.objects.values_list("process__name", "name"))
    outcome = import_crm(data_set("sfdc-devorg"), "--source", "salesforce", "--accept-suggestions")
    assert outcome.counts()[0] == 36, outcome.report
    assert outcome.counts()[3] == 0, outcome.report["problems"][:3]
    assert not outcome.problems("MISSING_STAGE")
    made = Opportunity.objects.filter(external_id__startswith="006")
    assert {deal.stage.process_id for deal in made.select_related("stage")} == {
        SalesProcess.objects.get(name="Salesforce").pk
    }
    assert {name for process, name in set(Stage.objects.values_list("process__name", "name")) - before} == set(
        made.values_list("stage__name", flat=True)
    ) | set(
        OpportunityVersion.objects.filter(opportunity__in=made, stage__isnull=False).values_list("stage__name", flat=True)
    )  # fmt: skip


def test_a_deal_stays_in_its_process_where_the_file_names_none(tmp_path: Path) -> None:
    make_company()
    processes("New business", "Renewal")
    renewal = SalesProcess.objects.get(name="Renewal")
    report = {"deals.csv": "Opportunity ID,Opportunity Name,Opportunity Record Type,Stage,Amount,Close Date\n"
              "006A,Roof,Renewal,Qualification,5,2026-05-01\n"}  # fmt: skip
    run(tmp_path, report)
    assert Opportunity.objects.get().process_id == renewal.pk
    files = {
        "Opportunity.csv": DEALS
        + "006A,Roof,Closed Won,5,2026-05-01,1,1,2026-01-01\n006B,Wall,Closed Won,7,2026-05-02,1,1,2026-01-02\n",
        "OpportunityHistory.csv": HISTORY
        + "h1,006A,2026-01-01T00:00:00Z,Qualification,5,2026-05-01,10\n"
        + "h2,006A,2026-05-01T00:00:00Z,Closed Won,5,2026-05-01,100\n"
        + "h3,006B,2026-01-02T00:00:00Z,Closed Won,7,2026-05-02,100\n",
    }
    done = counts(run(tmp_path, files))
    assert (done["created"], done["updated"], done["rejected"]) == (1, 1, 0)
    where = dict(Opportunity.objects.values_list("external_id", "stage__process__name"))
    assert where == {"006A": "Renewal", "006B": "Salesforce"}
    for deal in Opportunity.objects.all():
        assert deal.stage is not None
        assert deal.process_id == deal.stage.process_id
    told = OpportunityVersion.objects.filter(opportunity__external_id="006A", stage__isnull=False)
    assert set(told.values_list("stage__process__name", flat=True)) == {"Renewal"}


def test_what_several_processes_call_alike_is_asked_where_nothing_says_what_it_means(tmp_path: Path) -> None:
    make_company()
    for name in ("New business", "Renewal"):
        process = SalesProcess.objects.create(source="crm", external_id=name, name=name)
        Stage.objects.create(process=process, name="Handshake", position=1, status="OPEN", category="COMMIT")
    text = "Deal ID,Deal Name,Stage,Amount,Close Date\nD-1,Roof,Handshake,5,2026-05-01\n"
    batch_id = start_import(path=folder_of(tmp_path, {"deals.csv": text}), scope=SYSTEM, actor_name="Ada")
    recognise_import(batch_id=batch_id, source="crm")
    plan = plan_import(batch_id=batch_id)
    assert [question.key for question in plan.questions] == ["stage:Handshake"]
    assert plan.questions[0].text.startswith("Several sales processes have a stage “Handshake”")


def test_stages_alike_in_what_a_name_may_hold_are_still_two(tmp_path: Path) -> None:
    """A stage's name has 100 characters; the file's texts differ only after them."""
    make_company()
    long = "Waiting for the answer of the customer's purchasing department " * 2
    rows = "".join(
        f"006{end},{end},{long[:110]}{end},10,2026-05-01,false,false,2026-01-01\n" for end in "ABC"
    )
    run(tmp_path, {"Opportunity.csv": DEALS + rows})
    assert Stage.objects.filter(name__startswith=long[:90]).count() == 3
    assert Opportunity.objects.values("stage_id").distinct().count() == 3
    again = run(tmp_path, {"Opportunity.csv": DEALS + rows})
    assert (counts(again)["unchanged"], Stage.objects.filter(name__startswith=long[:90]).count()) == (3, 3)
