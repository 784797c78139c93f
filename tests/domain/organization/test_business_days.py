"""Business days where clocks are put forward or back, at leap days and at the turn of the year, in every time zone."""

from __future__ import annotations

import datetime as dt
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from forecasting.domain.question import Since, compared_with, week_points
from opportunities.domain.import_history import midnight
from organization.domain.facts import CompanyFacts, PeriodFacts
from pipeline.checkpoints import WEEKS, points
from salesops.kernel.dates import as_instant, asked_instant

ZONES = st.sampled_from(sorted(available_timezones() - {"localtime", "Factory"}))
DAYS = st.dates(dt.date(1990, 1, 1), dt.date(2050, 12, 31))
MINUTE = dt.timedelta(minutes=1)
TICK = dt.timedelta(microseconds=1)
GAP = ("America/Santiago", dt.date(2026, 9, 6))
"""A day that begins at one o'clock: there is no midnight."""
TWICE = ("America/Havana", dt.date(2026, 11, 1))
"""A day whose first hour happens twice."""
SKIPPED = ("Pacific/Apia", dt.date(2011, 12, 30))
"""A day there never was."""
FIRST_ZONE = ("Pacific/Kiritimati", dt.date(2027, 1, 1))
LEAP = ("Europe/Berlin", dt.date(2028, 2, 29))


def facts(zone: str) -> CompanyFacts:
    return CompanyFacts("Testers", "USD", zone, 1, is_demo=False)


@cache
def _dates(zone: str, day: dt.date) -> list[tuple[dt.datetime, dt.date]]:
    """Each minute of the five days around a day, and the local date then: the oracle."""
    local, begin = ZoneInfo(zone), dt.datetime.combine(day, dt.time(), dt.UTC) - dt.timedelta(days=2)
    return [(at, at.astimezone(local).date()) for at in (begin + MINUTE * n for n in range(5 * 24 * 60))]


def everywhere(test):  # type: ignore[no-untyped-def]
    """Any zone and day, and those that are special in any case."""
    test = settings(deadline=None)(given(ZONES, DAYS)(test))
    for zone, day in (GAP, TWICE, SKIPPED, FIRST_ZONE, LEAP):
        test = example(zone, day)(test)
    return test


@everywhere
def test_a_business_day_begins_at_the_first_instant_of_its_date(zone: str, day: dt.date) -> None:
    company = facts(zone)
    found = company.start_of(day)
    assert found == next(at for at, date in _dates(zone, day) if date >= day)
    assert company.date_of(found - TICK) < day <= company.date_of(found)
    assert found <= company.start_of(day + dt.timedelta(days=1))


@everywhere
def test_files_and_pages_mean_the_same_instant_by_a_date(zone: str, day: dt.date) -> None:
    begin, company = midnight(day, ZoneInfo(zone)), facts(zone)
    assert begin == company.start_of(day)
    following = company.start_of(day + dt.timedelta(days=1))
    assert asked_instant(day.isoformat(), ZoneInfo(zone)).astimezone(dt.UTC) == following - TICK


def _year(day: dt.date) -> PeriodFacts:
    return PeriodFacts(1, "FY", "YEAR", dt.date(day.year, 1, 1), dt.date(day.year + 1, 1, 1))


@given(ZONES, DAYS, st.integers(0, 24 * 60 - 1))
@example(*GAP, 30)
@example(*TWICE, 30)
@example(*FIRST_ZONE, 0)
@example(*LEAP, 0)
def test_the_weeks_of_a_course_begin_where_checkpoints_stand(zone: str, day: dt.date, minute: int) -> None:
    local = ZoneInfo(zone)
    now = dt.datetime.combine(day, dt.time(), dt.UTC) + MINUTE * minute
    weeks = [at.astimezone(dt.UTC) for at in week_points(now, local, _year(now.astimezone(local).date()))]
    assert weeks == sorted(set(weeks))
    assert weeks[-1] <= now
    standing = points(now - dt.timedelta(weeks=WEEKS + 3), now, local)
    assert set(weeks) <= set(standing)
    assert standing == sorted(set(standing))


