"""Pacing: cumulative paths, aligned by day of the period."""

import datetime as dt
from decimal import Decimal

from forecasting.domain.pacing import WonOn, pacing, path

Q1 = (dt.date(2026, 2, 1), dt.date(2026, 5, 1))
LAST_Q1 = (dt.date(2025, 2, 1), dt.date(2025, 5, 1))


def won(*pairs: tuple[dt.date, int]) -> list[WonOn]:
    return [WonOn(day, Decimal(amount)) for day, amount in pairs]


def test_a_path_accumulates_and_reaches_its_last_day() -> None:
    points = path(
        won((dt.date(2026, 2, 3), 5), (dt.date(2026, 2, 3), 2), (dt.date(2026, 2, 9), 1)),
        Q1[0],
        dt.date(2026, 2, 10),
    )
    assert [(p.number, p.won) for p in points] == [(1, 0), (3, 7), (9, 8), (10, 8)]


def test_what_lies_outside_is_not_counted() -> None:
    points = path(won((dt.date(2026, 1, 31), 5), (dt.date(2026, 2, 11), 2)), Q1[0], dt.date(2026, 2, 10))
    assert points[-1].won == 0


def test_expected_follows_last_years_season() -> None:
    found = pacing(
        won((dt.date(2026, 2, 5), 30)),
        won((dt.date(2025, 2, 5), 20), (dt.date(2025, 4, 20), 60)),
        quota=Decimal(100),
        today=dt.date(2026, 2, 20),
        period=Q1,
        prior_period=LAST_Q1,
    )
    assert (found.won, found.prior_by_now, found.prior_total) == (30, 20, 80)
    assert (found.expected, found.lead) == (25, 5)
    assert found.points[-1].day == dt.date(2026, 2, 20)
    assert [(p.number, p.won) for p in found.seasonal] == [(1, 0), (5, 25), (79, 100), (89, 100)]


def test_a_future_period_has_no_path_yet() -> None:
    found = pacing([], [], quota=Decimal(1), today=dt.date(2026, 1, 1), period=Q1, prior_period=LAST_Q1)
    assert (found.points, found.expected, found.lead) == ((), None, None)


def test_a_past_period_ends_on_its_last_day() -> None:
    found = pacing(
        won((dt.date(2026, 4, 30), 3)),
        [],
        quota=None,
        today=dt.date(2026, 9, 1),
        period=Q1,
        prior_period=None,
    )
    assert (found.points[-1].day, found.won, found.prior) == (dt.date(2026, 4, 30), 3, ())


def test_the_first_day_counts() -> None:
    found = pacing(won((Q1[0], 3)), [], quota=None, today=Q1[0], period=Q1, prior_period=None)
    assert [(p.number, p.won) for p in found.points] == [(1, 3)]
