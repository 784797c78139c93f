"""The write path: a changed deal with queue and ledger beside the same without; alone, and sixteen at a time."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import psycopg2
from django.db import connection, connections
from django.utils import timezone

from benchmarks.measuring import Result, one, seconds
from opportunities.models import ChangeSet
from pipeline import rollups

ROUNDS = 7
CROWD_ROUNDS = 5
CROWD_SECONDS = 4.0
BATCH = 400
BATCH_OPEN_SECONDS = 1.0
SLOWER = 1.1
"""A control does strictly less: when its p99 is more than so many times the product's, something else ran beside it."""
KEPT_UP = (
    ("opportunities_opportunity", "rollup_updated"),
    ("opportunities_opportunityversion", "rollup_ledger_added"),
    ("opportunities_opportunityversion", "rollup_ledger_ended"),
)
"""The triggers by which a changed deal reaches the queue and the ledger."""
CHECKED = "equal to deals and versions after every round"
_UPDATE = """
UPDATE opportunities_opportunity SET amount = amount + %s, version = version + 1, change_set_id = %s,
  changed_at = greatest(clock_timestamp(), changed_at) WHERE id = ANY(%s)"""


def _act() -> int:
    return ChangeSet.objects.create(kind=ChangeSet.Kind.SYSTEM, at=timezone.now(), actor_name="benchmark").pk


_OPEN = """
SELECT o.id, count(*) OVER cell AS sharing, row_number() OVER (cell ORDER BY o.id) AS place
FROM opportunities_opportunity o
LEFT JOIN organization_fiscalday f
  ON f.calendar_id = (SELECT calendar_id FROM organization_company WHERE id = 1) AND f.day = o.close_date
WHERE o.amount IS NOT NULL AND o.status = 'OPEN' AND NOT o.is_deleted
WINDOW cell AS (PARTITION BY o.owner_id, f.month_id, o.category, o.subcategory_id, o.currency_id)"""


def _open_deals(count: int, where: str = "true") -> list[int]:
    """Open deals with an amount. `sharing` deals are in one cell of an owner's roll-up, each at its `place`."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM ({_OPEN}) o WHERE {where} ORDER BY id LIMIT %s", [count])
        return [row[0] for row in cursor.fetchall()]


def _switched(state: str) -> None:
    for table, trigger in KEPT_UP:
        one(f"ALTER TABLE {table} {state} TRIGGER {trigger}")


def _without(work: Callable[[], Any]) -> Any:
    """What the work answers when nothing keeps queue and ledger."""
    _switched("DISABLE")
    try:
        return work()
    finally:
        _switched("ENABLE")


def _compared() -> None:
    """What triggers and folder have kept by themselves is what the deals and the versions say."""
    rollups.fold(max_seconds=600)
    assert rollups.differences() == [], "roll-ups differ from the deals"
    assert one("SELECT count(*) FROM rollup_ledger_differences()") == 0, (
        "the ledger differs from the versions"
    )


def _mended() -> None:
    """Queue and ledger brought up to what was written without them."""
    rollups.rebuild()
    one("SELECT rollup_ledger_mend()")


def _round(work: Callable[[], Any], control: Callable[[], Any]) -> tuple[Any, Any]:
    """Both, one after the other; what was kept is compared before anything is written that nobody keeps."""
    ours = work()
    _compared()
    theirs = _without(control)
    _mended()
    return ours, theirs


def write_overhead() -> Iterator[Result]:
    """One deal changed per transaction, with the triggers of queue and ledger and without (mended afterwards)."""
    ids, act, rng = _open_deals(2000), _act(), random.Random(1)

    def write() -> None:
        for _ in range(100):
            one(_UPDATE, [Decimal(rng.randint(-5, 5)), act, [rng.choice(ids)]])

    write()
    pairs = [_round(lambda: seconds(write), lambda: seconds(write)) for _ in range(ROUNDS)]
    ratios = sorted(a / b for a, b in pairs)
    ours, theirs = (sorted(column)[len(column) // 2] for column in zip(*pairs, strict=True))
    yield Result(
        "write_overhead", "100 single changes", ours * 1e3, theirs * 1e3, "the same without queue and ledger",
        ours / theirs, 1.5, ratios[0], ratios[-1], CHECKED,
    )  # fmt: skip


@dataclass
class Crowd:
    """Sixteen writers for some seconds, each with a connection of its own; waits in seconds, errors as they came."""

    ids: list[int]
    act: int
    batch_ids: list[int]
    """What batches change beside them; none without batches."""
    waits: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def run(self, *, folding: bool) -> tuple[float, float]:
        """Changes per second and the 99th percentile of a change's wait, in milliseconds."""
        end = time.monotonic() + CROWD_SECONDS
        work: list[Callable[[], None]] = [
            lambda seed=seed: self._write(seed, end)
            for seed in range(16)  # type: ignore[misc]
        ]
        if self.batch_ids:
            work.append(lambda: self._batches(end))
        if folding:
            work.append(lambda: self._fold(end))
        threads = [threading.Thread(target=one_work) for one_work in work]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not self.errors, self.errors[:3]
        waits = sorted(self.waits)
        return len(waits) / CROWD_SECONDS, waits[int(len(waits) * 0.99)] * 1e3

    def _link(self) -> Any:
        wanted = {"dbname", "user", "password", "host", "port", "options"}
        return psycopg2.connect(
            **{k: v for k, v in connection.get_connection_params().items() if k in wanted}
        )

    def _change(self, link: Any, rng: random.Random, ids: list[int], hold: float = 0.0) -> None:
        try:
            with link, link.cursor() as cursor:
                if len(ids) > 1:  # in one order, as the product does
                    cursor.execute(
                        "SELECT 1 FROM opportunities_opportunity WHERE id = ANY(%s) ORDER BY id FOR UPDATE",
                        [ids],
                    )
                cursor.execute(_UPDATE, [Decimal(rng.randint(-5, 5)), self.act, ids])
                time.sleep(hold)
        except psycopg2.Error as error:
            self.errors.append(f"{type(error).__name__}: {error}")

    def _write(self, seed: int, end: float) -> None:
        rng, waits = random.Random(seed), []
        with closing(self._link()) as link:
            while time.monotonic() < end:
                waits.append(seconds(lambda: self._change(link, rng, [rng.choice(self.ids)])))
        self.waits += waits

    def _batches(self, end: float) -> None:
        rng = random.Random(99)
        with closing(self._link()) as link:
            while time.monotonic() < end:
                self._change(link, rng, sorted(rng.sample(self.batch_ids, BATCH)), hold=BATCH_OPEN_SECONDS)

    def _fold(self, end: float) -> None:
        try:
            while time.monotonic() < end:
                rollups.fold(max_seconds=1.0)
                time.sleep(0.5)
        finally:
            connections.close_all()


