"""What a job's handler holds in its hands: payload, progress, steps, and the wish to stop."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from salesops.jobs.models import Job, JobState, JobStep
from salesops.kernel.said import Said


class JobCancelledError(Exception):
    """Somebody asked the job to stop; raised at the next `progress`, `step` or `check`."""


class LeaseLostError(Exception):
    """Another worker has taken the job over (this one was silent too long); this attempt must write nothing more."""


class JobRefusedError(Exception):
    """Raised by a handler when what it was given cannot be used, so that trying again cannot help; the text is shown to
    the person who asked for the job. The job ends as refused, which is no alarm."""

    def __init__(self, why: Said) -> None:
        super().__init__(why)
        self.why = why


@dataclass
class Progress:
    """How far a job is; written to the row by the heartbeat, several times a second at most."""

    done: int = 0
    total: int | None = None
    phase: str = ""


@dataclass
class JobContext:
    """One attempt at one job."""

    job_id: int
    kind: str
    payload: dict[str, Any]
    attempt: int
    created_by_id: int | None
    direct: bool = False
    """Write progress at once, in the caller's transaction (tests, commands inside one); no heartbeat runs."""
    state: Progress = field(default_factory=Progress)
    changed: threading.Event = field(default_factory=threading.Event)
    stop_asked: threading.Event = field(default_factory=threading.Event)
    lease_lost: threading.Event = field(default_factory=threading.Event)

    def progress(self, done: int | None = None, total: int | None = None, phase: str | None = None) -> None:
        """Says how far the work is; whatever is left out stays as it was. A cancel takes effect here."""
        self.state = Progress(
            self.state.done if done is None else done,
            self.state.total if total is None else total,
            self.state.phase if phase is None else phase[:200],
        )
        if self.direct:
            self._own_row().update(**self.progress_columns())
        self.changed.set()
        self.check()

    def cancelled(self) -> bool:
        """True when somebody asked the job to stop."""
        if self.direct and self._own_row().filter(cancel_requested=True).exists():
            self.stop_asked.set()
        return self.stop_asked.is_set()

    def check(self) -> None:
        """Raises JobCancelledError or LeaseLostError when this attempt should not go on."""
        if self.lease_lost.is_set():
            raise LeaseLostError(f"job {self.job_id} was taken over")
        if self.cancelled():
            raise JobCancelledError(f"job {self.job_id} was cancelled")

    @contextmanager
    def step(self, name: str) -> Iterator[bool]:
        """A transaction that takes effect once per job, however often the job is delivered or retried.

        Yields True when the step is still to do, False when an earlier attempt has committed it:

            with context.step("load") as todo:
                if todo:
                    …
        """
        self.check()
        with transaction.atomic():
            todo = self._mark(name)
            if todo and not self._own_row().exists():
                raise LeaseLostError(f"job {self.job_id} was taken over")
            yield todo

    def progress_columns(self) -> dict[str, Any]:
        """The progress as columns of the job row."""
        return {
            "progress_done": self.state.done,
            "progress_total": self.state.total,
            "progress_phase": self.state.phase,
        }

    def _mark(self, name: str) -> bool:
        """Inserts the step's row; waits for a concurrent attempt's, and loses to it if that commits."""
        table = JobStep._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} (job_id, step, attempt, done_at) VALUES (%s, %s, %s, %s) "  # noqa: S608
                "ON CONFLICT (job_id, step) DO NOTHING",
                [self.job_id, name, self.attempt, timezone.now()],
            )
            return bool(cursor.rowcount)

    def _own_row(self) -> Any:
        return Job.objects.filter(pk=self.job_id, state=JobState.RUNNING, attempts=self.attempt)
