"""The job table's rules, each in one process: claim, steps, outcomes, sweep."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from salesops.jobs import registry, runner, selectors, services
from salesops.jobs.context import JobContext, JobRefusedError
from salesops.jobs.models import Job, JobState, JobStep, Schedule
from salesops.jobs.selectors import job_visible
from salesops.kernel.said import Said
from tests.ops.services import point_celery_at

pytestmark = pytest.mark.django_db


@pytest.fixture
def handlers() -> Iterator[dict[str, Any]]:
    """Handlers that live for one test."""
    registry.discover()
    before, before_periodic = dict(registry._handlers), dict(registry._periodics)
    yield registry._handlers
    registry._handlers.clear()
    registry._handlers.update(before)
    registry._periodics.clear()
    registry._periodics.update(before_periodic)


def test_a_job_is_done_and_keeps_its_result(handlers: dict[str, Any]) -> None:
    def work(context: JobContext) -> dict[str, int]:
        context.progress(1, 2, "halfway")
        context.progress(2)
        return {"answer": context.payload["deal_id"] + 1}

    handlers["t.work"] = work
    job = services.enqueue(kind="t.work", payload={"deal_id": 41})
    assert services.drain() == 1
    view = selectors.job_visible(job.pk, everything=True)
    assert view is not None
    assert (view.state, view.result, view.percent, view.done, view.total) == (
        "DONE",
        {"answer": 42},
        100,
        2,
        2,
    )
    assert view.finished
    assert not view.cancellable


def test_only_the_owner_sees_a_job_unless_everything_is_said_aloud(handlers: dict[str, Any]) -> None:
    job = services.enqueue(kind="t.any")
    assert selectors.job_visible(job.pk, user_id=123) is None
    assert selectors.job_visible(job.pk) is None
    assert selectors.progress(job.pk, everything=True) is not None
    assert selectors.jobs_visible(user_id=123) == []
    assert len(selectors.jobs_visible(everything=True)) == 1
    assert selectors.state_counts(everything=True)["QUEUED"] == 1


def test_the_same_key_gives_the_same_job(handlers: dict[str, Any]) -> None:
    first = services.enqueue(kind="t.any", key="import-7")
    second = services.enqueue(kind="t.any", key="import-7")
    assert first.pk == second.pk


def test_a_payload_with_data_in_it_is_refused() -> None:
    with pytest.raises(ValueError, match="identifiers"):
        services.enqueue(kind="t.any", payload={"rows": "x" * 5000})


def test_a_failing_job_rests_and_is_given_up_after_its_attempts(handlers: dict[str, Any]) -> None:
    def fail(context: JobContext) -> None:
        raise RuntimeError("no luck")

    handlers["t.fail"] = fail
    job = services.enqueue(kind="t.fail", max_attempts=3)
    states = []
    for _ in range(4):
        services.drain()
        job.refresh_from_db()
        states.append((job.state, job.attempts))
        Job.objects.filter(pk=job.pk).update(not_before=timezone.now())
    assert states == [("FAILED", 1), ("FAILED", 2), ("DEAD", 3), ("DEAD", 3)]
    assert job.error == "RuntimeError: no luck"
    assert services.retry(job_id=job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("QUEUED", 0)


def test_a_refused_job_is_not_tried_again(handlers: dict[str, Any]) -> None:
    def refuse(context: JobContext) -> None:
        raise JobRefusedError(Said("The file %(name)s is empty.", name="deals.csv"))

    handlers["t.refuse"] = refuse
    job = services.enqueue(kind="t.refuse")
    services.drain()
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("CANCELLED", 1)
    shown = job_visible(job.pk, everything=True)
    assert shown is not None
    assert (shown.error, shown.error.template) == (
        "The file deals.csv is empty.",
        "The file %(name)s is empty.",
    )
    assert (shown.refused, str(shown.state_label)) == (True, "Refused")
    handlers["t.refuse"] = lambda context: "well"
    assert services.retry(job_id=job.pk)
    services.drain()
    shown = job_visible(job.pk, everything=True)
    assert shown is not None
    assert (shown.refused, shown.state, shown.result) == (False, "DONE", "well")


def test_an_unknown_kind_is_given_up_with_a_reason() -> None:
    job = services.enqueue(kind="t.nobody-knows")
    services.drain()
    job.refresh_from_db()
    assert job.state == JobState.DEAD
    assert "t.nobody-knows" in job.error


def test_completed_steps_are_not_repeated(handlers: dict[str, Any]) -> None:
    effects: list[str] = []

    def work(context: JobContext) -> None:
        for name in ("first", "second"):
            with context.step(name) as todo:
                if todo:
                    effects.append(name)
                    if name == "second" and context.attempt == 1:
                        raise RuntimeError("power cut")

    handlers["t.steps"] = work
    job = services.enqueue(kind="t.steps")
    services.drain()
    assert list(JobStep.objects.values_list("step", "attempt")) == [("first", 1)]
    Job.objects.filter(pk=job.pk).update(not_before=timezone.now())
    services.drain()
    assert effects == ["first", "second", "second"]  # the failed attempt's second was rolled back
    assert list(JobStep.objects.order_by("pk").values_list("step", "attempt")) == [
        ("first", 1),
        ("second", 2),
    ]


def test_a_cancel_takes_effect_while_waiting_and_while_running(handlers: dict[str, Any]) -> None:
    waiting = services.enqueue(kind="t.any")
    assert services.cancel(job_id=waiting.pk)
    waiting.refresh_from_db()
    assert waiting.state == JobState.CANCELLED
    assert not services.cancel(job_id=waiting.pk)

    def endless(context: JobContext) -> None:
        for number in range(1000):
            context.progress(number)
            services.cancel(job_id=context.job_id)

    handlers["t.endless"] = endless
    running = services.enqueue(kind="t.endless")
    services.drain()
    running.refresh_from_db()
    assert (running.state, running.progress_done) == ("CANCELLED", 1)


def test_the_sweeper_takes_back_expired_leases_and_gives_up_poison(handlers: dict[str, Any]) -> None:
    past = timezone.now() - dt.timedelta(seconds=1)
    jobs = [services.enqueue(kind="t.any") for _ in range(3)]
    for job in jobs:
        assert runner.claim(job.pk) is not None
    Job.objects.update(lease_until=past)
    Job.objects.filter(pk=jobs[1].pk).update(attempts=5)
    Job.objects.filter(pk=jobs[2].pk).update(cancel_requested=True)
    swept = services.sweep()
    assert (swept["recovered"], swept["given_up"]) == (1, 1)
    assert [Job.objects.get(pk=job.pk).state for job in jobs] == ["QUEUED", "DEAD", "CANCELLED"]


def test_a_worker_that_lost_its_lease_writes_nothing(handlers: dict[str, Any]) -> None:
    def slow(context: JobContext) -> str:
        if context.attempt == 1:  # while it slept, another worker took the job
            Job.objects.filter(pk=context.job_id).update(attempts=2)
            with context.step("effect") as todo:
                assert not todo, "must not get this far"
        return "late"

    handlers["t.slow"] = slow
    job = services.enqueue(kind="t.slow")
    context = runner.claim(job.pk)
    assert context is not None
    runner.run_claimed(context)
    job.refresh_from_db()
    assert (job.state, job.attempts, job.result) == ("RUNNING", 2, None)
    assert not JobStep.objects.exists()


def test_two_claims_have_one_winner() -> None:
    job = services.enqueue(kind="t.any")
    assert runner.claim(job.pk) is not None
    assert runner.claim(job.pk) is None


def test_an_unreachable_broker_raises_nothing_and_is_remembered(
    settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    before = point_celery_at(settings.REDIS_URL)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            job = services.enqueue(kind="t.any")
        job.refresh_from_db()
        assert job.nudged_at is None
        assert services.sweep()["nudged"] == 0
    finally:
        point_celery_at(before)


def test_old_jobs_are_forgotten_and_open_ones_never(handlers: dict[str, Any]) -> None:
    handlers["t.ok"] = lambda context: None
    old = services.enqueue(kind="t.ok")
    services.drain()
    waiting = services.enqueue(kind="t.ok")
    Job.objects.filter(pk=old.pk).update(finished_at=timezone.now() - dt.timedelta(days=100))
    services.purge(keep_days=90)
    assert list(Job.objects.values_list("pk", flat=True)) == [waiting.pk]


def test_the_age_of_the_queue_counts_due_jobs_only() -> None:
    services.enqueue(kind="t.any", delay=dt.timedelta(hours=1))
    assert selectors.oldest_waiting_seconds() == 0
    job = services.enqueue(kind="t.any")
    assert selectors.oldest_waiting_seconds(job.not_before + dt.timedelta(seconds=9)) == pytest.approx(9)


def test_periodic_tasks_run_when_due_and_failures_are_kept(handlers: dict[str, Any]) -> None:
    from salesops.jobs import schedule

    ran: list[int] = []
    registry._periodics.clear()
    registry.periodic("t.often", seconds=60)(lambda: ran.append(1))
    (task,) = schedule.due()
    assert schedule.run_if_free(task)
    assert schedule.due() == []
    assert not schedule.run_if_free(task)
    assert ran == [1]
    assert Schedule.objects.get(name="t.often").finished_at is not None

    def broken() -> None:
        raise RuntimeError("no")

    registry.periodic("t.broken", seconds=60)(broken)
    (task,) = schedule.due()
    schedule.run_if_free(task)
    row = Schedule.objects.get(name="t.broken")
    assert (row.failures, row.error, row.finished_at) == (1, "RuntimeError: no", None)


def test_two_declarations_of_one_name_are_refused(handlers: dict[str, Any]) -> None:
    registry.job_handler("t.twice")(lambda context: None)
    with pytest.raises(ValueError, match="declared twice"):
        registry.job_handler("t.twice")(test_two_claims_have_one_winner)


@pytest.mark.django_db(transaction=True)
def test_the_heartbeat_shows_progress_and_hears_a_cancel_during_a_long_transaction(
    handlers: dict[str, Any], settings: Any
) -> None:
    settings.JOB_LEASE_SECONDS = 2
    seen: list[int] = []

    def work(context: JobContext) -> None:
        with transaction.atomic():
            context.progress(7, 10, "loading")
            deadline = timezone.now() + dt.timedelta(seconds=5)
            while timezone.now() < deadline and not seen:
                seen.extend(Job.objects.filter(progress_done=7).values_list("progress_done", flat=True))
            services.cancel(job_id=context.job_id)
        while timezone.now() < deadline + dt.timedelta(seconds=5):
            context.check()

    handlers["t.long"] = work
    job = services.enqueue(kind="t.long")
    assert not connection.in_atomic_block
    services.drain()
    job.refresh_from_db()
    assert seen == [7]
    assert job.state == JobState.CANCELLED