def _crowds(name: str, what: str, ids: list[int], batch_ids: list[int]) -> Iterator[Result]:
    act = _act()

    def turn(*, folding: bool) -> tuple[float, float]:
        return Crowd(ids, act, batch_ids).run(folding=folding)

    turn(folding=True)
    pairs, discarded = _rounds(lambda: turn(folding=True), lambda: turn(folding=False))
    middle = len(pairs) // 2
    ratios = sorted(ours[1] / theirs[1] for ours, theirs in pairs)
    ours_ms, theirs_ms = (sorted(side[1] for side in column)[middle] for column in zip(*pairs, strict=True))
    rates = [sorted(side[0] for side in column)[middle] for column in zip(*pairs, strict=True)]
    yield Result(
        name, f"{what}: p99 of a change; {rates[0]:.0f} changes/s, without {rates[1]:.0f}, no deadlock, "
        f"{discarded} rounds discarded",
        ours_ms, theirs_ms, "the same without queue, ledger and folder", ours_ms / theirs_ms, 3.0,
        ratios[0], ratios[-1], CHECKED,
        {"changes_per_second": round(rates[0]), "changes_per_second_without": round(rates[1])},
    )  # fmt: skip


_Side = tuple[float, float]
"""Changes per second, and the 99th percentile of their waits."""


def _rounds(work: Callable[[], _Side], control: Callable[[], _Side]) -> tuple[list[tuple[_Side, _Side]], int]:
    """The rounds that count, and how many were repeated because their control was the slower one."""
    counting: list[tuple[_Side, _Side]] = []
    for tried in range(1, 2 * CROWD_ROUNDS + 1):
        ours, theirs = _round(work, control)
        if theirs[1] <= ours[1] * SLOWER:
            counting.append((ours, theirs))
        if len(counting) == CROWD_ROUNDS:
            return counting, tried - CROWD_ROUNDS
    raise AssertionError("the control was slower again and again: measure when nothing else runs")


def writers_16() -> Iterator[Result]:
    """Sixteen writers at once while the queue is folded."""
    yield from _crowds("writers_16", "16 writers", _open_deals(20_000), [])


def writers_16_batch() -> Iterator[Result]:
    """The same beside a batch of 400 other deals that holds its transaction open for a second. Every deal of a batch
    shares its roll-up cells with a deal of a writer: what waits, waits for cells, not for deals."""
    writers, batch = (_open_deals(10_000, f"sharing > 1 AND place %% 2 = {half}") for half in (1, 0))
    if len(batch) < BATCH:
        raise RuntimeError(f"{len(batch)} deals share cells with others: too few for batches of {BATCH}.")
    yield from _crowds("writers_16_batch", f"16 writers beside batches of {BATCH}", writers, batch)
