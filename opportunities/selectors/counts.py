"""Since when a deal was in its stage and how often it had been pushed, up to an instant: counted from its history.

The present row holds both counts of today. `domain.history` has the same rules for a history at hand.
"""

from __future__ import annotations

import datetime as dt
from contextlib import AbstractContextManager, nullcontext

from django.db.models import DateTimeField, Expression, F, Func, IntegerField, Value

from salesops.wall import context as wall

_HISTORY = """(SELECT {answer} FROM (
  SELECT h.valid_from, h.status, h.close_date, h.stage_id, lag(h.id) OVER w AS earlier,
         lag(h.status) OVER w AS status_was, lag(h.close_date) OVER w AS close_was, lag(h.stage_id) OVER w AS stage_was
  FROM (SELECT %(expressions)s::timestamptz) asked(deal, instant)
  JOIN opportunities_opportunityversion h ON h.opportunity_id = asked.deal AND h.valid_from <= asked.instant
  WHERE h.superseded_at = '9999-12-31 00:00:00+00'
  WINDOW w AS (ORDER BY h.valid_from, h.seq)) step
WHERE {counted})"""
_ENTERED = _HISTORY.format(
    answer="max(valid_from)", counted="earlier IS NULL OR stage_id IS DISTINCT FROM stage_was"
)
_PUSHES = _HISTORY.format(
    answer="count(*)::int",
    counted="status = 'OPEN' AND status_was = 'OPEN' "
    "AND date_trunc('month', close_date) > date_trunc('month', close_was)",
)


def counting(at: dt.datetime | None) -> AbstractContextManager[None]:
    """Around a statement that uses `counts_then`; with None, it uses none."""
    if at is None:
        return nullcontext()
    return wall.system("a visible state's stage entry and pushes are counted in all its deal's history")


def counts_then(at: dt.datetime) -> dict[str, Expression]:
    """`stage_entered_at` and `push_count` of a version as of an instant, to annotate a queryset of versions with."""
    asked = (F("opportunity_id"), Value(at, output_field=DateTimeField()))
    return {
        "stage_entered_at": Func(*asked, template=_ENTERED, output_field=DateTimeField()),
        "push_count": Func(*asked, template=_PUSHES, output_field=IntegerField()),
    }
