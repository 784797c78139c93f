"""The weeks a figure's course is drawn from."""

import datetime as dt
from zoneinfo import ZoneInfo

from forecasting.domain.question import week_points
from organization.domain.facts import PeriodFacts

QUARTER = PeriodFacts(1, "FY27-Q1", "QUARTER", dt.date(2026, 2, 1), dt.date(2026, 5, 1))


def test_the_course_of_a_running_period_leads_to_the_instant() -> None:
    noon = dt.datetime(2026, 4, 10, 12, tzinfo=dt.UTC)
    points = week_points(noon, dt.UTC, QUARTER, 2)
    assert points == [dt.datetime(2026, 3, 30, tzinfo=dt.UTC), dt.datetime(2026, 4, 6, tzinfo=dt.UTC)]


def test_the_beginning_of_a_week_is_no_point_of_its_own_course() -> None:
    monday = dt.datetime(2026, 4, 6, tzinfo=dt.UTC)
    assert week_points(monday, dt.UTC, QUARTER, 1) == [dt.datetime(2026, 3, 30, tzinfo=dt.UTC)]


def test_weeks_begin_as_business_days_do() -> None:
    zone = ZoneInfo("Asia/Tokyo")
    (point,) = week_points(dt.datetime(2026, 4, 5, 16, tzinfo=dt.UTC), zone, QUARTER, 1)
    assert point.astimezone(dt.UTC) == dt.datetime(2026, 4, 5, 15, tzinfo=dt.UTC)


def test_the_course_of_a_period_that_is_over_leads_to_its_end() -> None:
    points = week_points(dt.datetime(2026, 9, 1, tzinfo=dt.UTC), dt.UTC, QUARTER, 2)
    assert points == [dt.datetime(2026, 4, 20, tzinfo=dt.UTC), dt.datetime(2026, 4, 27, tzinfo=dt.UTC)]
