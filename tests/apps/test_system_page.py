"""The system page: health, jobs, periodic tasks, and its two buttons."""

import datetime as dt
import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from salesops.audit.models import AuditEvent
from salesops.jobs.models import Job
from salesops.operations.finding import in_zone
from salesops.operations.views import every
from tests.factories.organization import make_company, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> Client:
    make_company()
    client = Client()
    client.force_login(make_user("ADMIN"))
    return client


def dead_job() -> Job:
    now = timezone.now()
    return Job.objects.create(
        kind="crm.import",
        state="DEAD",
        attempts=5,
        error="the file went away",
        created_at=now,
        not_before=now,
        finished_at=now,
    )


def test_given_up_jobs_lead_the_page(admin: Client) -> None:
    dead_job()
    page = admin.get(reverse("system:system")).content.decode()
    assert "the file went away" in page
    assert "given up and waits for you" in page


def test_a_dead_job_is_tried_again_and_that_is_on_record(admin: Client) -> None:
    job = dead_job()
    assert admin.post(reverse("system:job_retry", args=[job.pk])).status_code in (302, 303)
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("QUEUED", 0)
    assert AuditEvent.objects.filter(verb="RETRY_JOB", object_id=str(job.pk)).count() == 1


def test_a_job_that_does_not_exist_is_404(admin: Client) -> None:
    assert admin.post(reverse("system:job_cancel", args=[987])).status_code == 404


def test_the_examination_names_a_cure(admin: Client) -> None:
    dead_job()
    page = admin.get(reverse("system:examination")).content.decode()
    assert "dead jobs" in page
    assert "retry or discard" in page


def test_only_administrators_open_it() -> None:
    make_company()
    for role, expected in (("ADMIN", 200), ("REP", 403), ("AUDITOR", 403), ("OPS", 403)):
        client = Client()
        client.force_login(make_user(role))
        assert client.get(reverse("system:system")).status_code == expected, role


def test_the_page_asks_a_constant_number_of_questions(admin: Client, django_assert_max_num_queries) -> None:
    for _ in range(5):
        dead_job()
    with django_assert_max_num_queries(16):
        admin.get(reverse("system:system"))


def test_a_job_planned_for_later_does_not_wait(admin: Client) -> None:
    now = timezone.now()
    later = now + dt.timedelta(minutes=23)
    Job.objects.create(kind="crm.import", state="QUEUED", created_at=now, not_before=later)
    answer = admin.get(reverse("system:system"))
    page = answer.content.decode()
    assert (answer.context["counts"]["QUEUED"], answer.context["planned"]) == (0, 1)
    assert "1 planned for later" in page
    assert re.search(r"Planned</span><span class=\"cell-note\">not before <time datetime=\"([^\"]+)", page)[
        1
    ] == (later.isoformat(timespec="seconds"))
    assert "Work is done as it comes in" not in page, "the examination may have found something"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(604_800, "every 7 days"), (86_400, "every day"), (7200, "every 2 hours"), (900, "every 15 minutes"),
     (60, "every minute"), (5.0, "every 5 seconds"), (90, "every 90 seconds")],
)  # fmt: skip
def test_periods_in_words(seconds: float, words: str) -> None:
    assert every(seconds) == words


def test_what_was_found_is_told_in_the_readers_zone_with_one_cure(admin: Client, settings, tmp_path) -> None:
    settings.BACKUP_DIR = tmp_path
    with timezone.override("America/New_York"):
        assert in_zone(dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)) == "2026-07-01 08:00 EDT"
    page = admin.get(reverse("system:system")).content.decode()
    assert "No backup yet." in page
    assert "make backup" not in page, "the cure stands in the examination"
    assert "make backup" in admin.get(reverse("system:examination")).content.decode()
