"""Reading jobs. Whose jobs may be seen is the caller's decision: pass a user id, or `everything=True` aloud."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Min, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from salesops.jobs.models import FINAL_STATES, REFUSED, Job, JobState, Schedule
from salesops.jobs.registry import name_of
from salesops.kernel.said import Said


@dataclass(frozen=True)
class JobView:
    """A job as pages and the API show it."""

    id: int
    kind: str
    name: str
    """The kind in words."""
    queue: str
    state: str
    state_label: str
    attempts: int
    max_attempts: int
    phase: str
    done: int
    total: int | None
    result: Any
    error: Said
    created_by_id: int | None
    created_at: dt.datetime
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    cancel_requested: bool
    planned_at: dt.datetime | None = None
    """When it may begin, while that lies ahead."""

    @property
    def finished(self) -> bool:
        """True when nothing more will happen by itself."""
        return self.state in FINAL_STATES

    @property
    def phase_words(self) -> str:
        """The phase in the reader's language; what follows a colon (a file's name) stays as it is."""
        words, colon, name = self.phase.partition(": ")
        return _(words) + colon + name if words else ""

    @property
    def refused(self) -> bool:
        """True when what it was given could not be used; the error says why."""
        return self.state == JobState.CANCELLED and self.result == REFUSED

    @property
    def percent(self) -> int | None:
        """Progress in whole percent, rounded down; None while the total is unknown."""
        if self.state == JobState.DONE:
            return 100
        if not self.total:
            return None
        return min(100, self.done * 100 // self.total)

    @property
    def cancellable(self) -> bool:
        """True while asking it to stop makes sense."""
        return not self.finished and not self.cancel_requested

    def as_json(self) -> dict[str, Any]:
        """What a progress bar needs to draw itself, as JSON values."""
        return {
            "id": self.id,
            "kind": self.kind,
            "state": self.state,
            "label": str(self.state_label),
            "phase": self.phase,
            "done": self.done,
            "total": self.total,
            "percent": self.percent,
            "attempts": self.attempts,
            "finished": self.finished,
            "error": self.error,
            "result": self.result,
        }


def jobs_visible(
    *, user_id: int | None = None, everything: bool = False, state: str = "", kind: str = "", limit: int = 100
) -> list[JobView]:
    """The newest jobs of one person, or of all people when `everything` is said aloud."""
    rows = _visible(user_id=user_id, everything=everything)
    if state:
        rows = rows.filter(state=state)
    if kind:
        rows = rows.filter(kind=kind)
    return [_view(job) for job in rows.order_by("-created_at", "-pk")[:limit]]


def job_visible(job_id: int, *, user_id: int | None = None, everything: bool = False) -> JobView | None:
    """One job, or None when there is none or it is not this person's (the caller answers 404 to both)."""
    job = _visible(user_id=user_id, everything=everything).filter(pk=job_id).first()
    return _view(job) if job else None


def progress(job_id: int, *, user_id: int | None = None, everything: bool = False) -> dict[str, Any] | None:
    """`JobView.as_json` of one visible job, for polling."""
    view = job_visible(job_id, user_id=user_id, everything=everything)
    return view.as_json() if view else None


def state_counts(*, user_id: int | None = None, everything: bool = False) -> dict[str, int]:
    """How many visible jobs are in each state (all states named)."""
    from django.db.models import Count

    counted = _visible(user_id=user_id, everything=everything).values_list("state").annotate(n=Count("pk"))
    return {state.value: dict(counted).get(state.value, 0) for state in JobState}


def oldest_waiting_seconds(now: dt.datetime | None = None) -> float:
    """For how long the oldest job that could run has been waiting; 0 when none waits."""
    now = now or timezone.now()
    waiting = Job.objects.filter(state__in=[JobState.QUEUED, JobState.FAILED], not_before__lte=now)
    oldest = waiting.aggregate(oldest=Min("not_before"))["oldest"]
    return (now - oldest).total_seconds() if oldest else 0.0


def planned_count(now: dt.datetime | None = None) -> int:
    """How many jobs are planned for later: queued, but not waiting yet."""
    return Job.objects.filter(state=JobState.QUEUED, not_before__gt=now or timezone.now()).count()


def schedules() -> list[Schedule]:
    """Periodic tasks with their last run, by name."""
    return list(Schedule.objects.order_by("name"))


def _visible(*, user_id: int | None, everything: bool) -> QuerySet[Job]:
    if everything:
        return Job.objects.all()
    if user_id is None:
        return Job.objects.none()
    return Job.objects.filter(created_by_id=user_id)


def _view(job: Job) -> JobView:
    lies_ahead = job.state in {JobState.QUEUED, JobState.FAILED} and job.not_before > timezone.now()
    return JobView(
        id=job.pk,
        kind=job.kind,
        name=name_of(job.kind),
        queue=job.queue,
        state=job.state,
        state_label=_("Refused") if job.result == REFUSED else job.get_state_display(),
        attempts=job.attempts,
        max_attempts=job.max_attempts,
        phase=job.progress_phase,
        done=job.progress_done,
        total=job.progress_total,
        result=job.result,
        error=Said.again(job.error),
        created_by_id=job.created_by_id,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        cancel_requested=job.cancel_requested,
        planned_at=job.not_before if lies_ahead else None,
    )
