"""Health tells how far folding lags, and when roll-ups were last compared and all data last verified."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from structlog.testing import capture_logs

from pipeline import rollups
from pipeline.models import RollupNode, RollupQueue, RollupState
from pipeline.selectors.upkeep import upkeep
from pipeline.tasks import order_verification
from salesops.jobs.models import Job
from salesops.operations import diagnosis
from tests.factories.organization import make_user
from tests.factories.pipeline import START, World, deal, make_world

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def world() -> World:
    world = make_world()
    deal(START, owner=world.people[0])
    return world


def doctor(name: str) -> diagnosis.Finding:
    return {finding.name: finding for finding in diagnosis.diagnose()}[name]


def gauge(client: Client, name: str) -> float:
    lines = client.get("/metrics").content.decode().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(f"{name} ")))


def wrong_totals() -> None:
    rollups.fold()
    RollupNode.objects.filter(tree=1).update(amount=3)


def test_changes_that_wait_are_told_until_they_are_folded(world: World, client: Client) -> None:
    RollupQueue.objects.update(queued_at=timezone.now() - HOUR)
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["checks"]["folding"].startswith("oldest change not folded is 36")
    assert 3600 <= answer.json()["measured"]["fold_lag_seconds"] < 3700
    assert 3600 <= gauge(client, "salesops_rollup_fold_lag_seconds") < 3700
    found = doctor("folding")
    assert (found.state, "manage.py beat" in found.cure) == ("warning", True)
    rollups.fold()
    assert client.get("/readyz").json()["checks"]["folding"] == "ok"
    assert gauge(client, "salesops_rollup_fold_lag_seconds") == 0
    assert doctor("folding").state == "ok"


def test_a_comparison_that_found_something_is_told_until_one_finds_nothing(
    world: World, client: Client
) -> None:
    assert client.get("/readyz").json()["checks"]["comparison"] == "never compared"
    assert gauge(client, "salesops_rollup_compared_timestamp_seconds") == 0
    wrong_totals()
    with capture_logs() as lines:
        rollups.reconcile(repair=True)
    assert [line["event"] for line in lines] == ["rollups_differ"]
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert "between roll-ups and deals" in answer.json()["checks"]["comparison"]
    assert gauge(client, "salesops_rollup_differences") == answer.json()["measured"]["differences"] > 0
    assert (doctor("comparison").state, "verify rollups" in doctor("comparison").cure) == ("failed", True)
    call_command("verify", "rollups", stdout=io.StringIO())
    assert client.get("/readyz").json()["checks"]["comparison"] == "ok"
    assert doctor("comparison").state == "ok"
    assert abs(gauge(client, "salesops_rollup_compared_timestamp_seconds") - timezone.now().timestamp()) < 60


def test_a_comparison_or_verification_long_ago_is_told(world: World) -> None:
    call_command("verify", stdout=io.StringIO())
    assert doctor("comparison").state == doctor("verification").state == "ok"
    before = timezone.now() - 51 * HOUR
    RollupState.objects.update(reconciled_at=before, verified_at=before)
    assert (doctor("comparison").state, doctor("verification").state) == ("warning", "ok")
    RollupState.objects.update(verified_at=timezone.now() - 16 * 24 * HOUR)
    assert (doctor("verification").state, "manage.py verify" in doctor("verification").cure) == (
        "warning",
        True,
    )


def test_verify_is_on_record_when_nothing_was_left_out(world: World, client: Client) -> None:
    call_command("verify", "ledger", stdout=io.StringIO())
    assert upkeep().verified_at is upkeep().reconciled_at is None
    assert "never" in doctor("verification").detail
    wrong_totals()
    with pytest.raises(CommandError, match="Broken: rollups"):
        call_command("verify", stdout=io.StringIO())
    assert (upkeep().broken, upkeep().differences) == (("rollups",), 1)
    assert "1 invariant broken" in client.get("/readyz").json()["checks"]["verification"]
    assert gauge(client, "salesops_verify_broken_invariants") == 1
    assert doctor("verification").state == "failed"
    rollups.rebuild()
    call_command("verify", stdout=io.StringIO())
    assert (upkeep().broken, upkeep().differences) == ((), 0)
    assert doctor("verification").state == "ok"


def test_the_weekly_verification_says_what_it_found(world: World, drain_jobs: Any) -> None:
    wrong_totals()
    order_verification()
    order_verification()
    assert drain_jobs() == 0, "not while a first start is busy"
    Job.objects.update(not_before=timezone.now())
    assert drain_jobs() == 1
    result = Job.objects.get(kind="data.verify").result
    assert result["broken"] == ["rollups"]
    assert "the deals say" in result["first"]
    assert upkeep().broken == ("rollups",)


def test_the_system_page_shows_all_three(world: World) -> None:
    client = Client()
    client.force_login(make_user("ADMIN"))
    RollupQueue.objects.update(queued_at=timezone.now() - HOUR)
    page = client.get(reverse("system:system")).content.decode()
    assert "age of the oldest change" in page
    assert "3,6" in page
    RollupState.objects.create(
        id=1, reconciled_at=timezone.now(), differences=2, verified_at=timezone.now(), broken="ledger splits"
    )
    page = client.get(reverse("system:system")).content.decode()
    assert "2 totals differed" in page
    assert "2 rules broken" in page


def test_it_costs_one_statement_however_long_the_queue(world: World, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        upkeep()


def test_without_a_database_metrics_still_answer(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import connection

    assert gauge(client, "salesops_database_up") == 1
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    connection.close()
    try:
        answer = client.get("/metrics")
    finally:
        monkeypatch.undo()
    assert answer.status_code == 200
    assert b"salesops_database_up 0.0" in answer.content
    assert b"fold_lag" not in answer.content
