"""The rules of `domain.hygiene` as conditions of a query, and the typical days per stage they need."""

from __future__ import annotations

import datetime as dt
import time

from django.core.cache import cache
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from opportunities.domain.deal import Category, Status
from opportunities.domain.hygiene import (
    ASKED_FOR_NEXT_STEP,
    ENOUGH_WON_DEALS,
    FAR_DAYS,
    FORECAST_CATEGORIES,
    MANY_PUSHES,
    SOON_DAYS,
    Flag,
    Typical,
    is_mismatch,
)
from opportunities.selectors.processes import rule_book
from organization.selectors import company
from organization.selectors.memo import remembered
from salesops.wall import context as wall

ANY = "ANY"
"""Deals with at least one doubt."""
_FRESH_SECONDS = 900
_KEPT_SECONDS = 86_400
_PATIENCE_SECONDS = 60
"""After so long whoever began to work it out is taken to have died."""
_LOOK_BACK = dt.timedelta(days=730)

_SAMPLE = 20_000
"""Won deals the medians are taken of, about: of more, an even share, always the same ones. They hardly differ, and with
a million deals all of them took eight seconds of two cores every ten minutes."""

_WON = """SELECT id FROM opportunities_opportunity
  WHERE status = 'WON' AND NOT is_deleted AND close_date >= %(since)s"""
_WON_THEN = """SELECT opportunity_id AS id FROM opportunities_opportunityversion
  WHERE status = 'WON' AND NOT is_deleted AND close_date >= %(since)s
    AND superseded_at = '9999-12-31 00:00:00+00' AND valid_from <= %(at)s AND valid_to > %(at)s"""
_TYPICAL = """
SELECT stage_id, round(percentile_cont(0.5) WITHIN GROUP (ORDER BY days))::int FROM (
  SELECT v.opportunity_id, v.stage_id, sum(extract(epoch FROM v.valid_to - v.valid_from)) / 86400 AS days
  FROM (
    SELECT id FROM (SELECT id, (count(*) OVER () + %(sample)s - 1) / %(sample)s AS share FROM ({won}) won) counted
    WHERE hashint8(id) %% share = 0
  ) o JOIN opportunities_opportunityversion v ON v.opportunity_id = o.id
  WHERE v.superseded_at = '9999-12-31 00:00:00+00' AND v.valid_to < '9999-12-31 00:00:00+00'
    AND (%(at)s::timestamptz IS NULL OR v.valid_to <= %(at)s) AND v.status = 'OPEN' AND v.stage_id IS NOT NULL
  GROUP BY 1, 2
) visit GROUP BY stage_id HAVING count(*) >= %(enough)s
"""


def typical_days(at: dt.datetime | None = None) -> Typical:
    """Median days that deals won in the last two years spent in each stage, now or as of an instant; worked out about
    every ten minutes, by the clock process, or else by one request at a time: the others take what was known before,
    nothing if nothing was.

    Of more than about 20,000 deals an even share speaks for all. An aggregate without names, so it may speak for deals
    the viewer does not see.
    """
    return remembered(("opportunities.typical", at), lambda: _typical_cached(at))


def _typical_cached(at: dt.datetime | None) -> Typical:
    key = _key(at)
    worked_out, days = cache.get(key) or (0.0, {})
    if time.time() - worked_out > _FRESH_SECONDS and cache.add(f"{key}.begun", True, _PATIENCE_SECONDS):
        try:
            days = work_out_typical_days(at)
        finally:
            cache.delete(f"{key}.begun")
    return Typical(days)


@wall.system("medians over all deals, without names")
def work_out_typical_days(at: dt.datetime | None = None) -> dict[int, int]:
    """The medians by stage, worked out now and kept. With a million deals that takes a second."""
    since = (at or timezone.now()).date() - _LOOK_BACK
    values = {"since": since, "at": at, "enough": ENOUGH_WON_DEALS, "sample": _SAMPLE}
    with connection.cursor() as cursor:
        cursor.execute(_TYPICAL.replace("{won}", _WON if at is None else _WON_THEN), values)
        days: dict[int, int] = dict(cursor.fetchall())
    cache.set(_key(at), (time.time(), days), _KEPT_SECONDS)
    return days


def _key(at: dt.datetime | None) -> str:
    return f"opportunities.typical.{'now' if at is None else int(at.timestamp() * 1_000_000)}"


def flag_filter(flag: str, today: dt.date, typical: Typical) -> Q:
    """Deals with this doubt (or, with `ANY`, with one at least). The same rules as `domain.hygiene.doubts`."""
    conditions = _conditions(today, typical)
    wanted = list(conditions.values()) if flag == ANY else [conditions[Flag(flag)]]
    found = Q(pk__in=[])
    for condition in wanted:
        found |= condition
    return Q(status=Status.OPEN, category__in=FORECAST_CATEGORIES) & found


def _conditions(today: dt.date, typical: Typical) -> dict[Flag, Q]:
    soon = today + dt.timedelta(days=SOON_DAYS)
    return {
        Flag.PAST_CLOSE: Q(close_date__lt=today),
        Flag.NO_CLOSE_DATE: Q(close_date__isnull=True),
        Flag.NO_AMOUNT: Q(amount__isnull=True) | Q(amount=0),
        Flag.MISMATCH: _mismatch(),
        Flag.STALE: _stale(today, typical),
        Flag.NO_NEXT_STEP: Q(next_step="") & (Q(category__in=ASKED_FOR_NEXT_STEP) | Q(close_date__lte=soon)),
        Flag.PUSHED: Q(push_count__gte=MANY_PUSHES),
        Flag.FAR_CLOSE: Q(close_date__gt=today + dt.timedelta(days=FAR_DAYS)),
    }


def _mismatch() -> Q:
    found = Q(pk__in=[])
    for category in FORECAST_CATEGORIES:
        stages = [s.id for s in rule_book().stages.values() if is_mismatch(Category(category), s.category)]
        found |= Q(category=category, stage_id__in=stages)
    return found


def _stale(today: dt.date, typical: Typical) -> Q:
    """Days in stage are whole days between business dates, hence the comparison with a midnight."""
    found = Q(pk__in=[])
    facts = company()
    for stage_id in typical.days:
        limit = typical.stale_after(stage_id)
        if limit is not None:
            before = facts.start_of(today - dt.timedelta(days=limit))
            found |= Q(stage_id=stage_id, stage_entered_at__lt=before)
    return found
