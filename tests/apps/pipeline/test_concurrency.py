"""Roll-ups equal the deals at every moment a reader can look, while many write, fold, reorganise and rebuild."""

import datetime as dt
import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import transaction

from opportunities.models import Opportunity, Product
from opportunities.services import change_deals
from opportunities.services.imports_apply import apply_import
from organization.models import Company
from organization.services import define_calendar, set_manager
from pipeline import rollups
from pipeline.models import RollupQueue
from pipeline.selectors.invariants import findings
from tests.factories.crowd import Crowd, link, same_moment
from tests.factories.organization import TEST
from tests.factories.pipeline import START, World, change_set, make_world, many_deals
from tests.stories.small_imports import Steps, deals, planned

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
SECONDS, WRITERS, DEALS, BATCH, OVERLAP = 4.0, 16, 400, 200, 20
CHANGE = """
UPDATE opportunities_opportunity SET version = version + 1, change_set_id = %(act)s,
  changed_at = greatest(clock_timestamp(), changed_at), category = %(category)s, amount = %(amount)s,
  owner_id = %(owner)s, product_id = %(product)s, close_date = %(day)s, is_deleted = %(gone)s
WHERE id = %(id)s"""


def _writer(world: World, ids: list[int], act: int, seed: int) -> Callable[[], None]:
    rng, session = random.Random(seed), link()

    def write() -> None:
        with session, session.cursor() as cursor:
            cursor.execute(
                CHANGE,
                {
                    "id": rng.choice(ids), "act": act, "category": rng.choice(["COMMIT", "UPSIDE", "PIPELINE"]),
                    "amount": rng.choice([None, Decimal(rng.randint(1, 99999)) / 100]),
                    "owner": rng.choice([None, *(p.pk for p in world.people)]),
                    "product": rng.choice([None, *(p.pk for p in world.products)]),
                    "day": dt.date(2026, 1, 1) + dt.timedelta(rng.randint(0, 700)), "gone": rng.random() < 0.05,
                },
            )  # fmt: skip

    return write


def _batch(world: World, ids: list[int]) -> Callable[[], None]:
    """The same change of hundreds of deals as one act, as a list's bulk edit makes it."""
    rng = random.Random(5)

    def change() -> None:
        with transaction.atomic():
            rows = Opportunity.objects.filter(pk__in=rng.sample(ids, BATCH), is_deleted=False).order_by("pk")
            items = list(rows.select_for_update().values_list("pk", "version"))
            changes = {"owner_id": rng.choice(world.people).pk, "amount": Decimal(rng.randint(1, 999))}
            done = change_deals(scope=TEST, items=items, changes=changes)
            assert not done.refused

    return change


def _reorganise(world: World) -> Callable[[], None]:
    rng = random.Random(9)

    def move() -> None:
        report, boss = rng.choice(world.people[3:]), rng.choice(world.people[1:3])
        day = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=rng.randint(0, 9))
        set_manager(person_id=report.pk, manager_id=boss.pk, from_date=day, scope=TEST)

    return move


def _change_meaning(world: World, calendars: list[int]) -> Callable[[], None]:
    rng = random.Random(4)

    def turn() -> None:
        Company.objects.filter(id=1).update(calendar_id=rng.choice(calendars))
        Product.objects.filter(pk=world.products[0].pk).update(family=rng.choice(world.families))
        rollups.rebuild()

    return turn


def _import(folder: Path) -> int:
    names = [f"D-{n},Deal {n},Acme {n % 9},{'Ann Smith' if n % 2 else 'Bob Stone'}" for n in range(BATCH)]
    return planned(folder, deals(*(f"{name},Verbal OK,{n},2026-12-20" for n, name in enumerate(names))))


def test_node_plus_queue_is_the_deals_at_every_moment(tmp_path: Path) -> None:
    world = make_world()
    other = define_calendar(kind="W445", start_month=7, name="Weeks", first_year=2025, last_year=2028)
    calendars = [Company.objects.get().calendar_id, other]
    act, ids, batch = change_set(START).pk, many_deals(DEALS, world), _import(tmp_path)
    crowd = Crowd(SECONDS)
    for seed in range(WRITERS):
        crowd.start(f"writer {seed}", _writer(world, ids[:-BATCH], act, seed))
    crowd.start("batch", _batch(world, ids[-BATCH - OVERLAP :]), 0.2)
    crowd.once("import", lambda: apply_import(batch_id=batch, steps=Steps()), after=1.0)
    crowd.start("folder", lambda: rollups.fold(rows=50), 0.05)
    crowd.start("second folder", rollups.fold, 0.11)
    crowd.start("reorganiser", _reorganise(world), 0.2)
    crowd.start("calendar", _change_meaning(world, calendars), 1.5)
    crowd.start("reader", same_moment, 0.2)
    crowd.run()
    assert crowd.done["reader"] > 1, crowd.done
    assert min(crowd.done["batch"], crowd.done["import"]) >= 1, crowd.done
    assert sum(n for name, n in crowd.done.items() if name.startswith("writer")) > 100, crowd.done
    rollups.fold()
    assert not RollupQueue.objects.exists()
    same_moment()
    assert [f.broken for f in findings({"ledger", "version_chain", "current_version"}) if not f.holds] == []
