"""Threads that work on one database at the same time, each with a connection of its own; what readers see meanwhile."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg2
from django.db import connection, connections, transaction

from opportunities.models import ProductFamily
from organization.domain.scope import Scope
from organization.models import Person, Territory
from pipeline import rollups
from pipeline.domain.trees import Tree
from pipeline.selectors import node_cells
from tests.factories.pipeline import brute_nodes

SYSTEM = Scope.system("test")


class Crowd:
    """Threads that work until the time is up; what went wrong in any of them is kept, and how often each has worked."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.end = 0.0
        self.errors: list[BaseException] = []
        self.done: Counter[str] = Counter()
        self.threads: list[threading.Thread] = []

    def start(self, name: str, work: Callable[[], object], pause: float = 0.0) -> None:
        """Works again and again, as soon as all run."""

        def loop() -> None:
            while time.monotonic() < self.end:
                work()
                self.done[name] += 1
                time.sleep(pause)

        self._add(name, loop)

    def once(self, name: str, work: Callable[[], object], after: float) -> None:
        """Works once, when so many seconds are over."""

        def wait() -> None:
            time.sleep(after)
            work()
            self.done[name] += 1

        self._add(name, wait)

    def _add(self, name: str, work: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - reported by the test
                self.errors.append(error)
            finally:
                connections.close_all()

        self.threads.append(threading.Thread(target=guarded, name=name))

    def run(self) -> None:
        """Until all have ended, which they do soon after the time is up; raises the first thing that went wrong."""
        self.end = time.monotonic() + self.seconds
        for thread in self.threads:
            thread.start()
        for thread in self.threads:
            thread.join(self.seconds + 20)
        assert not any(thread.is_alive() for thread in self.threads), "somebody waits for ever"
        if self.errors:
            raise self.errors[0]


def link() -> Any:
    """A session of its own with the database of the test."""
    parameters = connection.get_connection_params()
    return psycopg2.connect(
        **{k: v for k, v in parameters.items() if k in {"dbname", "user", "password", "host", "port"}}
    )


def waits_for_lock(what: str = "") -> None:
    """Comes back when a session waits for a lock in a statement with these words."""
    until = time.monotonic() + 10
    with connection.cursor() as cursor:
        while time.monotonic() < until:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND wait_event_type = 'Lock' AND query LIKE %s",
                [f"%{what}%"],
            )
            if cursor.fetchone()[0]:
                return
            time.sleep(0.01)
    raise AssertionError("nobody waits")


def nodes() -> list[tuple[str, Tree, list[int]]]:
    """Every tree with all its nodes, 0 for deals that are nobody's."""
    return [
        ("PEOPLE", Tree.PEOPLE, [0, *Person.objects.order_by("id").values_list("id", flat=True)]),
        ("TERRITORY", Tree.TERRITORY, [0, *Territory.objects.order_by("id").values_list("id", flat=True)]),
        ("FAMILY", Tree.FAMILY, [0, *ProductFamily.objects.order_by("id").values_list("id", flat=True)]),
    ]


def same_moment() -> None:
    """In one snapshot every node of every tree, with the queue, is its deals added up one by one."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        assert rollups.differences(limit=3) == []
        for kind, tree, ids in nodes():
            assert node_cells(SYSTEM, tree=tree, node_ids=ids) == brute_nodes(kind, ids), kind
