"""What a list says its deals add up to is the same, whether it is read from roll-ups or counted deal by deal."""

import datetime as dt
import random
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from opportunities.domain.deal import OPEN_CATEGORIES, Category, Status
from opportunities.domain.listing import DealQuery
from opportunities.models import Subcategory
from opportunities.selectors import deal_groups, deals, kept_sums
from opportunities.selectors.kept_sums import kept_groups
from organization.domain.roles import Role
from organization.domain.scope import Scope
from organization.scope import scope_for
from organization.selectors import period_named
from pipeline import rollups
from tests.factories.organization import make_user
from tests.factories.pipeline import START, World, deal, make_world

pytestmark = pytest.mark.django_db
SYSTEM = Scope.system("test")


@pytest.fixture
def world() -> World:
    """Eighty deals of all kinds; the last ones are still in the queue."""
    world, rng = make_world(), random.Random(4)
    kinds = {category: list(Subcategory.objects.filter(category=category)) for category in Category}
    for number in range(80):
        status = rng.choice([Status.OPEN, Status.OPEN, Status.WON, Status.LOST])
        category = rng.choice(OPEN_CATEGORIES) if status is Status.OPEN else Category(status)
        deal(
            START, owner=rng.choice([None, *world.people]), status=status, category=category,
            subcategory=rng.choice([None, *kinds[category]]), product=rng.choice([None, *world.products]),
            amount=rng.choice([None, Decimal(rng.randint(-500, 90_000)) / 100]),
            currency_id=rng.choice(["USD", "EUR"]), probability=rng.choice([None, Decimal(rng.randint(0, 100))]),
            close_date=rng.choice([None, dt.date(2026, 1, 1) + dt.timedelta(rng.randint(0, 500))]),
        )  # fmt: skip
        if number == 60:
            rollups.fold()
    return world


def _queries(world: World) -> list[DealQuery]:
    quarter, year = period_named("FY27-Q2"), period_named("FY27")
    some = [sub.pk for sub in Subcategory.objects.filter(category__in=OPEN_CATEGORIES)[:2]]
    windows = [{}, {"close_from": quarter.from_date, "close_to": quarter.to_date}] + [
        {"close_from": year.from_date, "close_to": year.to_date}
    ]
    chosen = [
        {}, {"statuses": (Status.OPEN,)}, {"categories": (Category.COMMIT, Category.WON)},
        {"statuses": (Status.OPEN, Status.LOST), "categories": (Category.UPSIDE, Category.LOST)},
        {"statuses": (Status.WON,), "categories": (Category.COMMIT,)}, {"subcategory_ids": (0, *some)},
        {"order": "-amount", "page": 2, "size": 7},
    ]  # fmt: skip
    whose = [{}, *({"node_id": person.pk} for person in world.people)]
    return [
        DealQuery(**window, **what, **who)  # type: ignore[arg-type]
        for window in windows for what in chosen for who in whose
    ]  # fmt: skip


@pytest.mark.parametrize("viewer", ["everything", "manager", "rep", "finance", "both"])
def test_kept_or_counted_the_sums_are_the_same(
    world: World, viewer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    roles = {
        "manager": (Role.MANAGER,), "rep": (Role.REP,), "finance": (Role.FINANCE,),
        "both": (Role.MANAGER, Role.FINANCE),
    }  # fmt: skip
    boss = world.people[1]
    scope = SYSTEM if viewer == "everything" else scope_for(make_user(*roles[viewer], person=boss))
    queries = _queries(world)
    kept = [deal_groups(scope, query) for query in queries]
    read = [kept_groups(scope, query) is not None for query in queries]
    monkeypatch.setattr(kept_sums, "_keepers", [])
    counted = [deal_groups(scope, query) for query in queries]

    assert [g.totals() for g in kept] == [g.totals() for g in counted]
    assert [g.by_category() for g in kept] == [g.by_category() for g in counted]
    assert all(read) if viewer == "everything" else any(read) is (viewer in {"manager", "both"})
    if viewer == "everything":
        assert sum(g.totals()[1] != 0 for g in counted) > len(queries) / 2


def test_what_is_finer_than_the_sums_is_counted(world: World) -> None:
    quarter = period_named("FY27-Q2")
    within = quarter.from_date + dt.timedelta(days=1)
    for query in (
        DealQuery(text="a"), DealQuery(flag="ANY"), DealQuery(owner_ids=(1,)), DealQuery(stage_ids=(1,)),
        DealQuery(currencies=("USD",)), DealQuery(no_close_date=True), DealQuery(node_id=0),
        DealQuery(close_from=within, close_to=quarter.to_date), DealQuery(close_from=quarter.from_date),
        DealQuery(close_from=quarter.from_date, close_to=within), DealQuery(organization=dt.date(2026, 1, 1)),
        DealQuery(deal_ids=(1,)), DealQuery(node_id=world.people[0].pk, exact_node=True),
    ):  # fmt: skip
        assert kept_groups(SYSTEM, query) is None, query
    assert kept_groups(SYSTEM, DealQuery()) is not None


def test_a_list_of_everything_adds_no_deals_up(world: World) -> None:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        page = deals(SYSTEM, DealQuery(statuses=(Status.OPEN,), size=5))
    sums = [q["sql"] for q in asked if "SUM(" in q["sql"] and "opportunities_opportunity" in q["sql"]]
    assert sums == []
    assert page.total_count > len(page.rows) == 5
