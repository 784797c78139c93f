"""An export whose managers run in circles is imported: the rows are taken, what closes a circle is left out and told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from opportunities.domain.import_json import mapping_from_json
from opportunities.models import Account, ImportBatch, ImportProblem
from opportunities.services.imports import plan_import, recognise_import, start_import
from opportunities.services.imports_jobs import request_apply
from organization.models import Person, PersonClosure, ReportingLine, Territory
from organization.services import set_manager
from salesops.jobs.models import Job, JobState
from tests.factories.organization import make_company
from tests.stories.small_imports import SYSTEM, folder_of, imported, planned, undone

pytestmark = pytest.mark.django_db
HEAD = "User ID,Full Name,Email,Manager\n"


@pytest.fixture(autouse=True)
def company() -> None:
    make_company()


def people(**managers: str) -> dict[str, str]:
    rows = (f"{name},{name},{name}@example.com,{manager}\n" for name, manager in managers.items())
    return {"users.csv": HEAD + "".join(rows)}


def leads() -> dict[str, str]:
    """Who is led by whom, now."""
    lines = ReportingLine.objects.filter(to_date__year=9999)
    return dict(lines.values_list("person__name", "manager__name"))


def run(batch_id: int, drain_jobs: Callable[[], int]) -> Job:
    job_id = request_apply(batch_id=batch_id, user=None)
    drain_jobs()
    return Job.objects.get(pk=job_id)


def told(batch_id: int) -> list[tuple[int, str, str, str]]:
    rows = ImportProblem.objects.filter(batch_id=batch_id, code="CIRCLE").order_by("row")
    assert {row.column for row in rows} <= {"Manager"}
    return [(row.row, row.value, row.severity, str(row.message)) for row in rows]  # type: ignore[misc]


def test_circles_are_told_before_anything_is_written_and_the_job_ends_well(
    tmp_path: Path, drain_jobs: Callable[[], int]
) -> None:
    batch_id = planned(tmp_path, people(ann="bob", bob="cy", cy="ann", eve="eve", max="ann"))
    assert told(batch_id) == [
        (2, "bob", "NOTE", "Manager is part of a circle: cy → ann → bob → cy; it is taken, that of row 4 in “users.csv” is left out"),
        (3, "cy", "NOTE", "Manager is part of a circle: cy → ann → bob → cy; it is taken, that of row 4 in “users.csv” is left out"),
        (4, "ann", "WARNING", "Manager closes a circle: cy → ann → bob → cy; left out"),
        (5, "eve", "WARNING", "Manager is the record itself; left out"),
    ]  # fmt: skip
    assert run(batch_id, drain_jobs).state == JobState.DONE
    assert leads() == {"ann": "bob", "bob": "cy", "max": "ann"}
    assert Person.objects.filter(source="crm").count() == 5
    assert PersonClosure.objects.filter(ancestor__name="cy").count() == 4
    undone(batch_id)
    assert leads() == {}


def test_a_circle_through_people_known_before_leaves_them_as_they_were(
    tmp_path: Path, drain_jobs: Callable[[], int]
) -> None:
    imported(tmp_path, people(ann="", bob="ann", cy="bob"))
    batch_id = planned(tmp_path, people(ann="cy"))
    assert [problem[:3] for problem in told(batch_id)] == [(2, "cy", "WARNING")]
    assert run(batch_id, drain_jobs).state == JobState.DONE
    assert leads() == {"bob": "ann", "cy": "bob"}


def test_a_chain_turned_round_is_taken(tmp_path: Path, drain_jobs: Callable[[], int]) -> None:
    """On the way there it is a circle, at its end it is none: only the end counts."""
    imported(tmp_path, people(ann="bob", bob="", cy=""))
    batch_id = planned(tmp_path, people(bob="ann", ann="cy"))
    assert told(batch_id) == []
    assert run(batch_id, drain_jobs).state == JobState.DONE
    assert leads() == {"ann": "cy", "bob": "ann"}


def test_a_circle_through_a_move_planned_for_later_is_refused_in_words(
    tmp_path: Path, drain_jobs: Callable[[], int]
) -> None:
    imported(tmp_path, people(ann="", bob="ann", cy="", dan=""))
    ids = dict(Person.objects.values_list("name", "pk"))
    later = dt.date.today() + dt.timedelta(days=60)
    set_manager(person_id=ids["bob"], manager_id=ids["dan"], from_date=later, scope=SYSTEM)
    batch_id = planned(tmp_path, people(ann="bob"))
    job = run(batch_id, drain_jobs)
    assert (job.state, job.attempts) == (JobState.CANCELLED, 1), "not tried again: it would end the same way"
    batch = ImportBatch.objects.get(pk=batch_id)
    assert batch.state == ImportBatch.State.CANCELLED
    assert "ann would report, through others, to themselves" in batch.error
    assert "Correct the managers in the file" in batch.error
    assert leads() == {"bob": "dan"}


def test_parents_in_a_circle_stop_no_import(tmp_path: Path, drain_jobs: Callable[[], int]) -> None:
    files = {
        "places.csv": "Id,Place,Within\nn,North,s\ns,South,n\n",
        "firms.csv": "Id,Firm,Of\na,Acme,b\nb,Bolt,a\n",
    }
    part = {
        name: {"role": role, "columns": {"external_id": "Id", "name": column, "parent": above}}
        for name, role, column, above in (
            ("places.csv", "TERRITORY", "Place", "Within"), ("firms.csv", "ACCOUNT", "Firm", "Of"),
        )
    }  # fmt: skip
    batch_id = start_import(path=folder_of(tmp_path, files), scope=SYSTEM)
    mapping = {"source": "crm", "files": [{"name": name, "extracts": [part[name]]} for name in files]}
    recognise_import(batch_id=batch_id, mapping=mapping_from_json(mapping))
    assert not plan_import(batch_id=batch_id).is_blocked
    assert run(batch_id, drain_jobs).state == JobState.DONE
    parents = [
        dict(model.objects.filter(source="crm").values_list("name", "parent__name"))
        for model in (Territory, Account)
    ]
    assert parents == [{"North": "South", "South": None}, {"Acme": "Bolt", "Bolt": None}]
