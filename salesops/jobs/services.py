"""Asking for work, stopping it, and seeing that none is forgotten."""

import datetime as dt
import json
import time
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import DatabaseError, transaction
from django.db.models import F, Q
from django.utils import timezone

from salesops.jobs import runner
from salesops.jobs.models import FINAL_STATES, Job, JobState, JobStep, Queue

log = structlog.get_logger(__name__)
PAYLOAD_LIMIT = 4096
RENUDGE_AFTER = dt.timedelta(seconds=30)
SWEEP_LIMIT = 200
BROKER_REST = 5.0
_broker_rests_until = 0.0


def enqueue(
    *,
    kind: str,
    payload: dict[str, Any] | None = None,
    queue: str = Queue.INTERACTIVE,
    created_by: AbstractBaseUser | None = None,
    key: str | None = None,
    delay: dt.timedelta | None = None,
    max_attempts: int = 5,
) -> Job:
    """Writes a job row in the caller's transaction; workers hear of it when that commits.

    `payload` holds identifiers only. With a `key`, a second request with the same key returns the first job, finished
    or not. An unreachable broker is no error: the sweeper finds the row within seconds.
    """
    body = payload or {}
    if len(json.dumps(body)) > PAYLOAD_LIMIT:
        raise ValueError(
            f"a job's payload holds identifiers, not data; {kind!r} brought over {PAYLOAD_LIMIT} bytes"
        )
    now = timezone.now()
    columns: dict[str, Any] = {
        "kind": kind,
        "payload": body,
        "queue": Queue(queue),
        "created_by_id": created_by.pk if created_by else None,
        "max_attempts": max_attempts,
        "created_at": now,
        "not_before": now + (delay or dt.timedelta()),
        "nudged_at": None if delay else now,
    }
    with transaction.atomic():
        if key is None:
            job, fresh = Job.objects.create(**columns), True
        else:
            job, fresh = Job.objects.get_or_create(key=key, defaults=columns)
        if fresh and not delay:
            transaction.on_commit(lambda: _nudge_or_note(job.pk, job.queue), robust=True)
    return job


def run_here(*, kind: str, payload: dict[str, Any], created_by: AbstractBaseUser | None = None) -> Job:
    """Writes a job and does it in this process (commands). Should the process die, a worker takes it over."""
    with transaction.atomic():
        now = timezone.now()
        job = Job.objects.create(
            kind=kind,
            payload=payload,
            queue=Queue.IMPORTS,
            created_by_id=created_by.pk if created_by else None,
            created_at=now,
            not_before=now,
            nudged_at=now,
        )
        context = runner.claim(job.pk)
    assert context is not None, "a row written in this transaction is free"
    runner.run_claimed(context)
    job.refresh_from_db()
    return job


def cancel(*, job_id: int) -> bool:
    """Asks a job to stop: at once while it waits, at its next step while it runs. False when it has ended."""
    with transaction.atomic():
        job = Job.objects.select_for_update(no_key=True).filter(pk=job_id).first()
        if job is None or job.state in FINAL_STATES:
            return False
        job.cancel_requested = True
        if job.state != JobState.RUNNING:
            job.state, job.finished_at = JobState.CANCELLED, timezone.now()
        job.save(update_fields=["cancel_requested", "state", "finished_at"])
    return True


def retry(*, job_id: int) -> bool:
    """Gives a dead or cancelled job a new set of attempts; completed steps stay completed."""
    now = timezone.now()
    with transaction.atomic():
        revived = Job.objects.filter(pk=job_id, state__in=[JobState.DEAD, JobState.CANCELLED]).update(
            state=JobState.QUEUED,
            attempts=0,
            cancel_requested=False,
            error="",
            result=None,
            finished_at=None,
            not_before=now,
            nudged_at=now,
        )
        if revived:
            queue = Job.objects.values_list("queue", flat=True).get(pk=job_id)
            transaction.on_commit(lambda: _nudge_or_note(job_id, queue), robust=True)
    return bool(revived)


def sweep() -> dict[str, int]:
    """Takes jobs back from workers that fell silent, and reminds the broker of jobs it seems to have forgotten."""
    recovered, given_up = _recover_expired()
    return {"recovered": recovered, "given_up": given_up, "nudged": _remind()}


