"""The installation's own numbers for Prometheus, asked of the database at each scrape.

Not kept in a process: every web process tells the same, whichever is asked.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from pipeline.selectors.upkeep import upkeep
from salesops.jobs import selectors as jobs

log = structlog.get_logger(__name__)

UP = "salesops_database_up"
MEANINGS = {
    "salesops_job_oldest_wait_seconds": "How long the oldest job that could run has waited.",
    "salesops_rollup_fold_lag_seconds": "Age of the oldest change not yet folded into the roll-ups.",
    "salesops_rollup_compared_timestamp_seconds": "When roll-ups were last compared with the deals; 0 = never.",
    "salesops_rollup_differences": "Differences found at that time.",
    "salesops_verified_timestamp_seconds": "When all data was last verified; 0 = never.",
    "salesops_verify_broken_invariants": "Invariants that did not hold at that time.",
    "salesops_backup_timestamp_seconds": "When the newest backup in BACKUP_DIR was written; 0 = there is none.",
}


def gauges() -> bytes:
    """In the text format. When the database does not answer, `salesops_database_up` is 0 and what it knows is left
    out."""
    registry = CollectorRegistry()
    up = Gauge(UP, "1 when the database answers.", registry=registry)
    try:
        values = _of_the_database()
        up.set(1)
    except (DatabaseError, InterfaceError):
        log.exception("metrics_database_unreachable")
        values = {}
        up.set(0)
    values["salesops_backup_timestamp_seconds"] = _newest_backup()
    for name, value in values.items():
        Gauge(name, MEANINGS[name], registry=registry).set(value)
    return generate_latest(registry)


def _of_the_database() -> dict[str, float]:
    state = upkeep()
    return {
        "salesops_job_oldest_wait_seconds": jobs.oldest_waiting_seconds(),
        "salesops_rollup_fold_lag_seconds": state.fold_lag,
        "salesops_rollup_compared_timestamp_seconds": _timestamp(state.reconciled_at),
        "salesops_rollup_differences": state.differences,
        "salesops_verified_timestamp_seconds": _timestamp(state.verified_at),
        "salesops_verify_broken_invariants": len(state.broken),
    }


def _newest_backup() -> float:
    from salesops.operations.backups import newest_backup  # which asks salesops.health for the version

    newest = newest_backup(Path(settings.BACKUP_DIR))
    try:
        return newest.stat().st_mtime if newest else 0.0
    except FileNotFoundError:  # --keep has just removed it
        return 0.0


def _timestamp(at: dt.datetime | None) -> float:
    return at.timestamp() if at else 0.0
