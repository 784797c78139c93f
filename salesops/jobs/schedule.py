"""Periodic tasks: each is run when due, by one process at a time, however many run this loop."""

import datetime as dt
import zlib

import structlog
from django.db import connection
from django.db.models import F
from django.utils import timezone

from salesops.jobs.models import Schedule
from salesops.jobs.registry import Periodic, periodics

log = structlog.get_logger(__name__)
LOCK_CLASS = 0x5A1E5  # first key of the advisory locks of periodic tasks
SLACK = dt.timedelta(milliseconds=100)


def due(now: dt.datetime | None = None) -> list[Periodic]:
    """The declared tasks whose time has come, most overdue first."""
    now = now or timezone.now()
    last = dict(Schedule.objects.values_list("name", "started_at"))
    waits = [(_overdue(task, last.get(task.name), now), task) for task in periodics()]
    return [task for wait, task in sorted(waits, key=lambda pair: -pair[0]) if wait >= 0]


def run_if_free(task: Periodic) -> bool:
    """Runs a due task under its advisory lock; False when another process has it or has just done it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", _lock(task))
        if not cursor.fetchone()[0]:  # type: ignore[index]
            return False
    try:
        now = timezone.now()
        row, _ = Schedule.objects.get_or_create(name=task.name)
        if _overdue(task, row.started_at, now) < 0:
            return False
        Schedule.objects.filter(name=task.name).update(started_at=now)
        _run(task)
        return True
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", _lock(task))


def _run(task: Periodic) -> None:
    row = Schedule.objects.filter(name=task.name)
    try:
        task.run()
    except Exception as problem:
        log.exception("periodic_task_failed", task=task.name)
        row.update(failures=F("failures") + 1, error=f"{type(problem).__name__}: {problem}"[:2000])
    else:
        row.update(failures=0, error="", finished_at=timezone.now())


def _overdue(task: Periodic, last: dt.datetime | None, now: dt.datetime) -> float:
    """Seconds since the task became due; negative while it is not."""
    if last is None:
        return 0.0
    return (now - last - dt.timedelta(seconds=task.seconds) + SLACK).total_seconds()


def _lock(task: Periodic) -> list[int]:
    return [LOCK_CLASS, zlib.crc32(task.name.encode()) & 0x7FFFFFFF]
