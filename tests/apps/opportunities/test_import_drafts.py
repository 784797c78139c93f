"""What becomes of imports that are not applied: refused at upload or while checked, discarded by hand or by the clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from opportunities.models import ImportBatch, ImportProblem, ImportRow, Opportunity
from opportunities.services.imports import import_folder
from opportunities.services.imports_discard import discard_old_drafts
from organization.domain.roles import Role
from salesops.audit.models import AuditEvent
from salesops.jobs.selectors import jobs_visible, state_counts
from tests.apps.opportunities.test_import_wizard import match_data, upload
from tests.factories.organization import make_user

pytestmark = pytest.mark.django_db

READY = "Deal ID,Deal Name,Outcome,Amount\n1,Roof,Won,5\n2,Wall,Lost,x\n"


def checked(client: Client, drain_jobs: Callable[[], int], text: str = READY) -> int:
    """Uploaded, matched as suggested, every row checked."""
    batch_id = upload(client, text)
    client.post(f"/imports/{batch_id}/match", match_data(client, batch_id))
    drain_jobs()
    return batch_id


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("Deal ID,Deal Name,Stage\n", "has column names but no rows"),
        ("Dear all\nplease find\n", "has a single column"),
        ("Dear all, good morning, and thanks\nplease find it attached\n", "no row has as many cells"),
    ],
)
def test_a_file_nothing_can_be_read_of_is_refused_at_upload(admin: Client, body: str, words: str) -> None:
    response = admin.post("/imports/new", {"files": SimpleUploadedFile("text.csv", body.encode())})
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not ImportBatch.objects.exists()


def test_files_that_cannot_be_used_end_as_refused_and_raise_no_alarm(
    admin: Client, drain_jobs: Callable[[], int]
) -> None:
    batch_id = upload(admin, "kode,wert\nA,5\n")
    admin.post(f"/imports/{batch_id}/match", match_data(admin, batch_id))
    drain_jobs()
    assert state_counts(everything=True)["DEAD"] == 0
    job = jobs_visible(everything=True)[0]
    assert (job.refused, str(job.state_label), job.name) == (True, "Refused", "Check an import")
    page = admin.get(f"/imports/{batch_id}").content.decode()
    assert "None of these files looks like deals" in page
    assert "Refused" in page
    assert f"/imports/{batch_id}/match" in page
    assert "None of these files looks like deals" in admin.get(f"/imports/{batch_id}/status").content.decode()
    system = admin.get("/system/").content.decode()
    assert "No job is late or was given up." in system
    assert "Try again" not in system
    data = match_data(admin, batch_id)
    admin.post(f"/imports/{batch_id}/match", {**data, "role-0": "OPPORTUNITY", "again": "1"})
    data = match_data(admin, batch_id)
    admin.post(f"/imports/{batch_id}/match", {**data, "field-0-0": "external_id", "field-0-1": "amount"})
    drain_jobs()
    assert ImportBatch.objects.get().state == "READY", "other columns mend it"


def test_a_run_that_is_refused_can_be_asked_for_again(admin: Client, drain_jobs: Callable[[], int]) -> None:
    """Its key is that of the plan; the refused job is revived."""
    from salesops.jobs.models import Job

    batch_id = checked(admin, drain_jobs)
    admin.post(f"/imports/{batch_id}/confirm")
    ImportBatch.objects.update(state="UPLOADED")
    drain_jobs()
    assert state_counts(everything=True)["DEAD"] == 0
    ImportBatch.objects.update(state="READY", error="Wait until it has ended.")
    assert "Wait until it has ended." in admin.get(f"/imports/{batch_id}/confirm").content.decode()
    admin.post(f"/imports/{batch_id}/confirm")
    drain_jobs()
    assert ImportBatch.objects.get().state == "DONE"
    assert Job.objects.filter(kind="opportunities.apply_import").count() == 1


def test_a_draft_is_discarded_with_its_rows_and_files(
    admin: Client, drain_jobs: Callable[[], int], django_capture_on_commit_callbacks: Callable[..., object]
) -> None:
    batch_id = checked(admin, drain_jobs)
    folder = import_folder(batch_id)
    assert ImportRow.objects.exists()
    assert list(folder.iterdir())
    assert f'action="/imports/{batch_id}/discard"' in admin.get("/imports/").content.decode()
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        assert admin.post(f"/imports/{batch_id}/discard")["Location"] == "/imports/"
    assert not ImportBatch.objects.exists()
    assert not ImportRow.objects.exists()
    assert not ImportProblem.objects.exists()
    assert not folder.exists()
    event = AuditEvent.objects.get(verb="DISCARD_IMPORT")
    assert (event.object_id, event.after) == (str(batch_id), {"state": "READY"})


def test_an_applied_import_is_not_discarded_and_others_may_not(
    admin: Client, drain_jobs: Callable[[], int]
) -> None:
    batch_id = checked(admin, drain_jobs)
    ops = Client()
    ops.force_login(make_user(Role.OPS))
    assert ops.post(f"/imports/{batch_id}/discard").status_code == 403
    assert "/discard" not in ops.get("/imports/").content.decode()
    admin.post(f"/imports/{batch_id}/confirm")
    drain_jobs()
    admin.post(f"/imports/{batch_id}/discard")
    assert ImportBatch.objects.get().state == "DONE"
    assert Opportunity.objects.count() == 1


def test_a_discarded_import_that_is_still_to_be_checked_ends_quietly(
    admin: Client, drain_jobs: Callable[[], int]
) -> None:
    batch_id = upload(admin, READY)
    admin.post(f"/imports/{batch_id}/match", match_data(admin, batch_id))
    ImportBatch.objects.get().delete()
    drain_jobs()
    assert state_counts(everything=True) | {"CANCELLED": 0} == dict.fromkeys(state_counts(everything=True), 0)


def test_drafts_nobody_touched_for_a_month_go_by_themselves(
    admin: Client, drain_jobs: Callable[[], int], tmp_path: Path
) -> None:
    old, used, fresh, applied = (
        checked(admin, drain_jobs, READY + f"{n},Gate,Won,{n}\n") for n in range(3, 7)
    )
    admin.post(f"/imports/{applied}/confirm")
    drain_jobs()
    month = timezone.now() - dt.timedelta(days=31)
    ImportBatch.objects.filter(pk__in=[old, used, applied]).update(created_at=month)
    ImportBatch.objects.filter(pk__in=[old, applied]).update(as_of=month)
    assert discard_old_drafts() == 1
    assert set(ImportBatch.objects.values_list("pk", flat=True)) == {used, fresh, applied}
    assert AuditEvent.objects.get(verb="DISCARD_IMPORT").object_id == str(old)
    assert discard_old_drafts() == 0


def test_undoing_is_asked_with_what_it_takes_back(admin: Client, drain_jobs: Callable[[], int]) -> None:
    batch_id = checked(admin, drain_jobs)
    admin.post(f"/imports/{batch_id}/confirm")
    drain_jobs()
    for path in (f"/imports/{batch_id}", "/imports/"):
        page = admin.get(path).content.decode()
        assert f'data-open="undo-{batch_id}"' in page
        assert "It removes <b>1</b> deal." in page
        assert "back as" not in page.replace("go back too", ""), "what is none is not told"


def test_the_deals_of_an_import_are_offered_to_those_who_see_deals(
    admin: Client, drain_jobs: Callable[[], int]
) -> None:
    first = checked(admin, drain_jobs)
    admin.post(f"/imports/{first}/confirm")
    drain_jobs()
    second = checked(admin, drain_jobs, READY.replace("1,Roof", "7,Gate"))
    admin.post(f"/imports/{second}/confirm")
    drain_jobs()
    assert "See the deals" not in admin.get(f"/imports/{second}").content.decode()
    ops = Client()
    ops.force_login(make_user(Role.OPS))
    page = ops.get(f"/imports/{second}").content.decode()
    assert f'href="/deals/?import={second}&amp;state=all"' in page
    found = ops.get(f"/deals/?import={second}&state=all")
    assert [row.name for row in found.context["found"].rows] == ["Gate"]
    assert f"Of import {second}" in found.content.decode()


def test_sentences_leave_out_what_is_none(admin: Client, drain_jobs: Callable[[], int]) -> None:
    batch_id = checked(admin, drain_jobs)
    page = admin.get(f"/imports/{batch_id}/confirm").content.decode()
    assert "<b>1</b> row creates a deal." in page
    admin.post(f"/imports/{batch_id}/confirm")
    drain_jobs()
    page = admin.get(f"/imports/{batch_id}").content.decode()
    assert "<b>1</b> row created a deal, <b>1</b> row was rejected." in page
    admin.post(f"/imports/{batch_id}/undo")
    assert "Import undone: 1 deal removed" in admin.get(f"/imports/{batch_id}").content.decode()
