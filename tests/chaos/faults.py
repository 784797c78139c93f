"""The menu of faults. Each is drawn and aimed by the seeded generator, so that a run can be repeated."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import psycopg2

from tests.chaos import shortage
from tests.chaos.proxy import Line, Proxy
from tests.chaos.stack import Stack

PROCESSES = ("web", "worker-fast", "worker-bulk", "beat", "redis", "postgres")
LONGEST_STALL = 3.0


@dataclass(frozen=True)
class Fault:
    """What is done; `strike` says in words what it hit ("" when there was nothing to hit)."""

    name: str
    weight: int
    kills: bool
    strike: Callable[[Stack, Proxy, random.Random], str]


def _kill(name: str) -> Callable[[Stack, Proxy, random.Random], str]:
    """kill -9 of a process, a parent's children left alive; what it leaves behind is the launcher's business."""

    def strike(stack: Stack, _: Proxy, __: random.Random) -> str:
        pids = stack.pids(name)
        return _signal(pids[:1], signal.SIGKILL)

    return strike


def _kill_child(name: str) -> Callable[[Stack, Proxy, random.Random], str]:
    def strike(stack: Stack, _: Proxy, rng: random.Random) -> str:
        children = stack.pids(name)[1:]
        return _signal([rng.choice(children)], signal.SIGKILL) if children else ""

    return strike


def _stall(stack: Stack, _: Proxy, rng: random.Random) -> str:
    """SIGSTOP of one process with its children, for a while: alive, but silent."""
    name, seconds = rng.choice(PROCESSES), rng.uniform(0.5, LONGEST_STALL)
    pids = stack.pids(name)
    hit = _signal(pids, signal.SIGSTOP)
    time.sleep(seconds)
    _signal(pids, signal.SIGCONT)
    return f"{name} for {seconds:.1f} s: {hit}" if hit else ""


def _flush_redis(stack: Stack, _: Proxy, __: random.Random) -> str:
    import redis

    with suppress(redis.RedisError), redis.Redis.from_url(stack.environment["REDIS_URL"]) as client:
        client.flushall()
        return "everything forgotten"
    return ""


def _cut_backends(stack: Stack, _: Proxy, rng: random.Random) -> str:
    """The database hangs up on some or all of its clients, whatever they are in the middle of."""
    share = rng.choice((0.3, 1.0))
    with suppress(psycopg2.Error):
        rows = stack.sql(
            """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid() AND hashint4(pid # %s) %% 100 < %s""",
            [rng.randrange(1 << 30), int(share * 100)],
        )
        return f"{rows[0][0]} sessions"
    return ""


def _spoil_line(line: Line) -> Callable[[Stack, Proxy, random.Random], str]:
    def strike(_: Stack, proxy: Proxy, rng: random.Random) -> str:
        seconds = rng.uniform(1, 4)
        proxy.delay, proxy.cut_after = rng.uniform(0.1, 0.6), rng.choice((0, 1, 40, 300))
        proxy.line = line
        time.sleep(seconds)
        proxy.line = Line.GOOD
        return f"{seconds:.1f} s"

    return strike


def _signal(pids: list[int], number: int) -> str:
    hit = []
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
            hit.append(str(pid))
    return ", ".join(hit)


MENU = (
    Fault("kill web", 3, True, _kill("web")),
    Fault("kill a web worker", 3, True, _kill_child("web")),
    Fault("kill fast worker's parent", 2, True, _kill("worker-fast")),
    Fault("kill a fast worker's child", 2, True, _kill_child("worker-fast")),
    Fault("kill bulk worker's parent", 2, True, _kill("worker-bulk")),
    Fault("kill a bulk worker's child", 2, True, _kill_child("worker-bulk")),
    Fault("kill clock", 3, True, _kill("beat")),
    Fault("kill Redis", 2, True, _kill("redis")),
    Fault("flush Redis", 2, False, _flush_redis),
    Fault("cut database sessions", 3, True, _cut_backends),
    Fault("kill database cluster", 2, True, _kill("postgres")),
    Fault("stall", 3, False, _stall),
    Fault("short of memory: a program", 3, False, shortage.cramp_program),
    Fault("short of memory: Redis", 1, False, shortage.cramp_redis),
    Fault("short of memory: database", 2, False, shortage.cramp_database),
    Fault("disk full: database", 2, False, shortage.fill_database_disk),
    Fault("disk full: Redis", 1, False, shortage.fill_redis_disk),
    *(Fault(f"line: {line}", 1, False, _spoil_line(line)) for line in Line if line is not Line.GOOD),
    Fault("line: answer cut, again", 2, False, _spoil_line(Line.ANSWER_CUT)),
)


def drawn(rng: random.Random, count: int) -> list[Fault]:
    """So many faults: first each of the menu once, in random order, then by weight."""
    first = rng.sample(MENU, len(MENU))
    return (first + rng.choices(MENU, [fault.weight for fault in MENU], k=max(0, count - len(first))))[:count]
