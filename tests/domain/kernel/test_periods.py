"""Every calendar partitions time: weeks the year, months the quarter, quarters the year, years the span."""

import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.kernel.periods import (
    CalendarError,
    CalendarKind,
    CalendarRule,
    CustomMonth,
    Interval,
    PeriodKind,
    PeriodSpec,
    build_calendar,
    custom_calendar,
    partition_faults,
    year_start,
)

KINDS = [CalendarKind.MONTHS, CalendarKind.W445, CalendarKind.W454, CalendarKind.W544]
RULES = st.builds(
    CalendarRule,
    kind=st.sampled_from(KINDS),
    start_month=st.integers(1, 12),
    week_start=st.integers(0, 6),
    named_by_end=st.booleans(),
)


def _of(periods: list[PeriodSpec], kind: PeriodKind) -> list[PeriodSpec]:
    return [p for p in periods if p.kind is kind]


@given(RULES, st.integers(1990, 2050), st.integers(0, 10))
@settings(max_examples=150, deadline=None)
def test_every_level_partitions_its_parent(rule: CalendarRule, first: int, more: int) -> None:
    periods = build_calendar(rule, first, first + more)
    assert partition_faults(periods) == []
    assert len({p.name for p in periods}) == len(periods)
    for kind in PeriodKind:
        ordered = _of(periods, kind)
        ordered.sort(key=lambda p: p.from_date)
        assert all(a.to_date == b.from_date for a, b in pairwise(ordered))
        assert ordered[0].from_date <= dt.date(first, 1, 1)
        assert ordered[-1].to_date >= dt.date(first + more + 1, 1, 1)
        days = sum((p.to_date - p.from_date).days for p in ordered)
        assert days == (ordered[-1].to_date - ordered[0].from_date).days


@given(RULES, st.integers(1990, 2060))
@settings(max_examples=200, deadline=None)
def test_week_based_years_have_52_or_53_whole_weeks(rule: CalendarRule, year: int) -> None:
    start, stop = year_start(rule, year), year_start(rule, year + 1)
    if rule.kind is CalendarKind.MONTHS:
        assert start == dt.date(year, rule.start_month, 1)
        return
    assert start.weekday() == rule.week_start
    assert abs((start - dt.date(year, rule.start_month, 1)).days) <= 3
    assert (stop - start).days in (52 * 7, 53 * 7)


def test_the_whole_range_of_a_february_year() -> None:
    periods = build_calendar(CalendarRule(CalendarKind.MONTHS, 2))
    by_name = {p.name: p for p in periods}
    assert by_name["FY27"].from_date == dt.date(2026, 2, 1)
    assert by_name["FY27-Q1"].to_date == dt.date(2026, 5, 1)
    assert by_name["FY27-M01"].parent == "FY27-Q1"
    assert by_name["FY27-W05"].parent == "FY27"
    assert by_name["FY90"].from_date == dt.date(1989, 2, 1)
    assert by_name["FY61"].to_date == dt.date(2061, 2, 1)


def test_the_retail_calendar_of_the_nrf() -> None:
    """Published: fiscal 2023 (named by its beginning) began 29 January 2023 and had a 53rd week, to 3 February 2024."""
    rule = CalendarRule(CalendarKind.W454, start_month=2, week_start=6, named_by_end=False)
    by_name = {p.name: p for p in build_calendar(rule, 2021, 2026)}
    assert by_name["FY23"].from_date == dt.date(2023, 1, 29)
    assert by_name["FY23"].to_date == dt.date(2024, 2, 4)
    assert (by_name["FY23-M12"].to_date - by_name["FY23-M12"].from_date).days == 5 * 7
    assert "FY23-W53" in by_name
    assert "FY24-W53" not in by_name
    assert (by_name["FY24-M02"].to_date - by_name["FY24-M02"].from_date).days == 5 * 7


def _month(year: str, quarter: str, name: str, begin: str, end: str) -> CustomMonth:
    return CustomMonth(year, quarter, name, dt.date.fromisoformat(begin), dt.date.fromisoformat(end))


def test_a_calendar_given_row_by_row() -> None:
    rows = [
        _month("Y1", "Y1-H1", "Y1-P1", "2026-01-05", "2026-03-02"),
        _month("Y1", "Y1-H1", "Y1-P2", "2026-03-02", "2026-04-13"),
        _month("Y1", "Y1-H2", "Y1-P3", "2026-04-13", "2026-06-01"),
    ]
    periods = custom_calendar(rows, week_start=0)
    assert partition_faults(periods) == []
    assert [p.name for p in _of(periods, PeriodKind.QUARTER)] == ["Y1-H1", "Y1-H2"]
    assert len(_of(periods, PeriodKind.WEEK)) == 21


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (_month("Y1", "Q1", "P2", "2026-02-02", "2026-03-01"), "leaves a gap"),
        (_month("Y1", "Q1", "P2", "2026-01-30", "2026-03-01"), "overlaps"),
        (_month("Y1", "Q1", "P2", "2026-02-01", "2026-02-01"), "ends before it begins"),
        (_month("Y1", "Q1", "P1", "2026-02-01", "2026-03-01"), "used twice"),
    ],
)
def test_rows_that_make_no_calendar_are_named(second: CustomMonth, message: str) -> None:
    with pytest.raises(CalendarError, match=message):
        custom_calendar([_month("Y1", "Q1", "P1", "2026-01-01", "2026-02-01"), second])


def test_intervals_are_half_open() -> None:
    week = Interval(dt.date(2026, 1, 5), dt.date(2026, 1, 12))
    assert dt.date(2026, 1, 5) in week
    assert dt.date(2026, 1, 12) not in week
    assert week.days == 7
    assert not week.overlaps(Interval(dt.date(2026, 1, 12), dt.date(2026, 1, 13)))


@given(RULES, st.integers(1992, 2056))
def test_the_leap_day_is_in_one_period_of_each_grain(rule: CalendarRule, year: int) -> None:
    leap = dt.date(year - year % 4, 2, 29)
    periods = build_calendar(rule, leap.year - 1, leap.year + 1)
    for kind in PeriodKind:
        (found,) = [p for p in periods if p.kind is kind and p.from_date <= leap < p.to_date]
        days = (found.to_date - found.from_date).days
        if rule.kind is CalendarKind.MONTHS:
            whole = {PeriodKind.YEAR: 366, PeriodKind.MONTH: 29}
            assert days == whole.get(kind, days)
        elif kind is PeriodKind.WEEK:
            assert days == 7


def test_a_year_may_begin_on_the_leap_day() -> None:
    """The next begins on 28 February: there is no other 29th for four years."""
    starts = [dt.date(2028, 2, 29), dt.date(2028, 8, 31), dt.date(2029, 2, 28), dt.date(2029, 8, 31)]
    rows = [
        CustomMonth(f"FY{n // 2}", f"FY{n // 2}-{n}", f"M{n}", begin, end)
        for n, (begin, end) in enumerate(zip(starts, [*starts[1:], dt.date(2030, 2, 28)], strict=True))
    ]
    periods = custom_calendar(rows)
    assert partition_faults(periods) == []
    years = [p for p in periods if p.kind is PeriodKind.YEAR]
    assert [(p.from_date, (p.to_date - p.from_date).days) for p in years] == [
        (starts[0], 365),
        (starts[2], 365),
    ]
