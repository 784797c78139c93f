"""The weeks a figure's course is drawn from."""

import datetime as dt

from forecasting.domain.question import week_points
from organization.domain.facts import PeriodFacts

QUARTER = PeriodFacts(1, "FY27-Q1", "QUARTER", dt.date(2026, 2, 1), dt.date(2026, 5, 1))


def test_the_course_of_a_running_period_leads_to_the_instant() -> None:
    noon = dt.datetime(2026, 4, 10, 12, tzinfo=dt.UTC)
    points = week_points(noon, dt.UTC, QUARTER, 2)
    assert points == [noon - dt.timedelta(days=14), noon - dt.timedelta(days=7)]


def test_the_course_of_a_period_that_is_over_leads_to_its_end() -> None:
    points = week_points(dt.datetime(2026, 9, 1, tzinfo=dt.UTC), dt.UTC, QUARTER, 2)
    assert points == [dt.datetime(2026, 4, 17, tzinfo=dt.UTC), dt.datetime(2026, 4, 24, tzinfo=dt.UTC)]
