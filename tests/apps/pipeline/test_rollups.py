"""Roll-ups equal the deals added up one by one, whatever happens in between."""

import datetime as dt
import random
from decimal import Decimal

import pytest
from django.db import connection

from opportunities.models import Opportunity, Product
from organization.domain.scope import Scope
from organization.models import Company
from organization.services import define_calendar, place_territory, set_manager
from pipeline import rollups
from pipeline.domain.trees import Tree
from pipeline.models import RollupNode, RollupQueue, RollupState
from pipeline.selectors import freshness, node_cells, node_series
from pipeline.tasks import fold_rollups, order_reconciliation
from salesops.jobs.models import Job
from tests.factories.organization import TEST
from tests.factories.pipeline import START, World, brute, change, deal, make_world

pytestmark = pytest.mark.django_db
SYSTEM = Scope.system("test")
CATEGORIES = ["COMMIT", "UPSIDE", "PIPELINE", "OMITTED"]


@pytest.fixture
def world() -> World:
    return make_world()


def _nodes(world: World) -> list[tuple[str, Tree, list[int]]]:
    return [
        ("PEOPLE", Tree.PEOPLE, [0, *(p.pk for p in world.people)]),
        ("TERRITORY", Tree.TERRITORY, [0, *(t.pk for t in world.territories)]),
        ("FAMILY", Tree.FAMILY, [0, *(f.pk for f in world.families)]),
    ]


def _check(world: World, at: dt.datetime | None = None) -> None:
    assert rollups.differences() == []
    for kind, tree, nodes in _nodes(world):
        found = node_cells(SYSTEM, tree=tree, node_ids=nodes, at=at)
        day = at.date() if at else None
        assert found == [cell for node in sorted(nodes) for cell in brute(kind, node, at, day)], (kind, at)


def _random_fields(rng: random.Random, world: World) -> dict[str, object]:
    status = rng.choice(["OPEN", "OPEN", "OPEN", "WON", "LOST"])
    return {
        "owner_id": rng.choice([None, *(p.pk for p in world.people)]),
        "territory_id": rng.choice([None, *(t.pk for t in world.territories)]),
        "product_id": rng.choice([None, *(p.pk for p in world.products)]),
        "status": status,
        "category": rng.choice(CATEGORIES) if status == "OPEN" else status,
        "amount": rng.choice([None, Decimal(rng.randint(-500, 90_000)) / 100, Decimal("0.0001")]),
        "currency_id": rng.choice(["USD", "EUR"]),
        "probability": rng.choice([None, Decimal(rng.randint(0, 10_000)) / 100]),
        "close_date": rng.choice([None, dt.date(2026, 1, 1) + dt.timedelta(rng.randint(0, 500))]),
        "is_deleted": rng.random() < 0.1,
    }


@pytest.mark.parametrize("seed", range(2))
def test_node_plus_queue_is_the_sum_of_the_deals_after_every_step(world: World, seed: int) -> None:
    rng = random.Random(seed)
    now, ids, instants = START, [], []
    for step in range(40):
        now += dt.timedelta(hours=rng.randint(0, 60))
        if not ids or rng.random() < 0.4:
            ids.append(deal(now, **_random_fields(rng, world)).pk)
        else:
            change(rng.choice(ids), now, **_random_fields(rng, world))
        instants.append(now)
        if rng.random() < 0.3:
            rollups.fold(rows=rng.choice([1, 3, 1000]))
        if step % 10 == 9:
            _check(world)
            _check(world, rng.choice(instants))
            _check(world, now - dt.timedelta(seconds=1))
        if step == 25:
            set_manager(
                person_id=world.people[3].pk,
                manager_id=world.people[2].pk,
                from_date=dt.date(2020, 1, 1),
                scope=TEST,
            )
    rollups.fold()
    assert not RollupQueue.objects.exists()
    _check(world)
    _check_series(world, sorted({*rng.sample(instants, 6), instants[0], START - dt.timedelta(days=3)}))


def _check_series(world: World, instants: list[dt.datetime]) -> None:
    """Many instants at once are what each is by itself, also when somebody moves in between, and back."""
    for moved in (False, True):
        if moved:
            day = instants[len(instants) // 2].date()
            set_manager(
                person_id=world.people[4].pk, manager_id=world.people[2].pk, from_date=day, scope=TEST
            )
        for _, tree, nodes in _nodes(world):
            series = node_series(SYSTEM, tree=tree, node_ids=nodes, instants=instants)
            for at in instants:
                assert series[at] == node_cells(SYSTEM, tree=tree, node_ids=nodes, at=at), (tree, at, moved)


def test_a_reorganisation_moves_what_was_folded(world: World) -> None:
    boss, left, right, dee, *_ = world.people
    for owner in world.people:
        deal(START, owner=owner, territory=world.territories[2], product=world.products[0])
    rollups.fold()
    deal(START, owner=dee, amount=Decimal("7.25"))
    set_manager(person_id=dee.pk, manager_id=right.pk, from_date=dt.date(2026, 5, 1), scope=TEST)
    _check(world)
    assert sum(c.deals for c in node_cells(SYSTEM, tree=Tree.PEOPLE, node_ids=[left.pk])) == 2
    rollups.fold()
    _check(world)
    place_territory(
        territory_id=world.territories[2].pk, name="North-1", parent_id=world.territories[1].pk, scope=TEST
    )
    _check(world)
    # The past stays with the manager of that time, unless asked by today's organisation.
    then = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)
    people = [boss.pk, left.pk, right.pk]
    assert [c.deals for c in node_cells(SYSTEM, tree=Tree.PEOPLE, node_ids=people, at=then)] == [7, 4, 2]
    by_today = node_cells(SYSTEM, tree=Tree.PEOPLE, node_ids=people, at=then, organization="TODAY")
    assert [c.deals for c in by_today] == [7, 2, 4]


