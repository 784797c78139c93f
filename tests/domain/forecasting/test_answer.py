"""Every sentence the page can say, from the figures that make it true."""

import datetime as dt
from decimal import Decimal

import pytest

from forecasting.domain.answer import Answer, Case, answer
from forecasting.domain.grid import Sums
from opportunities.domain.deal import Category

Q1 = {"from_date": dt.date(2026, 2, 1), "to_date": dt.date(2026, 5, 1)}
DURING, AFTER, EARLIER = dt.date(2026, 3, 10), dt.date(2026, 5, 1), dt.date(2026, 1, 20)


def sums(won: int = 0, commit: int = 0, upside: int = 0, pipeline: int = 0) -> Sums:
    amounts = {
        (Category.WON, 0): Decimal(won),
        (Category.COMMIT, 0): Decimal(commit),
        (Category.UPSIDE, 0): Decimal(upside),
        (Category.PIPELINE, 0): Decimal(pipeline),
    }
    kept = {key: amount for key, amount in amounts.items() if amount}
    return Sums(kept, dict.fromkeys(kept, 1))


def ask(now: Sums, quota: int | None, today: dt.date = DURING, **more: object) -> Answer:
    return answer(now, None if quota is None else Decimal(quota), today=today, **Q1, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("now", "quota", "today", "case"),
    [
        (sums(), None, DURING, Case.NOTHING),
        (sums(), None, AFTER, Case.NOTHING),
        (sums(), None, EARLIER, Case.NOTHING),
        (sums(), 0, DURING, Case.NOTHING),
        (sums(won=10, commit=5), None, DURING, Case.NO_QUOTA),
        (sums(pipeline=5), 0, DURING, Case.NO_QUOTA),
        (sums(), 100, DURING, Case.SHORT),
        (sums(won=60, commit=34), 100, DURING, Case.SHORT),
        (sums(won=60, commit=40), 100, DURING, Case.COVERED),
        (sums(won=60, commit=50), 100, DURING, Case.COVERED),
        (sums(won=100), 100, DURING, Case.REACHED),
        (sums(won=120, commit=1), 100, DURING, Case.REACHED),
        (sums(won=100), 100, AFTER, Case.PAST_MADE),
        (sums(won=99, commit=50), 100, AFTER, Case.PAST_MISSED),
        (sums(), 100, AFTER, Case.PAST_MISSED),
        (sums(won=99), None, AFTER, Case.PAST_NO_QUOTA),
        (sums(pipeline=300), 100, EARLIER, Case.FUTURE),
        (sums(), 100, EARLIER, Case.FUTURE),
        (sums(pipeline=300), None, EARLIER, Case.FUTURE_NO_QUOTA),
        (sums(won=30, commit=20), 100, EARLIER, Case.SHORT),
    ],
)
def test_which_sentence_is_true(now: Sums, quota: int | None, today: dt.date, case: Case) -> None:
    assert ask(now, quota, today).case is case


def test_the_sentence_of_the_specification() -> None:
    found = ask(sums(won=3_000, commit=1_120, upside=300), 4_380, before=sums(won=3_000, commit=1_205))
    assert (found.case, found.forecast, found.gap, found.change) == (Case.SHORT, 4_120, 260, -85)
    assert round(found.share or 0, 4) == Decimal("0.9406")
    assert found.reach


def test_best_case_may_be_too_little() -> None:
    assert not ask(sums(won=10, upside=20), 100).reach


def test_over_quota_the_gap_is_negative() -> None:
    assert ask(sums(won=60, commit=54), 100).gap == -14
    reached = ask(sums(won=110, commit=54), 100)
    assert (reached.gap, reached.share, reached.commit) == (-10, Decimal("1.1"), 54)


def test_a_past_period_is_judged_by_what_was_won() -> None:
    missed = ask(sums(won=91, commit=20), 100, AFTER)
    assert (missed.gap, missed.share, missed.open, missed.open_deals) == (9, Decimal("0.91"), 20, 1)


def test_a_future_period_is_judged_by_its_coverage() -> None:
    ahead = ask(sums(commit=10, pipeline=200), 100, EARLIER)
    assert (ahead.coverage, ahead.days) == (Decimal("2.1"), 12)


def test_days_left_count_today() -> None:
    assert ask(sums(), 100, dt.date(2026, 4, 30)).days == 1
    assert ask(sums(), 100, AFTER).days == 0


def test_readers_of_won_deals_learn_nothing_else() -> None:
    found = ask(sums(won=43), 100, won_only=True)
    assert (found.case, found.share, found.gap) == (Case.WON_ONLY, Decimal("0.43"), 57)
    assert ask(sums(won=43), None, won_only=True).case is Case.WON_ONLY_NO_QUOTA
    for quota in (100, None):
        ahead = ask(sums(), quota, EARLIER, won_only=True)
        assert (ahead.case, ahead.days) == (Case.WON_ONLY_FUTURE, 12)
    assert ask(sums(won=43), 100, EARLIER, won_only=True).case is Case.WON_ONLY, "won before its time"
