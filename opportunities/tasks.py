"""Background work of the CRM's world: applying and planning imports."""

from __future__ import annotations

from typing import Any

from opportunities.services.imports import ImportRefused, plan_import
from opportunities.services.imports_apply import apply_import
from opportunities.services.imports_jobs import APPLY_IMPORT, PLAN_IMPORT
from salesops.jobs.context import JobContext, JobRefusedError
from salesops.jobs.registry import job_handler


@job_handler(APPLY_IMPORT)
def run_apply_import(context: JobContext) -> Any:
    """Apply the batch named in the payload."""
    try:
        plan = apply_import(batch_id=int(context.payload["batch_id"]), steps=context)
    except ImportRefused as error:
        raise JobRefusedError(str(error)) from error
    return {
        name: plan.get(name) for name in ("rows", "created", "updated", "unchanged", "rejected", "set_aside")
    }


@job_handler(PLAN_IMPORT)
def run_plan_import(context: JobContext) -> Any:
    """Plan the batch named in the payload."""
    try:
        plan = plan_import(
            batch_id=int(context.payload["batch_id"]),
            tell=lambda phase, done: context.progress(done=done, phase=phase),
        )
    except ImportRefused as error:
        raise JobRefusedError(str(error)) from error
    return {"created": plan.created, "updated": plan.updated, "questions": len(plan.questions)}
