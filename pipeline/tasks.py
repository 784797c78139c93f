"""What keeps the roll-ups short and honest in the background."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from pipeline import checkpoints, rollups
from pipeline.services import verify
from salesops.jobs.context import JobContext
from salesops.jobs.pace import unhurried
from salesops.jobs.registry import job_handler, periodic
from salesops.jobs.services import enqueue

RECONCILE = "rollups.reconcile"
CHECKPOINTS = "rollups.checkpoints"
VERIFY = "data.verify"
NIGHT = 86_400.0
WEEK = 7 * NIGHT
QUARTER_HOUR = 900.0


@periodic("rollups.fold", seconds=1, title=_("Bring the totals up to date"))
def fold_rollups() -> int:
    """Apply the changes of the last second."""
    return rollups.fold(max_seconds=5)


@periodic("rollups.reconcile_daily", seconds=NIGHT, title=_("Have all totals compared with the deals"))
def order_reconciliation() -> None:
    """Once a day, have all roll-ups compared with the deals."""
    enqueue(kind=RECONCILE, queue="rollups", key=f"{RECONCILE}:{timezone.now():%Y-%m-%d}")


@job_handler(RECONCILE, _("Compare the totals with the deals"))
def reconcile_rollups(context: JobContext) -> dict[str, object]:
    """Compare all roll-ups with the deals; what differs is rebuilt, and the first difference named in the result."""
    context.progress(phase=gettext_noop("Comparing with the deals"))
    with unhurried():
        found = rollups.reconcile(repair=True)
    return {"differences": len(found), "first": str(found[0]) if found else ""}


@periodic("data.verify_weekly", seconds=WEEK, title=_("Have all data verified"))
def order_verification() -> None:
    """Once a week, have every invariant checked; an hour later, so that a first start has its processors to itself."""
    now = timezone.now()
    enqueue(kind=VERIFY, queue="rollups", key=f"{VERIFY}:{now:%G-%V}", delay=dt.timedelta(hours=1))


@job_handler(VERIFY, _("Verify all data"))
def verify_data(context: JobContext) -> dict[str, object]:
    """Check every invariant; the result names those that do not hold and the first row in breach. Nothing is mended."""
    broken = []
    context.progress(phase=gettext_noop("Checking what must hold"))
    with unhurried():
        for done, finding in enumerate(verify(), start=1):
            broken += [] if finding.holds else [finding]
            context.progress(done=done)
    return {"broken": [finding.name for finding in broken], "first": broken[0].broken[0] if broken else ""}


@periodic("rollups.checkpoints_due", seconds=QUARTER_HOUR, title=_("Have sums of past months renewed"))
def order_checkpoints() -> None:
    """Every quarter of an hour, have late changes folded into the checkpoints and new months begun."""
    now = timezone.now()
    enqueue(kind=CHECKPOINTS, queue="rollups", key=f"{CHECKPOINTS}:{now:%Y-%m-%d %H}:{now.minute // 15}")


@job_handler(CHECKPOINTS, _("Renew the sums of past months"))
def refresh_checkpoints(context: JobContext) -> dict[str, object]:
    """Bring the checkpoints up to date; one left for lack of time or because of busy writers is done next time."""
    context.progress(phase=gettext_noop("Summing the past"))
    done = checkpoints.refresh(max_seconds=300)
    return {"built": done.built, "mended": done.mended, "complete": done.complete}
