"""A thread that keeps a running job's lease, writes its progress and hears of a cancel."""

import datetime as dt
import threading
from types import TracebackType
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from salesops.jobs.context import JobContext
from salesops.jobs.models import Job

log = structlog.get_logger(__name__)
PROGRESS_INTERVAL = 0.3

_BEAT = f"""
UPDATE {Job._meta.db_table}
   SET lease_until = %s, heartbeat_at = %s, progress_done = %s, progress_total = %s, progress_phase = %s
 WHERE id = %s AND state = 'RUNNING' AND attempts = %s
RETURNING cancel_requested
"""  # noqa: S608


def lease_end(now: dt.datetime) -> dt.datetime:
    """Until when a worker that shows life now keeps its job."""
    return now + dt.timedelta(seconds=settings.JOB_LEASE_SECONDS)


class Heartbeat:
    """Runs while a handler works, on a connection of its own: it never waits for the handler's transaction."""

    def __init__(self, context: JobContext) -> None:
        self.context = context
        self.interval = settings.JOB_LEASE_SECONDS / 4
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, name=f"heartbeat-{context.job_id}", daemon=True)

    def __enter__(self) -> "Heartbeat":
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        self.context.changed.set()
        self.thread.join(timeout=10)

    def _run(self) -> None:
        try:
            while not self.over.is_set():
                self.context.changed.wait(self.interval)
                self.context.changed.clear()
                if not self.over.is_set():
                    self._beat()
                    self.over.wait(PROGRESS_INTERVAL)
        finally:
            connection.close()

    def _beat(self) -> None:
        now = timezone.now()
        progress = self.context.state
        values: list[Any] = [lease_end(now), now, progress.done, progress.total, progress.phase]
        try:
            with connection.cursor() as cursor:
                cursor.execute(_BEAT, [*values, self.context.job_id, self.context.attempt])
                row = cursor.fetchone()
        except DatabaseError:
            # The database may be restarting; the lease lasts several beats.
            log.warning("job_heartbeat_missed", job_id=self.context.job_id, exc_info=True)
            connection.close()
            return
        if row is None:
            if not self.over.is_set():
                self.context.lease_lost.set()
        elif row[0]:
            self.context.stop_asked.set()
