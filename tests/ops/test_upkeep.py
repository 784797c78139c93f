"""Health tells the truth: how far folding is behind, when totals were compared and everything verified, how it ended."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from typing import Any

import pytest
import structlog
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from organization.domain.roles import Role
from pipeline import rollups
from pipeline.models import RollupNode
from pipeline.selectors.invariants import INVARIANTS
from pipeline.selectors.upkeep import upkeep
from pipeline.tasks import VERIFY, order_verification
from salesops.jobs.models import Job
from salesops.operations import diagnosis
from salesops.operations.finding import Finding
from salesops.operations.gauges import gauges
from salesops.operations.upkeep import judge
from tests.factories.opportunities import make_deal
from tests.factories.organization import make_company, make_rep, make_user, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def company() -> None:
    make_company()
    make_deal(owner=make_rep("Ben")[0])


def _told() -> dict[str, Finding]:
    return {found.name: found for found in diagnosis.diagnose()}


def _ready() -> dict[str, Any]:
    answer = Client().get("/readyz")
    assert answer.status_code == 200, "late or wrong derived data takes no web server away"
    return dict(answer.json())


def _numbers() -> dict[str, float]:
    families = text_string_to_metric_families(gauges().decode())
    return {sample.name: sample.value for family in families for sample in family.samples}


def _add_a_deal_nobody_has() -> None:
    RollupNode.objects.create(
        tree=1, node_id=1, month_id=0, category="WON", subcategory_id=0, currency="USD",
        deals=1, unpriced=0, amount=1, weighted=0,
    )  # fmt: skip


def _wait(seconds: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE pipeline_rollupqueue SET queued_at = queued_at - interval '{seconds} seconds'"
        )


@pytest.mark.usefixtures("company")
class TestFolding:
    def test_a_change_that_waits_too_long_is_told_and_gone_when_folded(self) -> None:
        assert _ready()["checks"]["folding"] == "ok"
        _wait(500)
        assert 500 <= upkeep().fold_lag < 560
        assert "50" in _ready()["checks"]["folding"]
        assert _ready()["measured"]["fold_lag_seconds"] >= 500
        assert _numbers()["salesops_rollup_fold_lag_seconds"] >= 500
        assert (_told()["folding"].state, "beat" in _told()["folding"].cure) == ("warning", True)
        rollups.fold()
        assert upkeep().fold_lag == 0
        assert _ready()["checks"]["folding"] == _told()["folding"].state == "ok"


@pytest.mark.usefixtures("company")
class TestComparison:
    def test_never_compared_is_told(self) -> None:
        assert _ready()["checks"]["comparison"] == "never compared"
        assert _numbers()["salesops_rollup_compared_timestamp_seconds"] == 0

    def test_a_difference_is_told_until_a_comparison_finds_none(self) -> None:
        rollups.fold()
        _add_a_deal_nobody_has()
        with structlog.testing.capture_logs() as lines:
            rollups.reconcile(repair=True)
        (found,) = [line["differences"] for line in lines if line["event"] == "rollups_differ"]
        assert found >= 1
        assert _ready()["checks"]["comparison"].startswith(f"{found} difference")
        assert _numbers()["salesops_rollup_differences"] == found
        assert (_told()["comparison"].state, bool(_told()["comparison"].cure)) == ("failed", True)
        rollups.reconcile()
        assert _ready()["checks"]["comparison"] == _told()["comparison"].state == "ok"
        assert _numbers()["salesops_rollup_compared_timestamp_seconds"] == pytest.approx(
            timezone.now().timestamp(), abs=60
        )

    def test_two_missed_nights_are_told(self) -> None:
        rollups.reconcile()
        state = upkeep()
        for hours, is_well in ((49, True), (51, False)):
            found = {one.name: one for one in judge(state, timezone.now() + dt.timedelta(hours=hours))}
            assert (not found["comparison"].trouble) is is_well, hours
            assert bool(found["comparison"].cure) is not is_well


@pytest.mark.usefixtures("company")
class TestVerification:
    def test_all_of_it_is_written_down_and_a_part_is_not(self) -> None:
        call_command("verify", "rollups", verbosity=0)
        assert (upkeep().verified_at, upkeep().reconciled_at is None) == (None, False)
        call_command("verify", verbosity=0)
        assert upkeep().verified_at is not None
        assert _ready()["checks"]["verification"] == _told()["verification"].state == "ok"

    def test_what_does_not_hold_is_named(self) -> None:
        rollups.fold()
        _add_a_deal_nobody_has()
        with structlog.testing.capture_logs() as lines, pytest.raises(Exception, match="rollups|hold"):
            call_command("verify", verbosity=0)
        assert [line["invariants"] for line in lines if line["event"] == "verify_broken"] == [["rollups"]]
        assert "rollups" in _ready()["checks"]["verification"]
        assert _numbers()["salesops_verify_broken_invariants"] == 1
        assert _told()["verification"].state == "failed"

    def test_once_a_week_it_is_ordered_and_done_by_a_job(self, drain_jobs: Any) -> None:
        order_verification()
        order_verification()
        assert Job.objects.filter(kind=VERIFY).count() == 1
        Job.objects.filter(kind=VERIFY).update(not_before=timezone.now())
        drain_jobs()
        job = Job.objects.get(kind=VERIFY)
        assert (job.state, job.result) == ("DONE", {"broken": [], "first": ""})
        assert upkeep().verified_at is not None
        assert len(INVARIANTS) > 10


def test_the_system_page_shows_all_three(company: None) -> None:
    client = signed_in(make_user(Role.ADMIN))
    text = client.get("/system/").content.decode()
    for words in ("Not yet in the totals", "Totals compared", "All data verified", "never"):
        assert words in text
    rollups.reconcile()
    assert "no difference" in client.get("/system/").content.decode()


def test_it_costs_one_statement_however_long_the_queue(company: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        upkeep()


def test_without_a_database_the_metrics_say_so() -> None:
    with suppress(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        try:
            cursor.execute("SELECT 1 / 0")
        except DatabaseError:  # from here on every statement of this transaction fails
            numbers = _numbers()
            raise
    assert numbers["salesops_database_up"] == 0
    assert "salesops_rollup_fold_lag_seconds" not in numbers
    assert "salesops_backup_timestamp_seconds" in numbers
    assert _numbers()["salesops_database_up"] == 1
