"""Jobs with a real Redis and real Celery workers, some of which are killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import structlog
from django.db import connection
from django.utils import timezone

from salesops.jobs import services
from salesops.jobs.models import Job, JobState, JobStep, Schedule
from salesops.jobs.selectors import jobs_visible
from salesops.operations import diagnosis
from tests.ops.faulty_jobs import VISIBILITY
from tests.ops.services import ROOT, RedisProcess, WorkerProcess, point_celery_at, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def broker(tmp_path: Path, settings: Any) -> Iterator[RedisProcess]:
    """A Redis of its own, which this process and its workers use."""
    folder = Path(f"/tmp/so-{time.monotonic_ns()}")  # socket paths must stay short
    folder.mkdir(mode=0o700)
    redis = RedisProcess(folder)
    settings.REDIS_URL = redis.url
    before = point_celery_at(f"redis+socket://{redis.socket}?virtual_host=0")
    yield redis
    point_celery_at(before)
    redis.stop()


@pytest.fixture
def worker(broker: RedisProcess, tmp_path: Path) -> Iterator[WorkerProcess]:
    """A worker with two children on the test's database, whose leases end after two seconds."""
    process = WorkerProcess(worker_env(broker), tmp_path / "worker.log")
    yield process
    process.stop()


def database_url() -> str:
    """The address of the test database, which pytest-django has renamed."""
    described = connection.settings_dict
    host, name = str(described["HOST"]), described["NAME"]
    account = f"{described['USER']}:{described['PASSWORD']}"
    if host.startswith("/"):
        return f"postgresql://{account}@/{name}?host={quote(host)}"
    return f"postgresql://{account}@{host}:{described['PORT'] or 5432}/{name}"


def worker_env(broker: RedisProcess) -> dict[str, str]:
    """The environment of a worker that shares this test's database and broker."""
    return {"DATABASE_URL": database_url(), "REDIS_URL": broker.url, "JOB_LEASE_SECONDS": "2", "TRIAL": "1"}


def sweeping_until(true: Any, what: str, worker: WorkerProcess) -> None:
    """Waits for a condition while sweeping, as the beat process does every five seconds."""

    def check() -> bool:
        services.sweep()
        return bool(true())

    wait_until(check, what, worker.log)


def states() -> dict[str, int]:
    """How many jobs are in each state."""
    counted: dict[str, int] = {}
    for state in Job.objects.values_list("state", flat=True):
        counted[state] = counted.get(state, 0) + 1
    return counted


def test_a_worker_does_what_was_asked(worker: WorkerProcess) -> None:
    jobs = [services.enqueue(kind="test.count", payload={"steps": 2}) for _ in range(5)]
    wait_until(lambda: states() == {"DONE": 5}, "five jobs", worker.log)
    assert JobStep.objects.filter(job=jobs[0]).count() == 2


def test_a_killed_child_loses_nothing_and_repeats_nothing(worker: WorkerProcess) -> None:
    job = services.enqueue(kind="test.slow", payload={"seconds": 3})
    wait_until(lambda: JobStep.objects.filter(job=job, step="before").exists(), "the first step", worker.log)
    os.kill(int(Job.objects.get(pk=job.pk).worker.rsplit(":", 1)[1]), signal.SIGKILL)
    sweeping_until(lambda: states() == {"DONE": 1}, "the job to be finished by another", worker)
    job.refresh_from_db()
    assert job.attempts == 2
    assert dict(JobStep.objects.filter(job=job).values_list("step", "attempt")) == {"before": 1, "after": 2}


def test_a_killed_worker_group_loses_nothing(
    worker: WorkerProcess, broker: RedisProcess, tmp_path: Path
) -> None:
    jobs = [services.enqueue(kind="test.slow", payload={"seconds": 1}) for _ in range(4)]
    wait_until(lambda: JobStep.objects.exists(), "work to begin", worker.log)
    worker.kill_all()
    successor = WorkerProcess(worker_env(broker), tmp_path / "successor.log")
    try:
        sweeping_until(lambda: states() == {"DONE": 4}, "all jobs", successor)
    finally:
        successor.stop()
    assert JobStep.objects.count() == 2 * len(jobs)


def test_poison_is_given_up_and_others_finish(worker: WorkerProcess) -> None:
    poison = services.enqueue(kind="test.poison", max_attempts=2)
    others = [services.enqueue(kind="test.count", payload={"steps": 1}) for _ in range(6)]
    with structlog.testing.capture_logs() as lines:
        sweeping_until(lambda: states() == {"DONE": len(others), "DEAD": 1}, "poison to be given up", worker)
    poison.refresh_from_db()
    assert poison.attempts == 2
    assert "fell silent" in poison.error
    alerts = [(line["log_level"], line["job_id"]) for line in lines if line["event"] == "job_dead"]
    assert alerts == [("error", poison.pk)], "one alert, about the poison"
    assert [job.id for job in jobs_visible(everything=True, state="DEAD")] == [poison.pk]
    assert (diagnosis._dead_jobs().state, diagnosis._dead_jobs().detail) == ("warning", "1 given up")


