"""Imports that are stopped, killed, doubled or robbed of their staged rows lose nothing and write nothing twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg2
import pytest
from django.db import connection
from django.utils import timezone

from opportunities.models import (
    ChangeSet,
    ImportBatch,
    ImportProblem,
    ImportRow,
    Opportunity,
    OpportunityVersion,
)
from opportunities.selectors.imports import raw_row
from opportunities.services import imports_apply, imports_deals
from opportunities.services.imports import answer_import, plan_import, receive_import
from opportunities.services.imports_jobs import request_apply, request_cancel
from opportunities.services.imports_undo import undo_import
from organization.domain.scope import Scope
from salesops.jobs.models import Job
from salesops.jobs.services import run_here
from tests.factories.organization import make_company

pytestmark = pytest.mark.django_db
HEADER = "Deal ID,Deal Name,Stage,Amount,Close Date\n"


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    make_company()
    monkeypatch.setattr(imports_deals, "CHUNK", 10)
    monkeypatch.setattr(imports_apply, "CHUNK", 10)


def ready(tmp_path: Path, count: int = 35, stage: str = "Won") -> int:
    """A planned batch of so many deals."""
    path = tmp_path / "deals.csv"
    path.write_text(HEADER + "".join(f"D-{n:03d},Deal {n},{stage},{n}.50,2026-01-15\n" for n in range(count)))
    batch_id = receive_import(path=path, scope=Scope.system("test"), actor_name="test")
    answer_import(batch_id=batch_id, answers={"stage:Won": "WON", "stage:Lost": "LOST"}, repairs={})
    plan = plan_import(batch_id=batch_id)
    assert not plan.is_blocked
    assert plan.balances()
    return batch_id


def written() -> tuple[int, int, object]:
    return (
        Opportunity.objects.filter(is_deleted=False).count(),
        OpportunityVersion.objects.filter(superseded_at__year=9999).count(),
        sum(Opportunity.objects.filter(is_deleted=False).values_list("amount", flat=True)),
    )


def test_a_worker_that_dies_on_the_way_is_taken_up_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = ready(tmp_path)
    real, calls = imports_apply.write_chunk, []

    def dying(writer: object, number: int) -> int:
        calls.append(number)
        if len(calls) == 3:
            raise ConnectionError("the machine went away")
        return real(writer, number)  # type: ignore[arg-type]

    monkeypatch.setattr(imports_apply, "write_chunk", dying)
    job = run_here(kind="opportunities.apply_import", payload={"batch_id": batch_id})
    assert job.state == "FAILED"
    assert written()[0] == 20, "two chunks are there, the third left nothing"
    Job.objects.filter(pk=job.pk).update(not_before=job.created_at)
    from salesops.jobs.services import drain

    assert drain() == 1
    job.refresh_from_db()
    assert job.state == "DONE"
    assert calls == [0, 1, 2, 2, 3]
    assert written() == (35, 35, sum(n + 0.5 for n in range(35)))
    assert ImportBatch.objects.get().state == "DONE"
    assert ChangeSet.objects.filter(kind="IMPORT").count() == 1


def test_a_cancelled_import_stops_and_can_be_continued_or_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drain_jobs: Callable[[], int]
) -> None:
    batch_id = ready(tmp_path)
    real = imports_apply.write_chunk

    def interrupted(writer: object, number: int) -> int:
        if number == 1:
            request_cancel(batch_id=batch_id)
        return real(writer, number)  # type: ignore[arg-type]

    monkeypatch.setattr(imports_apply, "write_chunk", interrupted)
    request_apply(batch_id=batch_id, user=None)
    drain_jobs()
    assert ImportBatch.objects.get().state == "CANCELLED"
    assert 0 < written()[0] < 35
    monkeypatch.setattr(imports_apply, "write_chunk", real)
    request_apply(batch_id=batch_id, user=None)
    drain_jobs()
    assert written()[0] == 35
    assert ImportBatch.objects.get().state == "DONE"


def test_a_cancelled_import_can_be_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drain_jobs: Callable[[], int]
) -> None:
    batch_id = ready(tmp_path)
    real = imports_apply.write_chunk

    def interrupted(writer: object, number: int) -> int:
        request_cancel(batch_id=batch_id)
        return real(writer, number)  # type: ignore[arg-type]

    monkeypatch.setattr(imports_apply, "write_chunk", interrupted)
    request_apply(batch_id=batch_id, user=None)
    drain_jobs()
    undo_import(batch_id=batch_id, actor_id=None, actor_name="test")
    assert Opportunity.objects.filter(is_deleted=False).count() == 0


def test_asking_twice_gives_one_job(tmp_path: Path) -> None:
    batch_id = ready(tmp_path)
    assert request_apply(batch_id=batch_id, user=None) == request_apply(batch_id=batch_id, user=None)


def test_staged_rows_lost_in_a_crash_are_staged_again(tmp_path: Path) -> None:
    batch_id = ready(tmp_path)
    ImportRow.objects.all().delete()
    assert run_here(kind="opportunities.apply_import", payload={"batch_id": batch_id}).state == "DONE"
    assert written()[0] == 35


def test_one_import_of_a_source_at_a_time(tmp_path: Path) -> None:
    batch_id = ready(tmp_path)
    other = (
        psycopg2.connect(connection.get_connection_params()["dsn"])
        if "dsn" in connection.get_connection_params()
        else psycopg2.connect(
            **{
                k: v
                for k, v in connection.get_connection_params().items()
                if k in {"dbname", "host", "port", "user", "password"}
            }
        )
    )
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtextextended('import:files', 20261))")
        job = run_here(kind="opportunities.apply_import", payload={"batch_id": batch_id})
        assert (job.state, job.result) == ("CANCELLED", {"refused": True}), "asked for again, not given up"
        assert "Another import" in job.error
        assert written()[0] == 0
    finally:
        other.close()


def test_every_version_leads_back_to_its_line(tmp_path: Path) -> None:
    batch_id = ready(tmp_path, count=3)
    run_here(kind="opportunities.apply_import", payload={"batch_id": batch_id})
    version = OpportunityVersion.objects.get(opportunity__external_id="D-002")
    assert version.source_row == 4
    assert version.change_set.note == "deals.csv"
    cells = raw_row(Scope.system("test"), version.change_set_id, version.source_row)
    assert cells == {
        "Deal ID": "D-002",
        "Deal Name": "Deal 2",
        "Stage": "Won",
        "Amount": "2.50",
        "Close Date": "2026-01-15",
    }


def test_a_change_made_here_survives_an_unchanged_file_and_refuses_to_be_undone_over(tmp_path: Path) -> None:
    first = ready(tmp_path)
    run_here(kind="opportunities.apply_import", payload={"batch_id": first})
    deal = Opportunity.objects.get(external_id="D-001")
    edit = ChangeSet.objects.create(kind="EDIT", at=timezone.now(), actor_name="rep")
    Opportunity.objects.filter(pk=deal.pk).update(
        next_step="Call", version=deal.version + 1, changed_at=timezone.now(), change_set=edit
    )
    again = ready(tmp_path)
    run_here(kind="opportunities.apply_import", payload={"batch_id": again})
    assert ImportBatch.objects.get(pk=again).plan["unchanged"] == 35
    assert Opportunity.objects.get(pk=deal.pk).next_step == "Call"
    undo_import(batch_id=again, actor_id=None, actor_name="test")
    done = undo_import(batch_id=first, actor_id=None, actor_name="test")
    assert (done.deals_removed, done.deals_kept) == (34, 1)
    assert Opportunity.objects.get(pk=deal.pk).next_step == "Call"


def test_an_owner_too_long_to_be_created_is_a_problem_not_a_choice(tmp_path: Path) -> None:
    name = "Ann " + "of the many names " * 8
    path = tmp_path / "deals.csv"
    path.write_text(f"Deal ID,Deal Name,Owner,Stage,Amount,Close Date\nD-1,One,{name},Won,5,2026-01-15\n")
    batch_id = receive_import(path=path, scope=Scope.system("test"), actor_name="test")
    answer_import(batch_id=batch_id, answers={"stage:Won": "WON"}, repairs={})
    plan = plan_import(batch_id=batch_id)
    assert [question.key for question in plan.questions] == []
    assert (plan.rows, plan.rejected) == (1, 1)
    told = ImportProblem.objects.get(batch_id=batch_id)
    assert (told.row, told.column, told.code, told.severity) == (2, "Owner", "TOO_LONG_TEXT", "ERROR")
    assert told.value.startswith("Ann of the")
    assert told.cure
