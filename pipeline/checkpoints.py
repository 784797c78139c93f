# ruff: noqa: S608 - every piece of SQL is a constant; values are parameters
"""Keeping the checkpoints: the ledger summed up to certain instants, so that the past need not be read from its
beginning.

Nothing here is needed for exactness: a reader takes a checkpoint as it stands and adds the ledger rows that are not in
it. What is in it is said by its watermark, a ledger id below which no writer can still be at work. Ids are drawn
before their transaction commits, so the highest one visible is no watermark; `safe_mark` waits for those who may hold
a lower one and holds nobody back.
"""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from pipeline.models import RollupCheckpoint, RollupLedger
from pipeline.selectors.checkpointed import LEAVES
from pipeline.selectors.ground import NO_CALENDAR, company_facts

WEEKS = 26
"""Weeks back to which every Monday has a checkpoint: there courses of weeks have their points."""
DAYS = 56
"""Days back to which every day has one: what is asked of the past is mostly asked of the last weeks, on any day."""
_KEYS = "tree, month_id, member_id, category, subcategory_id, currency"
_SUMS = "deals, unpriced, amount, weighted"
_ADDED = "sum(deals), sum(unpriced), sum(amount), sum(weighted)"
_NOT_NOTHING = "sum(deals) <> 0 OR sum(unpriced) <> 0 OR sum(amount) <> 0 OR sum(weighted) <> 0"
_LEDGER = f"""
SELECT m.tree, coalesce(f.month_id, 0) AS month_id, m.member_id, l.category, l.subcategory_id, l.currency,
       l.deals, l.unpriced, l.amount, l.weighted
FROM pipeline_rollupledger l {LEAVES}
LEFT JOIN organization_fiscalday f ON f.calendar_id = %(calendar)s AND f.day = l.close_date"""
_WRITERS = """
FROM pg_locks WHERE locktype = 'relation' AND relation = 'pipeline_rollupledger'::regclass
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND mode = 'RowExclusiveLock' AND granted AND pid IS DISTINCT FROM pg_backend_pid()"""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh did: checkpoints built, checkpoints brought up to date, and whether nothing is left to do."""

    built: int = 0
    mended: int = 0
    complete: bool = True


def refresh(
    *, max_seconds: float = 60.0, wait_seconds: float = 5.0, now: dt.datetime | None = None
) -> Refreshed:
    """Fold rows written late into the checkpoints there are, and build those that became due since.

    One transaction per checkpoint; stops after `max_seconds` and goes on where it stopped next time. When writers do
    not end within `wait_seconds`, or somebody else is at it, nothing is done.
    """
    calendar = company_facts().calendar_id
    if calendar == NO_CALENDAR:
        return Refreshed()
    end = time.monotonic() + max_seconds
    mark = safe_mark(wait_seconds)
    if mark is None:
        return Refreshed(complete=False)
    built = mended = 0
    for at in _standing(calendar) + _missing(calendar, now or timezone.now()):
        if time.monotonic() > end:
            return Refreshed(built, mended, complete=False)
        done = _bring_up(calendar, at, mark)
        if done is None:
            return Refreshed(built, mended, complete=False)
        built, mended = built + (done == "BUILT"), mended + (done == "MENDED")
    _sweep(calendar, now or timezone.now())
    return Refreshed(built, mended)


def rebuild() -> int:
    """Drop all checkpoints and build them anew, after writing into the ledger what it lacks; returns how many
    ledger rows had been missing.

    Readers meanwhile go to the versions.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT rollup_ledger_mend()")
        missing: int = cursor.fetchone()[0]
    RollupCheckpoint.objects.all().delete()
    refresh(max_seconds=float("inf"), wait_seconds=60)
    return missing


def safe_mark(wait_seconds: float) -> int | None:
    """The highest ledger id drawn so far, once everybody who may have drawn it or a lower one has ended; None when
    that takes too long.

    A writer locks the ledger before drawing an id and until the end of the transaction, so whoever drew one
    is either done or among those holding the lock now. Later writers draw higher ids and are not waited for.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM pipeline_rollupledger_id_seq"
        )
        mark: int = cursor.fetchone()[0]
        cursor.execute(f"SELECT coalesce(array_agg(DISTINCT virtualtransaction), '{{}}') {_WRITERS}")
        writers = cursor.fetchone()[0]
        end = time.monotonic() + wait_seconds
        while True:
            cursor.execute(
                f"SELECT EXISTS (SELECT 1 {_WRITERS} AND virtualtransaction = ANY(%s::text[]))", [writers]
            )
            if not cursor.fetchone()[0]:
                return mark
            if time.monotonic() > end:
                return None
            time.sleep(0.05)


def _standing(calendar: int) -> list[dt.datetime]:
    rows = RollupCheckpoint.objects.filter(calendar_id=calendar)
    return list(rows.order_by("at").values_list("at", flat=True))


def points(begin: dt.datetime, now: dt.datetime, zone: dt.tzinfo) -> list[dt.datetime]:
    """Where checkpoints stand: as business days begin, on the first of every month, on every Monday of the last `WEEKS`
    weeks and on every of the last `DAYS` days.
    """
    day, today = begin.astimezone(zone).date(), now.astimezone(zone).date()
    found = []
    while (day := day + dt.timedelta(days=1)) <= today:
        age = (today - day).days
        if day.day == 1 or age < DAYS or (day.weekday() == 0 and age < WEEKS * 7):
            found.append(dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC))
    return found


def _missing(calendar: int, now: dt.datetime) -> list[dt.datetime]:
    """Points since the first checkpoint, or since the ledger begins, that have no checkpoint yet."""
    standing = _standing(calendar)
    begin = (
        RollupLedger.objects.order_by("at").values_list("at", flat=True).first()
        if not standing
        else standing[0]
    )
    return sorted(set(points(begin, now, company_facts().zone)) - set(standing)) if begin else []


@transaction.atomic
def _bring_up(calendar: int, at: dt.datetime, mark: int) -> str | None:
    """Build this checkpoint, or fold late rows into it. None: somebody else is at it, or the calendar was changed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(7201, 3)")
        if not cursor.fetchone()[0] or company_facts().calendar_id != calendar:
            return None
        standing = RollupCheckpoint.objects.filter(calendar_id=calendar, at=at).first()
        if standing is not None and standing.watermark >= mark:
            return "THERE"
        if standing is not None:
            _fold_late(cursor, standing, mark)
            return "MENDED"
        _build(cursor, calendar, at, mark)
        return "BUILT"


