"""What keeps the roll-ups short and honest in the background."""

from __future__ import annotations

from pipeline import rollups
from salesops.jobs.registry import job_handler, periodic


@periodic("rollups.fold", seconds=1)
def fold_rollups() -> int:
    """Apply the changes of the last second."""
    return rollups.fold(max_seconds=5)


@job_handler("rollups.reconcile")
def reconcile_rollups(context) -> dict[str, object]:  # type: ignore[no-untyped-def]
    """Compare all roll-ups with the deals; what differs is rebuilt and named in the job's result."""
    found = rollups.reconcile(repair=True)
    return {"differences": len(found), "first": str(found[0]) if found else ""}
