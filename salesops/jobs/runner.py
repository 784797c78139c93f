"""Doing a job: claim the row, run the handler under a heartbeat, write the outcome.

`attempts` is raised before any work, so a job that kills its worker cannot be tried for ever. All writes name the
attempt they belong to: a worker that was silent, lost its job and woke up again changes nothing.
"""

import datetime as dt
import os
import socket
import time
from contextlib import nullcontext
from typing import Any

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import DatabaseError, connection
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone

from salesops.jobs.context import JobCancelledError, JobContext, JobRefusedError, LeaseLostError
from salesops.jobs.heartbeat import Heartbeat, lease_end
from salesops.jobs.models import REFUSED, Job, JobState
from salesops.jobs.registry import UnknownKindError, handler_for

log = structlog.get_logger(__name__)
ERROR_LENGTH = 2000


def execute(job_id: int) -> bool:
    """Does the job if it is free and due; False when there was nothing to do (done, taken, not due, cancelled)."""
    context = claim(job_id)
    if context is None:
        return False
    run_claimed(context)
    return True


def claim(job_id: int) -> JobContext | None:
    """Takes a waiting job: one conditional update, so of several deliveries one wins."""
    now = timezone.now()
    taken = Job.objects.filter(
        pk=job_id,
        state__in=[JobState.QUEUED, JobState.FAILED],
        not_before__lte=now,
        attempts__lt=F("max_attempts"),
        cancel_requested=False,
    ).update(
        state=JobState.RUNNING,
        attempts=F("attempts") + 1,
        lease_until=lease_end(now),
        heartbeat_at=now,
        started_at=Coalesce("started_at", now),
        worker=f"{socket.gethostname()}:{os.getpid()}",
        error="",
    )
    if not taken:
        return None
    job = Job.objects.get(pk=job_id)
    return JobContext(job.pk, job.kind, job.payload, job.attempts, job.created_by_id)


def run_claimed(context: JobContext) -> None:
    """Runs the handler of a claimed job and writes the outcome; never raises for the handler's failures."""
    context.direct = connection.in_atomic_block
    began = time.monotonic()
    with structlog.contextvars.bound_contextvars(job_id=context.job_id, job_kind=context.kind):
        changes = _outcome(context)
        if changes is None:
            log.warning("job_taken_over", attempt=context.attempt)
            return
        written = _write(context, changes)
        seconds = round(time.monotonic() - began, 3)
        log.info(
            "job_ended", state=changes["state"], attempt=context.attempt, seconds=seconds, written=written
        )


def retry_delay(attempt: int) -> dt.timedelta:
    """How long a job rests after its n-th failed attempt: 2, 4, 8, 16 … seconds, at most 5 minutes."""
    return dt.timedelta(seconds=min(2**attempt, 300))


def failure(*, attempts: int, max_attempts: int, error: str, now: dt.datetime) -> dict[str, Any]:
    """The columns of a job whose attempt failed: it waits for the next one, or is given up."""
    if attempts >= max_attempts:
        return {
            "state": JobState.DEAD,
            "error": error[:ERROR_LENGTH],
            "lease_until": None,
            "finished_at": now,
        }
    return {
        "state": JobState.FAILED,
        "error": error[:ERROR_LENGTH],
        "lease_until": None,
        "not_before": now + retry_delay(attempts),
        "nudged_at": None,
    }


def alert_dead(*, job_id: int, kind: str, error: str) -> None:
    """The line an alert rule watches for."""
    log.error("job_dead", job_id=job_id, job_kind=kind, error=error)


def _outcome(context: JobContext) -> dict[str, Any] | None:
    """Runs the handler; the columns to write, or None when the job belongs to somebody else by now."""
    try:
        with nullcontext() if context.direct else Heartbeat(context):
            result = handler_for(context.kind)(context)
    except LeaseLostError:
        return None
    except JobCancelledError:
        return {"state": JobState.CANCELLED, "lease_until": None, "finished_at": timezone.now()}
    except JobRefusedError as problem:
        return {
            "state": JobState.CANCELLED,
            "result": REFUSED,
            "error": _to_keep(problem),
            "lease_until": None,
            "finished_at": timezone.now(),
        }
    except UnknownKindError as problem:
        return {
            "state": JobState.DEAD,
            "error": str(problem)[:ERROR_LENGTH],
            "lease_until": None,
            "finished_at": timezone.now(),
        }
    except SoftTimeLimitExceeded:
        return _failed(context, "the time limit for jobs was reached (JOB_TIME_LIMIT)")
    except Exception as problem:
        log.exception("job_attempt_failed", attempt=context.attempt)
        return _failed(context, f"{type(problem).__name__}: {problem}")
    if context.lease_lost.is_set():
        return None
    return {"state": JobState.DONE, "result": result, "lease_until": None, "finished_at": timezone.now()}


def _to_keep(problem: JobRefusedError) -> str:
    """The reason with its parts, so that whoever reads it gets it in their language; plain English if that is long."""
    kept = problem.why.kept()
    return kept if len(kept) <= ERROR_LENGTH else str(problem.why)[:ERROR_LENGTH]


def _failed(context: JobContext, error: str) -> dict[str, Any]:
    limit = Job.objects.values_list("max_attempts", flat=True).get(pk=context.job_id)
    return failure(attempts=context.attempt, max_attempts=limit, error=error, now=timezone.now())


def _write(context: JobContext, changes: dict[str, Any]) -> bool:
    """Writes the outcome if the job is still this attempt's; tries for a while when the database is away."""
    for pause in (0.2, 0.5, 1, 2, 0):
        try:
            row = Job.objects.filter(pk=context.job_id, state=JobState.RUNNING, attempts=context.attempt)
            written = row.update(**changes, **context.progress_columns())
            break
        except DatabaseError:
            if not pause or context.direct:
                raise
            connection.close()
            time.sleep(pause)
    if written and changes["state"] == JobState.DEAD:
        alert_dead(job_id=context.job_id, kind=context.kind, error=changes["error"])
    return bool(written)