def test_another_calendar_and_another_family(world: World) -> None:
    for month in range(1, 13):
        deal(START, owner=world.people[3], product=world.products[0], close_date=dt.date(2026, month, 15))
    rollups.fold()
    before = {c.month_id for c in node_cells(SYSTEM, tree=Tree.OWN, node_ids=[world.people[3].pk])}
    calendar = define_calendar(kind="MONTHS", start_month=7, name="July", first_year=2020, last_year=2028)
    Company.objects.filter(id=1).update(calendar_id=calendar)
    _check(world)
    assert not before & {c.month_id for c in node_cells(SYSTEM, tree=Tree.OWN, node_ids=[world.people[3].pk])}
    deal(START, product=world.products[0])
    Product.objects.filter(pk=world.products[0].pk).update(family=world.families[2])
    _check(world)
    rollups.fold()
    _check(world)


def test_a_rebuild_repairs_and_counts_what_was_wrong(world: World) -> None:
    for owner in world.people:
        deal(START, owner=owner)
    rollups.fold()
    assert rollups.rebuild() == 0
    RollupNode.objects.filter(tree=Tree.PEOPLE, node_id=world.people[0].pk).update(amount=1)
    found = rollups.reconcile(repair=False)
    assert [(d.what, d.stored, d.true) for d in found] == [("amount", 1, 600)]
    assert RollupState.objects.get().differences == 1
    assert rollups.rebuild() == 1
    assert rollups.reconcile() == []


def test_freshness_and_query_counts(world: World, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    deal(START, owner=world.people[3])
    assert freshness().waiting == 1
    rollups.fold()
    assert freshness().waiting == 0
    assert freshness().folded_at is not None
    nodes = [p.pk for p in world.people]
    with django_assert_num_queries(1):
        node_cells(SYSTEM, tree=Tree.PEOPLE, node_ids=nodes)
    weeks = [START + dt.timedelta(weeks=n) for n in range(13)]
    with django_assert_num_queries(2):
        series = node_series(SYSTEM, tree=Tree.PEOPLE, node_ids=nodes, instants=weeks)
    assert [len(series[at]) for at in weeks] == [3] * 13


def test_a_viewer_gets_only_the_own_part(world: World) -> None:
    boss, left, _, dee, eli, fay = world.people
    for owner in (dee, eli, fay):
        deal(START, owner=owner, territory=world.territories[2], status="WON", category="WON")
    deal(START, owner=fay, territory=world.territories[2])
    rollups.fold()
    manager = Scope(person_id=left.pk, person_ids=frozenset({left.pk, dee.pk, eli.pk}))
    assert [c.deals for c in node_cells(manager, tree=Tree.PEOPLE, node_ids=[boss.pk, left.pk, fay.pk])] == [
        2
    ]
    assert [
        c.deals for c in node_cells(manager, tree=Tree.TERRITORY, node_ids=[world.territories[0].pk])
    ] == [2]
    past = START + dt.timedelta(days=1)
    assert [c.deals for c in node_cells(manager, tree=Tree.PEOPLE, node_ids=[boss.pk, left.pk], at=past)] == [
        2
    ]
    finance = Scope(won_only_everywhere=True)
    for at in (None, past):
        cells = node_cells(finance, tree=Tree.PEOPLE, node_ids=[boss.pk], at=at)
        assert [(c.category, c.deals) for c in cells] == [("WON", 3)]
    assert node_cells(Scope(), tree=Tree.PEOPLE, node_ids=[boss.pk, 0]) == []


def test_roll_ups_are_not_changed_under_a_stale_snapshot(world: World) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = 'rollup_lock_nodes'")
        assert "read committed" in cursor.fetchone()[0]
    assert Opportunity.objects.count() == 0


def test_the_daily_comparison_repairs_and_reports(world: World, drain_jobs) -> None:  # type: ignore[no-untyped-def]
    deal(START, owner=world.people[0])
    fold_rollups()
    assert not RollupQueue.objects.exists()
    RollupNode.objects.filter(tree=Tree.OWN).update(amount=3)
    order_reconciliation()
    order_reconciliation()
    assert drain_jobs() == 1
    result = Job.objects.get(kind="rollups.reconcile").result
    assert result["differences"] >= 1
    assert "the deals say 100" in result["first"]
    assert rollups.differences() == []
