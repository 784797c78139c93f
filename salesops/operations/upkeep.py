"""How late is too late: folding, comparing roll-ups with the deals, verifying. `/readyz` and `doctor` judge by this."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from pipeline.selectors.upkeep import Upkeep
from salesops.operations.finding import in_zone

FOLD_LAG_LIMIT = 120.0
"""Seconds; the folder runs every second and takes thousands of changes a second."""
COMPARED_WITHIN = dt.timedelta(hours=50)
"""It happens every night: two were missed."""
VERIFIED_WITHIN = dt.timedelta(days=15)
"""It happens every week: two were missed."""
FIRST_VERIFIED_WITHIN = dt.timedelta(hours=1)
"""After its hour: the job may wait for a worker, and takes a while."""
CLOCK = (
    "Start the clock (manage.py beat) and a worker for the queue rollups; see periodic tasks under /system/."
)


@dataclass(frozen=True)
class Judgement:
    """One of the three. `trouble` is empty when it is well; `broken` tells wrong data from work that is late."""

    name: str
    detail: str
    trouble: str = ""
    cure: str = ""
    broken: bool = False


def judge(upkeep: Upkeep, now: dt.datetime) -> list[Judgement]:
    """Folding, comparison, verification: none of them makes a web server unfit, each is worth an alert."""
    return [_folding(upkeep), _comparison(upkeep, now), _verification(upkeep, now)]


def _folding(upkeep: Upkeep) -> Judgement:
    lag = f"oldest change not folded is {upkeep.fold_lag:.0f} s old"
    if upkeep.fold_lag < FOLD_LAG_LIMIT:
        return Judgement("folding", lag)
    cure = "Start the clock: manage.py beat. Figures stay exact meanwhile, reads become slower."
    return Judgement("folding", lag, trouble=lag, cure=cure)


def _comparison(upkeep: Upkeep, now: dt.datetime) -> Judgement:
    name = "comparison"
    if upkeep.reconciled_at is None:
        return Judgement(name, "never", trouble="never compared", cure=CLOCK)
    when = in_zone(upkeep.reconciled_at)
    if upkeep.differences:
        many = "1 difference" if upkeep.differences == 1 else f"{upkeep.differences} differences"
        return Judgement(
            name,
            when,
            trouble=f"{many} between roll-ups and deals on {when}",
            cure="The nightly job mends them. Prove it: manage.py verify rollups; else manage.py recompute rollups. "
            "Then find the cause: log lines rollups_differ.",
            broken=True,
        )
    if now - upkeep.reconciled_at > COMPARED_WITHIN:
        return Judgement(name, when, trouble=f"last compared on {when}", cure=CLOCK)
    return Judgement(name, f"no difference on {when}")


def _verification(upkeep: Upkeep, now: dt.datetime) -> Judgement:
    name = "verification"
    if upkeep.verified_at is None and now < upkeep.first_verification_at + FIRST_VERIFIED_WITHIN:
        return Judgement(name, f"for the first time on {in_zone(upkeep.first_verification_at)}")
    if upkeep.verified_at is None:
        return Judgement(
            name,
            "never",
            trouble="never verified",
            cure="A job does it an hour after the first start, then weekly; manage.py verify does it now.",
        )
    when = in_zone(upkeep.verified_at)
    if upkeep.broken:
        many = "1 invariant" if len(upkeep.broken) == 1 else f"{len(upkeep.broken)} invariants"
        return Judgement(
            name,
            when,
            trouble=f"{many} broken on {when}: {', '.join(upkeep.broken)}",
            cure="manage.py verify names the rows, manage.py recompute mends what is derived; else restore.",
            broken=True,
        )
    if now - upkeep.verified_at > VERIFIED_WITHIN:
        return Judgement(
            name, when, trouble=f"last verified on {when}", cure=f"Run manage.py verify. {CLOCK}"
        )
    return Judgement(name, f"everything held on {when}")
