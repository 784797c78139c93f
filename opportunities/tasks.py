"""Background work of the CRM's world: planning and applying imports, discarding forgotten ones."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from opportunities.selectors.hygiene import work_out_typical_days
from opportunities.services.imports import ImportRefused, plan_import, reason_of
from opportunities.services.imports_apply import apply_import
from opportunities.services.imports_discard import discard_old_drafts
from opportunities.services.imports_jobs import APPLY_IMPORT, PLAN_IMPORT, refuse_plan, refuse_run
from salesops.jobs.context import JobContext, JobRefusedError
from salesops.jobs.registry import job_handler, periodic
from salesops.jobs.services import enqueue
from salesops.kernel.tabular import UnreadableFile

TYPICAL_DAYS = "deals.typical_days"


@job_handler(APPLY_IMPORT, _("Write an import"))
def run_apply_import(context: JobContext) -> Any:
    """Apply the batch named in the payload."""
    batch_id = int(context.payload["batch_id"])
    try:
        plan = apply_import(batch_id=batch_id, steps=context)
    except (ImportRefused, UnreadableFile) as error:
        refuse_run(batch_id=batch_id, reason=reason_of(error))
        raise JobRefusedError(reason_of(error)) from error
    return {
        name: plan.get(name) for name in ("rows", "created", "updated", "unchanged", "rejected", "set_aside")
    }


@job_handler(PLAN_IMPORT, _("Check an import"))
def run_plan_import(context: JobContext) -> Any:
    """Plan the batch named in the payload."""
    batch_id = int(context.payload["batch_id"])
    try:
        plan = plan_import(
            batch_id=batch_id,
            tell=lambda phase, done: context.progress(done=done, phase=phase),
        )
    except (ImportRefused, UnreadableFile) as error:
        refuse_plan(batch_id=batch_id, reason=reason_of(error))
        raise JobRefusedError(reason_of(error)) from error
    return {"created": plan.created, "updated": plan.updated, "questions": len(plan.questions)}


@periodic("deals.typical_days_due", seconds=600, title=_("Have the usual days per stage worked out"))
def order_typical_days() -> None:
    """Every ten minutes, so that no page has to."""
    now = timezone.now()
    enqueue(kind=TYPICAL_DAYS, queue="analytics", key=f"{TYPICAL_DAYS}:{now:%Y-%m-%d %H}:{now.minute // 10}")


@job_handler(TYPICAL_DAYS, _("Work out the usual days per stage"))
def run_typical_days(context: JobContext) -> dict[str, object]:
    """Median days per stage of won deals, for the flags of deals that stand still."""
    return {"stages": len(work_out_typical_days())}


@periodic("imports.discard_drafts", seconds=86_400, title=_("Discard imports that were never finished"))
def discard_forgotten_imports() -> int:
    """Uploads nobody touched for a month go, with their rows and files."""
    return discard_old_drafts()
