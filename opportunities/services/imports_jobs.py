"""Asking for an import's background work, and stopping it."""

from __future__ import annotations

from opportunities.models import ImportBatch
from opportunities.services.imports import ImportRefused
from organization.models import User
from salesops.jobs import services as jobs
from salesops.kernel.said import Said
from salesops.wall.context import saving

APPLY_IMPORT = "opportunities.apply_import"
PLAN_IMPORT = "opportunities.plan_import"
State = ImportBatch.State


@saving()
def request_plan(*, batch_id: int, user: User | None) -> int:
    """Have the batch planned anew; returns the job's id."""
    batch = ImportBatch.objects.select_for_update().get(pk=batch_id)
    if batch.state in {State.RUNNING, State.DONE, State.UNDONE}:
        raise ImportRefused(Said("This import can no longer be changed."))
    job = jobs.enqueue(kind=PLAN_IMPORT, payload={"batch_id": batch_id}, queue="imports", created_by=user)
    batch.state, batch.job_id, batch.error = State.UPLOADED, job.pk, ""
    batch.save(update_fields=["state", "job_id", "error"])
    return job.pk


@saving()
def request_apply(*, batch_id: int, user: User | None) -> int:
    """Have a ready batch applied; asking twice gives the same job, revived if it was given up. Returns its id."""
    batch = ImportBatch.objects.select_for_update().get(pk=batch_id)
    if batch.state not in {State.READY, State.RUNNING, State.CANCELLED}:
        raise ImportRefused(Said("This import is not ready: answer its questions first."))
    if batch.state in {State.CANCELLED, State.RUNNING} and batch.job_id is not None:
        jobs.retry(job_id=batch.job_id)
        ImportBatch.objects.filter(pk=batch_id).update(error="")  # what kept it from going on before
        return batch.job_id
    key = f"import-{batch_id}-{batch.plan.get('generation', 0)}"
    job = jobs.enqueue(
        kind=APPLY_IMPORT, payload={"batch_id": batch_id}, queue="imports", created_by=user, key=key
    )
    jobs.retry(job_id=job.pk)
    batch.state, batch.job_id, batch.error = State.RUNNING, job.pk, ""
    batch.save(update_fields=["state", "job_id", "error"])
    return job.pk


def request_cancel(*, batch_id: int) -> bool:
    """Ask the batch's job to stop at its next step; what is already written stays, and can be undone or
    continued."""
    batch = ImportBatch.objects.get(pk=batch_id)
    return batch.job_id is not None and jobs.cancel(job_id=batch.job_id)


def refuse_plan(*, batch_id: int, reason: Said) -> None:
    """The files cannot be used as they are: the import says why, and stays open for other columns."""
    open_states = [State.UPLOADED, State.ASKING, State.READY, State.FAILED]
    ImportBatch.objects.filter(pk=batch_id, state__in=open_states).update(state=State.FAILED, error=reason)


def refuse_run(*, batch_id: int, reason: Said) -> None:
    """The import cannot be applied now: it says why, and waits to be asked again, or undone where it had begun."""
    running = ImportBatch.objects.filter(pk=batch_id, state=State.RUNNING)
    running.filter(applied_at__isnull=True).update(state=State.READY, error=reason)
    running.filter(applied_at__isnull=False).update(state=State.CANCELLED, error=reason)