@given(ZONES, DAYS, st.integers(0, 24 * 60 - 1))
@example(*GAP, 30)
@example(*TWICE, 30)
def test_what_is_compared_with_lies_before(zone: str, day: dt.date, minute: int) -> None:
    local = ZoneInfo(zone)
    now = dt.datetime.combine(day, dt.time(), dt.UTC) + MINUTE * minute
    for name in Since:
        assert compared_with(name, now, local, _year(now.astimezone(local).date())).astimezone(dt.UTC) <= now
    monday = compared_with(Since.MONDAY, now, local, _year(day)).astimezone(local)
    assert monday.date().weekday() == 0 or zone == SKIPPED[0]
    assert now - monday <= dt.timedelta(days=7, hours=2)


@pytest.mark.parametrize(
    ("at", "name", "then"),
    [
        ("2026-11-02T00:00-05:00", Since.WEEK, "2026-10-26T00:00-04:00"),
        ("2026-11-20T17:30-05:00", Since.MONTH, "2026-10-23T17:30-04:00"),
        ("2026-03-10T09:00-04:00", Since.WEEK, "2026-03-03T09:00-05:00"),
        ("2026-07-10T09:00-04:00", Since.WEEK, "2026-07-03T09:00-04:00"),
    ],
)
def test_a_week_earlier_is_the_same_time_of_day(at: str, name: Since, then: str) -> None:
    """Not 168 hours: clocks were put back on 1 November and forward on 8 March."""
    instant = dt.datetime.fromisoformat(at).astimezone(dt.UTC)
    found = compared_with(name, instant, ZoneInfo("America/New_York"), _year(instant.date()))
    assert found == dt.datetime.fromisoformat(then)


WALL_GAP = ("Europe/Berlin", dt.date(2026, 3, 29), 150)
"""Half past two that night: clocks went from two to three."""
WALL_TWICE = ("Europe/Berlin", dt.date(2026, 10, 25), 150)
HALF_HOUR = ("Australia/Lord_Howe", dt.date(2026, 10, 4), 135)


def _first_so_called(zone: str, written: dt.datetime) -> dt.datetime:
    """The oracle: minute by minute, the first at which clocks show it; else as long after the last one before it as
    the clock that was not put forward would say."""
    local, at = ZoneInfo(zone), written.replace(tzinfo=dt.UTC) - dt.timedelta(hours=27)
    shown = [(at + MINUTE * n).astimezone(local).replace(tzinfo=None) for n in range(54 * 60)]
    if written in shown:
        return at + MINUTE * shown.index(written)
    before = next(n for n, clock in enumerate(shown) if clock > written) - 1
    return at + MINUTE * before + (written - shown[before])


@settings(deadline=None)
@given(ZONES, st.dates(dt.date(1995, 1, 1), dt.date(2049, 12, 31)), st.integers(0, 24 * 60 - 1))
@example(*WALL_GAP)
@example(*WALL_TWICE)
@example(*HALF_HOUR)
@example(*GAP, 30)
@example(*TWICE, 30)
@example(*LEAP, 0)
def test_a_time_of_day_written_out_is_one_instant(zone: str, day: dt.date, minute: int) -> None:
    written = dt.datetime.combine(day, dt.time()) + MINUTE * minute
    local, meant = ZoneInfo(zone), _first_so_called(zone, written)
    assert asked_instant(written.isoformat(), local) == meant
    assert as_instant(written, local) == meant
    later = (meant + MINUTE * 20).astimezone(local)
    found = compared_with(written.isoformat(), later, local, _year(day))
    assert found == meant, "which lies before what it is compared with, whatever the clock shows"
    assert found.astimezone(dt.UTC) <= later.astimezone(dt.UTC)
