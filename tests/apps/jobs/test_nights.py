"""What is ordered nightly and weekly is ordered once each night and week: where clocks change, on a leap day, at the
turn of a year with 53 weeks. Chores wait so many seconds of UTC, so no local hour can be left out or happen twice."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine

from pipeline import tasks
from salesops.jobs import schedule
from salesops.jobs.models import Job
from salesops.jobs.registry import periodics
from tests.factories.organization import make_company

pytestmark = pytest.mark.django_db
TICK = dt.timedelta(minutes=90)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Santiago", "Asia/Beirut", "UTC"])
@pytest.mark.parametrize(
    "begin",
    [
        dt.datetime(2026, 3, 27, 1, 30, tzinfo=dt.UTC),  # clocks forward in Berlin and Beirut
        dt.datetime(2026, 9, 4, 3, 59, tzinfo=dt.UTC),  # forward in Santiago, at midnight
        dt.datetime(2026, 10, 23, 0, 30, tzinfo=dt.UTC),  # back in Berlin and Beirut
        dt.datetime(2028, 2, 27, 23, 59, tzinfo=dt.UTC),  # 29 February
        dt.datetime(2026, 12, 29, 22, 0, tzinfo=dt.UTC),  # the 53rd week
    ],
)
def test_five_nights_have_five_comparisons(zone: str, begin: dt.datetime) -> None:
    make_company(time_zone=zone)
    _tick("rollups.reconcile_daily", begin, dt.timedelta(days=5))
    nights = Job.objects.filter(kind=tasks.RECONCILE).order_by("created_at")
    assert [job.created_at for job in nights] == [begin + dt.timedelta(days=n) for n in range(5)]


def test_sixty_weeks_over_two_new_years_have_sixty_verifications() -> None:
    begin = dt.datetime(2026, 11, 30, 23, 0, tzinfo=dt.UTC)
    _tick("data.verify_weekly", begin, dt.timedelta(weeks=60), every=dt.timedelta(days=1))
    weeks = Job.objects.filter(kind=tasks.VERIFY).order_by("created_at")
    assert [job.created_at for job in weeks] == [begin + dt.timedelta(weeks=n) for n in range(60)]


def _tick(name: str, begin: dt.datetime, span: dt.timedelta, every: dt.timedelta = TICK) -> None:
    """The clock process looks again and again, and there are two of it."""
    (task,) = [task for task in periodics() if task.name == name]
    at = begin
    while at < begin + span:
        with time_machine.travel(at, tick=False):
            for _ in range(2):
                schedule.run_if_free(task)
        at += every
