"""The system page: is it healthy, what is running, what was given up, and the buttons that mend it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import django
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from organization.domain.roles import Capability
from organization.permissions import requires
from pipeline.selectors.upkeep import upkeep
from salesops.audit.record import record
from salesops.health import product_version
from salesops.jobs import selectors as jobs
from salesops.jobs import services as job_services
from salesops.jobs.models import JobState
from salesops.jobs.registry import name_of, periodics
from salesops.operations.backups import newest_backup
from salesops.operations.diagnosis import diagnose
from salesops.operations.finding import Finding
from salesops.ui.form_page import press
from salesops.ui.formats import number

VIEW = Capability.VIEW_SYSTEM
TONES = {"ok": "for", "warning": "warn", "failed": "against"}


@dataclass(frozen=True)
class Periodic:
    """A periodic task beside its last run."""

    name: str
    title: str
    seconds: float
    started_at: object
    finished_at: object
    failures: int
    error: str

    @property
    def every(self) -> str:
        """How often, in the largest unit that fits: every 7 days, every 15 minutes."""
        return every(self.seconds)


def every(seconds: float) -> str:
    """A period in words."""
    whole = round(seconds)
    if whole % 86_400 == 0:
        n, words = whole // 86_400, ngettext("every day", "every %(n)s days", whole // 86_400)
    elif whole % 3600 == 0:
        n, words = whole // 3600, ngettext("every hour", "every %(n)s hours", whole // 3600)
    elif whole % 60 == 0:
        n, words = whole // 60, ngettext("every minute", "every %(n)s minutes", whole // 60)
    else:
        n, words = whole, ngettext("every second", "every %(n)s seconds", whole)
    return words % {"n": number(n)}


def _periodic_rows() -> list[Periodic]:
    last = {row.name: row for row in jobs.schedules()}
    rows = []
    for task in sorted(periodics(), key=lambda task: task.name):
        row = last.get(task.name)
        rows.append(
            Periodic(
                task.name,
                name_of(task.name),
                task.seconds,
                row.started_at if row else None,
                row.finished_at if row else None,
                row.failures if row else 0,
                row.error if row else "",
            )
        )
    return rows


@requires(VIEW)
def system(request: HttpRequest) -> HttpResponse:
    """Jobs and periodic tasks at once; the examination, which asks the workers, arrives a moment later."""
    state = request.GET.get("state", "")
    state = state if state in JobState.values else ""
    backup = newest_backup(Path(settings.BACKUP_DIR))
    state_of_data = upkeep()
    counts, planned = jobs.state_counts(everything=True), jobs.planned_count()
    context = {
        "jobs": jobs.jobs_visible(everything=True, state=state, limit=100),
        "counts": {**counts, JobState.QUEUED.value: max(counts[JobState.QUEUED] - planned, 0)},
        "planned": planned,
        "state": state,
        "states": [("", _("All jobs")), *JobState.choices],
        "upkeep": state_of_data,
        "fold_lag": round(state_of_data.fold_lag),
        "oldest_wait": round(jobs.oldest_waiting_seconds()),
        "periodic": _periodic_rows(),
        "version": product_version(),
        "django_version": django.get_version(),
        "backup": backup.name if backup else "",
    }
    return render(request, "system/system.html", context)


@requires(VIEW)
def examination(request: HttpRequest) -> HttpResponse:
    """What `manage.py doctor` finds, worst first."""
    order = {"failed": 0, "warning": 1, "ok": 2}
    findings: list[Finding] = sorted(diagnose(), key=lambda finding: order[finding.state])
    bad = [finding for finding in findings if finding.state != "ok"]
    return render(
        request,
        "system/_examination.html",
        {"findings": [(finding, TONES[finding.state]) for finding in findings], "bad": len(bad)},
    )


@requires(VIEW)
@require_POST
def job_retry(request: HttpRequest, job_id: int) -> HttpResponse:
    """Gives a job that was given up a new set of attempts."""
    return _act(
        request, job_id, "RETRY_JOB", lambda: job_services.retry(job_id=job_id), _("It will run again.")
    )


@requires(VIEW)
@require_POST
def job_cancel(request: HttpRequest, job_id: int) -> HttpResponse:
    """Asks a job to stop at its next step."""
    return _act(
        request, job_id, "CANCEL_JOB", lambda: job_services.cancel(job_id=job_id), _("It was asked to stop.")
    )


def _act(request: HttpRequest, job_id: int, verb: str, act: object, message: str) -> HttpResponse:
    job = jobs.job_visible(job_id, everything=True)
    if job is None:
        raise Http404

    def do() -> None:
        act()  # type: ignore[operator]
        record(
            actor_id=request.user.pk,
            actor_name=str(request.user),
            verb=verb,
            object_type="job",
            object_id=str(job_id),
            label=job.kind,
            before={"state": job.state},
            after={},
        )

    return press(request, do, back=reverse("system:system"), message=message)
