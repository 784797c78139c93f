"""Whether derived data is kept up and proved: what health tells, for machines and for administrators.

Asked by `/readyz`, `/metrics`, `doctor` and the system page only, never by a page of figures.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import connection
from django.utils import timezone

from salesops.wall import context as wall


@dataclass(frozen=True, slots=True)
class Upkeep:
    """When roll-ups were last folded, compared with the deals, and everything verified, with which outcome.

    `fold_lag` is the age in seconds of the oldest change not yet folded, 0 when none waits. Figures are exact however
    large it is; reads become slower. `differences` and `broken` belong to `reconciled_at` and `verified_at`.
    `first_verification_at` is when everything was or is to be verified for the first time.
    """

    fold_lag: float
    folded_at: dt.datetime | None
    reconciled_at: dt.datetime | None
    differences: int
    verified_at: dt.datetime | None
    broken: tuple[str, ...]
    first_verification_at: dt.datetime


@wall.system("how long changes wait, not what they are")
def upkeep(now: dt.datetime | None = None) -> Upkeep:
    """One statement, cheap however long the queue is: the oldest change is the first by number."""
    with connection.cursor() as cursor:
        cursor.execute("""
            SELECT (SELECT queued_at FROM pipeline_rollupqueue ORDER BY id LIMIT 1), s.folded_at, s.reconciled_at,
                   coalesce(s.differences, 0), s.verified_at, coalesce(s.broken, ''),
                   coalesce((SELECT min(not_before) FROM jobs_job WHERE kind = 'data.verify'),
                            (SELECT min(applied) FROM django_migrations) + interval '1 hour')
            FROM (SELECT 1) one LEFT JOIN pipeline_rollupstate s ON s.id = 1""")
        oldest, folded_at, reconciled_at, differences, verified_at, broken, first = cursor.fetchone()
    lag = max(0.0, ((now or timezone.now()) - oldest).total_seconds()) if oldest else 0.0
    return Upkeep(lag, folded_at, reconciled_at, differences, verified_at, tuple(broken.split()), first)
