"""The usual days per stage are worked out by one at a time; the others take what was known."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.core.cache import cache
from django.utils import timezone

from opportunities.domain.deal import Category
from opportunities.domain.hygiene import ENOUGH_WON_DEALS, Typical
from opportunities.selectors import hygiene
from opportunities.tasks import order_typical_days, run_typical_days
from salesops.jobs.models import Job
from tests.factories.opportunities import make_deal, make_process, move_deal, stage_of
from tests.factories.organization import make_company, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage_id() -> int:
    """A stage that enough won deals left again."""
    make_company()
    process = make_process()
    owner, first = make_person(), stage_of(process, "Qualify")
    now = timezone.now()
    for _ in range(ENOUGH_WON_DEALS):
        deal = make_deal(owner, process=process, stage=first, created_at=now - dt.timedelta(days=10))
        move_deal(deal, at=now - dt.timedelta(days=3), category=Category.WON)
    cache.delete(hygiene._key(None))
    return first.pk


def test_only_one_works_it_out(stage_id: int) -> None:
    assert cache.add(f"{hygiene._key(None)}.begun", True, 60), "somebody else has begun"
    assert hygiene._typical_cached(None) == Typical({}), "nothing was known"
    cache.delete(f"{hygiene._key(None)}.begun")
    assert hygiene._typical_cached(None).days == {stage_id: 7}
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=16), tick=False):
        assert cache.add(f"{hygiene._key(None)}.begun", True, 60)
        assert hygiene._typical_cached(None).days == {stage_id: 7}, "what was known before"
        cache.delete(f"{hygiene._key(None)}.begun")


def test_who_fails_leaves_it_to_the_next(stage_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hygiene, "_TYPICAL", "SELECT 1 / 0")
    with pytest.raises(Exception, match="division by zero"):
        hygiene._typical_cached(None)
    assert cache.get(f"{hygiene._key(None)}.begun") is None


def test_the_clock_has_it_worked_out_before_a_page_would(stage_id: int) -> None:
    order_typical_days()
    order_typical_days()
    (job,) = Job.objects.filter(kind="deals.typical_days")
    assert job.queue == "analytics"
    assert run_typical_days(None) == {"stages": 1}  # type: ignore[arg-type]
    assert cache.add(f"{hygiene._key(None)}.begun", True, 60)
    assert hygiene._typical_cached(None).days == {stage_id: 7}
    cache.delete(f"{hygiene._key(None)}.begun")


def test_of_many_deals_a_share_speaks_for_all(stage_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hygiene, "_SAMPLE", ENOUGH_WON_DEALS)
    assert hygiene.work_out_typical_days() == {stage_id: 7}, "all of them, since there are no more"
    monkeypatch.setattr(hygiene, "_SAMPLE", 1)
    assert hygiene.work_out_typical_days() == {}, "a share so small is not enough"