def _build(cursor: Any, calendar: int, at: dt.datetime, mark: int) -> None:
    """The checkpoint before it (brought up to the same mark) plus the ledger between."""
    former = (
        RollupCheckpoint.objects.filter(calendar_id=calendar, at__lt=at, watermark=mark)
        .order_by("-at")
        .first()
    )
    made = RollupCheckpoint.objects.create(
        calendar_id=calendar, at=at, watermark=mark, built_at=timezone.now()
    )
    after = "AND l.at > %(after)s" if former else ""
    cursor.execute(
        f"""INSERT INTO pipeline_rollupcheckpointcell (checkpoint_id, {_KEYS}, {_SUMS})
            SELECT %(made)s, {_KEYS}, {_ADDED}
            FROM (SELECT {_KEYS}, {_SUMS} FROM pipeline_rollupcheckpointcell WHERE checkpoint_id = %(former)s
                  UNION ALL {_LEDGER} WHERE l.at <= %(at)s {after} AND l.id <= %(mark)s) x
            GROUP BY {_KEYS} HAVING {_NOT_NOTHING} ORDER BY {_KEYS}""",
        {
            "made": made.pk, "former": former.pk if former else 0, "after": former.at if former else None,
            "at": at, "mark": mark, "calendar": calendar,
        },
    )  # fmt: skip


def _fold_late(cursor: Any, checkpoint: RollupCheckpoint, mark: int) -> None:
    """Add what was written after the checkpoint's watermark but dated before it. Readers see both or neither."""
    cursor.execute(
        f"""INSERT INTO pipeline_rollupcheckpointcell AS t (checkpoint_id, {_KEYS}, {_SUMS})
            SELECT %(checkpoint)s, {_KEYS}, {_ADDED}
            FROM ({_LEDGER} WHERE l.id > %(from)s AND l.id <= %(mark)s AND l.at <= %(at)s) x
            GROUP BY {_KEYS} HAVING {_NOT_NOTHING}
            ON CONFLICT (checkpoint_id, {_KEYS}) DO UPDATE SET
              deals = t.deals + excluded.deals, unpriced = t.unpriced + excluded.unpriced,
              amount = t.amount + excluded.amount, weighted = t.weighted + excluded.weighted""",
        {
            "checkpoint": checkpoint.pk, "from": checkpoint.watermark, "mark": mark, "at": checkpoint.at,
            "calendar": checkpoint.calendar_id,
        },
    )  # fmt: skip
    RollupCheckpoint.objects.filter(pk=checkpoint.pk).update(watermark=mark)


@transaction.atomic
def _sweep(calendar: int, now: dt.datetime) -> None:
    """Drop checkpoints of other calendars, of days that are none any more (those of long ago, another time zone), and
    cells whose checkpoint is gone.
    """
    standing, day = _standing(calendar), dt.timedelta(days=1)
    due = set(points(standing[0] - day, now, company_facts().zone)) if standing else set()
    gone = sorted(set(standing) - due)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(7201, 3)")
        if not cursor.fetchone()[0]:
            return
        cursor.execute(
            "DELETE FROM pipeline_rollupcheckpoint WHERE calendar_id <> %s OR at = ANY(%s)", [calendar, gone]
        )
        # One probe per checkpoint instead of a scan of all cells: ids are walked by the index.
        cursor.execute(
            """WITH RECURSIVE ids(id) AS (
                 SELECT min(checkpoint_id) FROM pipeline_rollupcheckpointcell
                 UNION ALL
                 SELECT (SELECT min(checkpoint_id) FROM pipeline_rollupcheckpointcell WHERE checkpoint_id > ids.id)
                 FROM ids WHERE ids.id IS NOT NULL)
               DELETE FROM pipeline_rollupcheckpointcell WHERE checkpoint_id IN (
                 SELECT id FROM ids WHERE id IS NOT NULL AND id NOT IN (SELECT id FROM pipeline_rollupcheckpoint))"""
        )