def test_a_running_job_can_be_cancelled(worker: WorkerProcess) -> None:
    job = services.enqueue(kind="test.slow", payload={"seconds": 60})
    wait_until(lambda: JobStep.objects.filter(job=job).exists(), "the job to begin", worker.log)
    assert services.cancel(job_id=job.pk)
    wait_until(lambda: states() == {"CANCELLED": 1}, "the job to stop", worker.log)


def test_duplicate_deliveries_have_one_effect(worker: WorkerProcess) -> None:
    job = services.enqueue(kind="test.slow", payload={"seconds": 1})
    for _ in range(20):
        services.nudge(job.pk, job.queue)
    wait_until(lambda: states() == {"DONE": 1}, "the job", worker.log)
    time.sleep(0.5)
    job.refresh_from_db()
    assert job.attempts == 1
    assert JobStep.objects.filter(job=job).count() == 2


def test_a_job_longer_than_the_brokers_patience_has_one_effect(broker: RedisProcess, tmp_path: Path) -> None:
    """The broker takes a message for lost after two seconds and delivers it to the other worker. Each has one child:
    that of the first is busy."""
    env, logs = {**worker_env(broker), VISIBILITY: "2"}, [tmp_path / "first.log", tmp_path / "second.log"]
    with ExitStack() as running:
        for log in logs:
            running.callback(WorkerProcess(env, log, concurrency=1).stop)
        job = services.enqueue(kind="test.slow", payload={"seconds": 6})
        wait_until(lambda: all(map(_begun, logs)), "a second delivery", logs[0], seconds=15)
        assert states() == {"RUNNING": 1}, "it outlasts the broker's patience"
        wait_until(lambda: states() == {"DONE": 1}, "the job", logs[0])
        time.sleep(1)
    job.refresh_from_db()
    assert (job.state, job.attempts, JobStep.objects.filter(job=job).count()) == ("DONE", 1, 2)
    assert sum(log.read_text().count('"job_ended"') for log in logs) == 1


def _begun(log: Path) -> bool:
    return '"task_started"' in log.read_text()


def test_a_flushed_broker_loses_nothing(broker: RedisProcess, tmp_path: Path) -> None:
    for _ in range(5):
        services.enqueue(kind="test.count", payload={"steps": 1})
    broker.flush()
    Job.objects.update(nudged_at=timezone.now() - services.RENUDGE_AFTER * 2)  # half a minute passes
    worker = WorkerProcess(worker_env(broker), tmp_path / "worker.log")
    try:
        sweeping_until(lambda: states() == {"DONE": 5}, "jobs after a flush", worker)
    finally:
        worker.stop()


def test_a_dead_broker_loses_nothing(broker: RedisProcess, tmp_path: Path) -> None:
    broker.stop()
    began = time.monotonic()
    job = services.enqueue(kind="test.count", payload={"steps": 1})
    assert time.monotonic() - began < 3, "saving must not wait for a broker that is away"
    revived = RedisProcess(broker.socket.parent)
    services._broker_rests_until = 0.0
    worker = WorkerProcess(worker_env(broker), tmp_path / "worker.log")
    try:
        sweeping_until(lambda: states() == {"DONE": 1}, "the job", worker)
    finally:
        worker.stop()
        revived.stop()
    job.refresh_from_db()
    assert job.state == JobState.DONE


def test_without_a_broker_the_clock_process_does_the_jobs(tmp_path: Path, settings: Any) -> None:
    settings.REDIS_URL = ""
    program = "import django; django.setup(); from salesops.wall.context import this_program_is; this_program_is('a worker'); import tests.ops.faulty_jobs; from django.core.management import call_command"
    jobs = [
        services.enqueue(kind="test.count", payload={"steps": 1}, queue=queue)
        for queue in ("imports", "rollups")
    ]
    log = tmp_path / "beat.log"
    process = subprocess.Popen(
        [sys.executable, "-c", f"{program}; call_command('beat', run_jobs=True)"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database_url(), "REDIS_URL": "", "TRIAL": "1"},
        stdout=log.open("wb"),
        stderr=subprocess.STDOUT,
    )
    try:
        mine = Job.objects.filter(pk__in=[job.pk for job in jobs])  # the clock orders jobs of its own, too
        wait_until(lambda: mine.filter(state=JobState.DONE).count() == len(jobs), "the jobs", log)
        wait_until(lambda: Schedule.objects.filter(name="jobs.sweep").exists(), "the sweeper", log)
    finally:
        process.terminate()
        assert process.wait(10) == 0
