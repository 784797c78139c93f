"""The edge to Celery: one generic task, and the chores of the job table itself."""

from typing import Any

from celery import shared_task
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from salesops.jobs import runner, services
from salesops.jobs.registry import periodic


@shared_task(name="salesops.jobs.run_job", ignore_result=True)
def run_job(*, job_id: int) -> None:
    """Does a job if it is free; a second delivery of the same message finds it taken or done."""
    runner.execute(job_id)


@periodic("jobs.sweep", seconds=5, title=_("Take jobs back from silent workers"))
def sweep_jobs() -> dict[str, Any]:
    """Finds jobs whose worker died and jobs the broker forgot."""
    return services.sweep()


@periodic("jobs.purge", seconds=86_400, title=_("Delete jobs that ended long ago"))
def purge_jobs() -> int:
    """Forgets jobs that ended long ago."""
    return services.purge(keep_days=settings.JOBS_KEEP_DAYS)
