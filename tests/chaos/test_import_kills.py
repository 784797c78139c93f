"""An import whose worker is killed (SIGKILL) at random points, and taken up again, ends like one nobody disturbed.

`make import-kills ARGS=100` kills so often, in as many imports as that takes; SEED repeats a run.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, models
from django.utils import timezone

from opportunities.models import (
    Account,
    ChangeSet,
    ImportBatch,
    ImportRow,
    Opportunity,
    OpportunityVersion,
    Stage,
)
from opportunities.services.imports import answer_import, plan_import, receive_import
from opportunities.services.imports_jobs import request_apply
from organization.domain.scope import Scope
from organization.models import Person
from salesops.jobs.models import Job, JobState
from salesops.jobs.services import sweep
from tests.factories.organization import make_company

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("IMPORT_KILLS", "3"))
ROWS = 6_000 if KILLS > 10 else 1_200
CHUNK = ROWS // 12
TABLES: tuple[type[models.Model], ...] = (Person, Account, Stage, Opportunity, OpportunityVersion)


def test_a_killed_import_ends_like_an_undisturbed_one(tmp_path: Path) -> None:
    seed = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
    print(f"seed {seed}")  # noqa: T201 - shown by `make import-kills`, and by pytest when it fails
    chance = random.Random(seed)  # noqa: S311
    job = _asked(tmp_path)
    began = time.monotonic()
    _worker(job).communicate(timeout=120)
    seconds, clean, points = time.monotonic() - began, _state(), []
    assert clean.count("\n") > 2 * ROWS
    begun = _seconds_until_begun(job)
    while len(points) < KILLS:
        job = _asked(tmp_path)
        while Job.objects.get(pk=job).state != JobState.DONE:
            at = chance.uniform(0, max(seconds - begun, 0.2)) if len(points) < KILLS else None
            if _tried(job, at):
                points.append(at)
        assert _state() == clean, f"seed {seed}: differs after kills at {points}"
    print(f"{len(points)} kills, import of {ROWS} rows, {seconds:.1f} s undisturbed")  # noqa: T201


def _asked(tmp_path: Path) -> int:
    """An empty company, and the job of an import that is ready to be written."""
    call_command("flush", interactive=False, verbosity=0)
    make_company()
    path = tmp_path / "deals.csv"
    lines = ["Deal ID,Deal Name,Account Name,Owner,Stage,Amount,Created Date,Close Date"]
    for n in range(ROWS):
        stage = ("Won", "Lost", "Proposal")[n % 3]
        day = dt.date(2025, 1, 1) + dt.timedelta(days=n % 300)
        lines.append(
            f"D-{n:05d},Deal {n},Account {n % 90},Person {n % 17},{stage},{n}.50,{day},{day + dt.timedelta(30)}"
        )
    path.write_text("\n".join(lines) + "\n")
    batch_id = receive_import(path=path, scope=Scope.system("test"), actor_name="test")
    answers = {
        "stage:Won": "WON",
        "stage:Lost": "LOST",
        "stage:Proposal": "UPSIDE",
        "missing-owners": "create",
    }
    answer_import(batch_id=batch_id, answers=answers, repairs={})
    plan = plan_import(batch_id=batch_id)
    assert not plan.is_blocked, plan.questions
    job = request_apply(batch_id=batch_id, user=None)
    Job.objects.filter(pk=job).update(max_attempts=10_000)
    return job


def _worker(job: int) -> subprocess.Popen[str]:
    """A process of its own that does the job in the database of the test."""
    address, mark, options = os.environ["DATABASE_URL"].partition("?")
    address = f"{address.rpartition('/')[0]}/{connection.settings_dict['NAME']}{mark}{options}"
    return subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.import_worker", str(job), str(CHUNK)],
        cwd=ROOT, env={**os.environ, "DATABASE_URL": address}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def _seconds_until_begun(job: int) -> float:
    began = time.monotonic()
    _worker(job).communicate(timeout=60)  # the job is done: it starts and finds nothing to do
    return time.monotonic() - began


def _tried(job: int, kill_after: float | None) -> bool:
    """One attempt; whether it was killed on its way. What a dead worker held is taken back as by its lease's end."""
    Job.objects.filter(pk=job).exclude(state=JobState.DONE).update(not_before=timezone.now())
    worker = _worker(job)
    assert worker.stdout is not None
    assert worker.stdout.readline() == "begun\n"
    try:
        worker.wait(kill_after if kill_after is not None else 120)
        was_killed = False
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
        was_killed = True
    Job.objects.filter(pk=job, state=JobState.RUNNING).update(
        lease_until=timezone.now() - dt.timedelta(seconds=1)
    )
    sweep()
    return was_killed


def _state() -> str:
    """Everything the import wrote, a line per row in order, without what is drawn anew each time (ids, instants)."""
    batch = ImportBatch.objects.get()
    assert batch.state == "DONE", batch.error
    assert not ImportRow.objects.exists()
    plan = {
        name: batch.plan[name]
        for name in ("rows", "created", "updated", "unchanged", "rejected", "references")
    }
    names = {model: {row.pk: _natural(row) for row in model._default_manager.all()} for model in TABLES[:4]}
    sets = dict(ChangeSet.objects.values_list("pk", "note"))
    lines = [line for model in TABLES for line in sorted(_lines(model, batch, names, sets))]
    return "\n".join([json.dumps(plan, sort_keys=True), *lines])


def _natural(row: Any) -> str:
    return str(getattr(row, "external_id", "") or row.name)


def _lines(
    model: type[models.Model],
    batch: ImportBatch,
    names: dict[type[models.Model], dict[int, str]],
    sets: dict[int, str],
) -> Iterator[str]:
    instants = (batch.applied_at, batch.as_of)
    for row in model._default_manager.all():
        told = {}
        for column in model._meta.concrete_fields:
            value = getattr(row, column.attname)
            if column.primary_key:
                continue
            if column.attname == "change_set_id":
                value = sets.get(value)
            elif column.related_model in names:
                value = names[column.related_model].get(value)  # type: ignore[index]
            elif column.is_relation and column.attname != "currency_id":
                value = value is not None
            elif value in instants or (
                isinstance(value, dt.datetime) and value.date() == timezone.now().date()
            ):
                value = "now"
            told[column.attname] = value
        yield f"{model.__name__} {json.dumps(told, default=str, sort_keys=True)}"