def drain(*, queues: tuple[str, ...] = (), limit: int = 1000) -> int:
    """Does waiting jobs in this process, oldest first, until none is due; returns how many were done."""
    done = 0
    while done < limit:
        waiting = Job.objects.filter(
            state__in=[JobState.QUEUED, JobState.FAILED], not_before__lte=timezone.now()
        )
        if queues:
            waiting = waiting.filter(queue__in=queues)
        job_id = waiting.order_by("not_before", "pk").values_list("pk", flat=True).first()
        if job_id is None:
            break
        done += runner.execute(job_id)
    return done


def purge(*, keep_days: int) -> int:
    """Deletes jobs that ended more than so many days ago; returns how many."""
    limit = timezone.now() - dt.timedelta(days=keep_days)
    old = Job.objects.filter(state__in=FINAL_STATES, finished_at__lt=limit)
    JobStep.objects.filter(job__in=old).delete()
    return old.delete()[0]


def nudge(job_id: int, queue: str) -> bool:
    """Tells the workers of a queue to look at a job; False, and a line in the log, when the broker is away.

    After a failure the broker is left alone for some seconds, so that a hanging one slows one request, not all.
    """
    global _broker_rests_until
    if not settings.REDIS_URL:
        return True  # no broker by choice: `manage.py beat --run-jobs` polls the table
    if time.monotonic() < _broker_rests_until:
        return False
    from salesops.jobs.tasks import run_job

    try:
        run_job.apply_async(kwargs={"job_id": job_id}, queue=queue, retry=False)
    except (
        Exception
    ) as problem:  # kombu lets many kinds through, and none may reach the person who saved a deal
        log.warning("job_nudge_failed", job_id=job_id, problem=str(problem))
        _broker_rests_until = time.monotonic() + BROKER_REST
        return False
    return True


def _nudge_or_note(job_id: int, queue: str) -> None:
    if not nudge(job_id, queue):
        try:
            Job.objects.filter(pk=job_id).update(nudged_at=None)
        except DatabaseError:
            log.warning("job_nudge_unrecorded", job_id=job_id)


def _recover_expired() -> tuple[int, int]:
    now = timezone.now()
    recovered = given_up = 0
    with transaction.atomic():
        expired = Job.objects.select_for_update(skip_locked=True, no_key=True).filter(
            state=JobState.RUNNING, lease_until__lt=now
        )[:SWEEP_LIMIT]
        for job in expired:
            _take_back(job, now)
            given_up += job.state == JobState.DEAD
            recovered += job.state == JobState.QUEUED
    return recovered, given_up


def _take_back(job: Job, now: dt.datetime) -> None:
    """Ends the attempt of a silent worker."""
    error = f"the worker {job.worker} fell silent during attempt {job.attempts}"
    job.lease_until = None
    if job.cancel_requested:
        job.state, job.finished_at = JobState.CANCELLED, now
    elif job.attempts >= job.max_attempts:
        job.state, job.finished_at, job.error = JobState.DEAD, now, error
        runner.alert_dead(job_id=job.pk, kind=job.kind, error=error)
    else:
        job.state, job.not_before, job.nudged_at, job.error = JobState.QUEUED, now, None, error
        log.warning(
            "job_taken_back", job_id=job.pk, job_kind=job.kind, attempt=job.attempts, worker=job.worker
        )
    job.save(update_fields=["state", "lease_until", "finished_at", "error", "not_before", "nudged_at"])


def _remind() -> int:
    now = timezone.now()
    with transaction.atomic():
        forgotten = list(
            Job.objects.select_for_update(skip_locked=True, no_key=True)
            .filter(Q(nudged_at=None) | Q(nudged_at__lt=now - RENUDGE_AFTER))
            .filter(state__in=[JobState.QUEUED, JobState.FAILED], not_before__lte=now)
            .order_by(F("nudged_at").asc(nulls_first=True), "pk")[:SWEEP_LIMIT]
            .values_list("pk", "queue")
        )
        Job.objects.filter(pk__in=[job_id for job_id, _ in forgotten]).update(nudged_at=now)
    sent = 0
    for job_id, queue in forgotten:
        if not nudge(job_id, queue):
            break  # the broker is away; the rest is asked again at the next sweep
        sent += 1
    unsent = [job_id for job_id, _ in forgotten[sent:]]
    if unsent:
        Job.objects.filter(pk__in=unsent).update(nudged_at=None)
    return sent
