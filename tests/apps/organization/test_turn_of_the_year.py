"""Which day and fiscal year it is depends on the company's time zone, for Python and for PostgreSQL alike."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.urls import reverse

from organization.selectors import company, now_date, period_containing
from tests.factories.opportunities import make_deal
from tests.factories.organization import make_company, make_rep, signed_in

pytestmark = pytest.mark.django_db
LAST_HOUR_IN_LONDON = dt.datetime(2026, 12, 31, 23, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("zone", "day", "year"),
    [
        ("Europe/London", dt.date(2026, 12, 31), "FY26"),
        ("Pacific/Kiritimati", dt.date(2027, 1, 1), "FY27"),
        ("America/Los_Angeles", dt.date(2026, 12, 31), "FY26"),
        ("Asia/Kolkata", dt.date(2027, 1, 1), "FY27"),
    ],
)
def test_the_fiscal_year_turns_with_the_companys_midnight(zone: str, day: dt.date, year: str) -> None:
    make_company(time_zone=zone, start_month=1)
    with time_machine.travel(LAST_HOUR_IN_LONDON, tick=False):
        assert now_date() == day
        assert period_containing("YEAR", now_date()).name == year
        person, user, _ = make_rep("Ben")
        make_deal(person, amount=Decimal(100), category="WON", close_date=day)
        page = signed_in(user).get(reverse("forecasting:forecast")).content.decode()
    assert f"{year}-Q" in page


@pytest.mark.parametrize(
    "zone", ["America/Santiago", "America/Havana", "Europe/Berlin", "Australia/Lord_Howe", "UTC"]
)
def test_the_database_means_the_same_day(zone: str) -> None:
    """Every quarter of an hour around the changes of a year: what SQL groups by is what pages show."""
    make_company(time_zone=zone)
    facts, begin = company(), dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    moments = [begin + dt.timedelta(minutes=15 * n) for n in range(365 * 96)]
    turns = [
        at for at in moments
        if at.astimezone(facts.zone).utcoffset() != (at - dt.timedelta(hours=1)).astimezone(facts.zone).utcoffset()
    ]  # fmt: skip
    around = {turn + dt.timedelta(minutes=15 * n) for turn in turns or [begin] for n in range(-200, 200)}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT at, (at AT TIME ZONE %s)::date FROM unnest(%s::timestamptz[]) at", [zone, sorted(around)]
        )
        assert all(facts.date_of(at) == day for at, day in cursor.fetchall())
