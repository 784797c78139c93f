"""Roll-ups equal the deals at every moment a reader can look, while many write, fold, reorganise and rebuild."""

import datetime as dt
import random
import threading
import time
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from typing import Any

import psycopg2
import pytest
from django.db import connection, connections

from opportunities.models import Product
from organization.domain.scope import Scope
from organization.models import Company, Person
from organization.services import define_calendar, set_manager
from pipeline import rollups
from pipeline.domain.trees import Tree
from pipeline.models import RollupQueue
from pipeline.selectors import node_cells
from tests.factories.organization import TEST
from tests.factories.pipeline import START, World, brute, change_set, deal, make_world

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
SECONDS, WRITERS, DEALS = 4.0, 8, 160
CHANGE = """
UPDATE opportunities_opportunity SET version = version + 1, change_set_id = %(act)s,
  changed_at = greatest(clock_timestamp(), changed_at), category = %(category)s, amount = %(amount)s,
  owner_id = %(owner)s, product_id = %(product)s, close_date = %(day)s, is_deleted = %(gone)s
WHERE id = ANY(%(ids)s)"""


class Crowd:
    """Threads that work until told to stop; what went wrong in any of them is kept."""

    def __init__(self) -> None:
        self.end = time.monotonic() + SECONDS
        self.errors: list[BaseException] = []
        self.done: dict[str, int] = {}
        self.threads: list[threading.Thread] = []

    def start(self, name: str, work: Callable[[], None], pause: float = 0.0) -> None:
        def loop() -> None:
            try:
                while time.monotonic() < self.end:
                    work()
                    self.done[name] = self.done.get(name, 0) + 1
                    time.sleep(pause)
            except BaseException as error:  # noqa: BLE001 - reported by the test
                self.errors.append(error)
            finally:
                connections.close_all()

        self.threads.append(threading.Thread(target=loop, name=name))

    def run(self) -> None:
        for thread in self.threads:
            thread.start()
        for thread in self.threads:
            thread.join(SECONDS + 20)


def _connect() -> Any:
    parameters = connection.get_connection_params()
    wanted = {k: v for k, v in parameters.items() if k in {"dbname", "user", "password", "host", "port"}}
    return psycopg2.connect(**wanted)


def _writer(world: World, ids: list[int], act: int, seed: int) -> Callable[[], None]:
    rng, link = random.Random(seed), _connect()

    def write() -> None:
        some = sorted(rng.sample(ids, 40 if rng.random() < 0.05 else 1))
        with link, link.cursor() as cursor:
            cursor.execute(
                "SELECT id FROM opportunities_opportunity WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [some]
            )
            cursor.execute(
                CHANGE,
                {
                    "ids": some, "act": act, "category": rng.choice(["COMMIT", "UPSIDE", "PIPELINE"]),
                    "amount": rng.choice([None, Decimal(rng.randint(1, 99999)) / 100]),
                    "owner": rng.choice([None, *(p.pk for p in world.people)]),
                    "product": rng.choice([None, *(p.pk for p in world.products)]),
                    "day": dt.date(2026, 1, 1) + dt.timedelta(rng.randint(0, 700)), "gone": rng.random() < 0.05,
                },
            )  # fmt: skip
            if len(some) > 1:
                time.sleep(0.05)  # a batch that stays open while others commit

    return write


def _same_moment(link: Any, root: int) -> None:
    """Every cell of every tree, and the root by itself, in one snapshot each."""
    with link, link.cursor() as cursor:
        cursor.execute("SELECT * FROM rollup_differences() LIMIT 3")
        assert cursor.fetchall() == []
        cursor.execute(
            """SELECT (SELECT coalesce(sum(deals), 0) FROM pipeline_rollupnode
                       WHERE tree = 1 AND node_id IN (0, %s))
                    + (SELECT coalesce(sum(deals), 0) FROM pipeline_rollupqueue),
                      (SELECT count(*) FROM opportunities_opportunity WHERE NOT is_deleted)""",
            [root],
        )
        stored, true = cursor.fetchone()
        assert stored == true


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


def test_node_plus_queue_is_the_deals_at_every_moment() -> None:
    world = make_world()
    other = define_calendar(kind="W445", start_month=7, name="Weeks", first_year=2025, last_year=2028)
    calendars = [Company.objects.get().calendar_id, other]
    act = change_set(START).pk
    ids = [deal(START, owner=world.people[n % 6], product=world.products[n % 3]).pk for n in range(DEALS)]
    crowd = Crowd()
    for seed in range(WRITERS):
        crowd.start(f"writer {seed}", _writer(world, ids, act, seed))
    crowd.start("folder", lambda: rollups.fold(rows=50) and None, 0.05)
    crowd.start("second folder", lambda: rollups.fold() and None, 0.11)
    crowd.start("reorganiser", _reorganise(world), 0.2)
    crowd.start("calendar", _change_meaning(world, calendars), 0.9)
    with closing(_connect()) as link:
        crowd.start("reader", lambda: _same_moment(link, world.people[0].pk), 0.01)
        crowd.run()
    assert not crowd.errors
    assert crowd.done["reader"] > 10
    assert sum(n for name, n in crowd.done.items() if name.startswith("writer")) > 100
    _check_at_rest(world)


def _check_at_rest(world: World) -> None:
    rollups.fold()
    assert not RollupQueue.objects.exists()
    assert rollups.differences() == []
    everybody = [0, *Person.objects.order_by("id").values_list("id", flat=True)]
    found = node_cells(Scope.system("test"), tree=Tree.PEOPLE, node_ids=everybody)
    assert found == [cell for node in everybody for cell in brute("PEOPLE", node)]
