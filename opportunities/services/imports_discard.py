"""Discarding imports that were not applied: their rows and files go, and the audit trail says so."""

from __future__ import annotations

import datetime as dt
import shutil

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from opportunities.models import ImportBatch
from opportunities.services.imports import ImportRefused, audit_import, import_folder
from opportunities.services.imports_staging import clear
from salesops.jobs import services as jobs
from salesops.kernel.said import Said
from salesops.wall.context import saving

State = ImportBatch.State
DRAFTS = (State.UPLOADED, State.ASKING, State.READY, State.FAILED)
FORGOTTEN_AFTER = dt.timedelta(days=30)


@saving()
def discard_import(*, batch_id: int, actor_id: int | None, actor_name: str) -> None:
    """Remove an import that wrote nothing. Raises `ImportRefused` for one that was applied or is running."""
    batch = ImportBatch.objects.select_for_update().filter(pk=batch_id).first()
    if batch is None:
        return
    if batch.state not in DRAFTS or batch.applied_at is not None:
        raise ImportRefused(
            Said("Only an import that has written nothing can be discarded. Undo this one instead.")
        )
    if batch.job_id is not None:
        jobs.cancel(job_id=batch.job_id)
    audit_import(
        batch=batch, verb="DISCARD_IMPORT", after={"state": batch.state}, actor=(actor_id, actor_name)
    )
    clear(batch.pk)
    folder = import_folder(batch.pk)
    batch.delete()
    transaction.on_commit(lambda: shutil.rmtree(folder, ignore_errors=True))


def discard_old_drafts() -> int:
    """Discard imports that were neither applied nor checked again for a month; returns how many."""
    limit = timezone.now() - FORGOTTEN_AFTER
    old = ImportBatch.objects.filter(
        Q(as_of__isnull=True) | Q(as_of__lt=limit),
        state__in=DRAFTS,
        applied_at__isnull=True,
        created_at__lt=limit,
    )
    ids = list(old.order_by("pk").values_list("pk", flat=True))
    for batch_id in ids:
        discard_import(batch_id=batch_id, actor_id=None, actor_name="")
    return len(ids)
