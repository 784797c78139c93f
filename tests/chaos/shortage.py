"""Faults of too little: memory and disk run out for a while, by limits on single processes (no root needed)."""

from __future__ import annotations

import os
import random
import resource
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg2

from tests.chaos.proxy import Proxy
from tests.chaos.stack import Stack

CRAMPED = ("web", "web", "worker-fast", "worker-bulk", "beat")
MEBIBYTE = 1 << 20
LONGEST_SHORTAGE = 2.5
NAMES = {resource.RLIMIT_AS: "as", resource.RLIMIT_FSIZE: "fsize"}
FILE_SIZES = (16 * MEBIBYTE, 8 * MEBIBYTE, 1 * MEBIBYTE)
"""Up to 16 MiB, the size of its segments, PostgreSQL can write its log; beyond, only large tables are stopped."""


def cramp_program(stack: Stack, _: Proxy, rng: random.Random) -> str:
    """Our processes of one kind get no more memory than they have, or hardly more: work ends in the middle."""
    name = rng.choice(CRAMPED)
    family = stack.pids(name)
    return _cramp(family[1:] or family, rng, name)


def cramp_redis(stack: Stack, _: Proxy, rng: random.Random) -> str:
    """The broker is at its `maxmemory` and refuses whatever would take more, as `noeviction` says."""
    import redis

    seconds = rng.uniform(0.8, LONGEST_SHORTAGE)
    with suppress(redis.RedisError), redis.Redis.from_url(stack.environment["REDIS_URL"]) as client:
        client.config_set("maxmemory", 1)
        time.sleep(seconds)
        client.config_set("maxmemory", 0)
        return f"{seconds:.1f} s"
    return ""


def cramp_database(stack: Stack, _: Proxy, rng: random.Random) -> str:
    """The same for the database's sessions: their statements end with "out of memory".

    Not for its other processes: PostgreSQL 18.4 was seen to wait for ever, alive and "in recovery mode", after the one
    that recovers had run out of memory.
    """
    return _cramp(_sessions(stack), rng, "database sessions")


def fill_database_disk(stack: Stack, _: Proxy, rng: random.Random) -> str:
    """No file of the database grows past a size, neither for its sessions nor for those that write in the background.

    A table that cannot grow is an error for its statement; a log that cannot be written ends the whole server.
    """
    size, seconds = rng.choice(FILE_SIZES), rng.uniform(0.8, LONGEST_SHORTAGE)
    pids = stack.pids("postgres")[1:] if _sessions(stack) else []
    with _limited(pids, resource.RLIMIT_FSIZE, dict.fromkeys(pids, size)) as hit:
        time.sleep(seconds)
    return f"files end at {size >> 20} MiB for {seconds:.1f} s: {hit}" if hit else ""


def _sessions(stack: Stack) -> list[int]:
    """Processes of the database that serve somebody, once it is up again after the fault before."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with suppress(psycopg2.Error, OSError):
            rows = stack.sql(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
            if rows:
                return [pid for (pid,) in rows]
        time.sleep(0.1)
    return []


def fill_redis_disk(stack: Stack, _: Proxy, rng: random.Random) -> str:
    """The broker's file cannot grow: its last record stays torn."""
    seconds = rng.uniform(0.8, LONGEST_SHORTAGE)
    files = (stack.folder / "var").rglob("*.aof")
    size = max((file.stat().st_size for file in files), default=0) + rng.randrange(64)
    pids = stack.pids("redis")
    with _limited(pids, resource.RLIMIT_FSIZE, dict.fromkeys(pids, size)) as hit:
        time.sleep(seconds)
    return f"files end at {size} bytes, {seconds:.1f} s: {hit}" if hit else ""


def _cramp(pids: list[int], rng: random.Random, name: str) -> str:
    seconds, slack = rng.uniform(0.8, LONGEST_SHORTAGE), rng.choice((0, 0, 1)) * MEBIBYTE
    limits = {pid: size + slack for pid in pids if (size := _address_space(pid))}
    with _limited(pids, resource.RLIMIT_AS, limits) as hit:
        time.sleep(seconds)
    return f"{name}: {slack >> 20} MiB more for {seconds:.1f} s: {hit}" if hit else ""


@contextmanager
def _limited(pids: list[int], kind: int, limits: dict[int, int]) -> Iterator[str]:
    """Lowers the soft limit of processes, and gives those that live on what they had: what we have, as our heirs."""
    hit = [pid for pid in pids if pid in limits and _set(pid, kind, limits[pid])]
    yield ", ".join(str(pid) for pid in hit)
    for pid in hit:
        _set(pid, kind, resource.getrlimit(kind)[0])


def _set(pid: int, kind: int, soft: int) -> bool:
    """False when the process is gone. Being root does not suffice for one of another user, being that user does."""
    with suppress(ProcessLookupError, FileNotFoundError):
        owner = Path(f"/proc/{pid}").stat()
        if owner.st_uid == os.geteuid():
            resource.prlimit(pid, kind, (soft, resource.prlimit(pid, kind)[1]))
            return True
        limit = "unlimited" if soft == resource.RLIM_INFINITY else str(soft)
        done = subprocess.run(
            ["prlimit", f"--pid={pid}", f"--{NAMES[kind]}={limit}:"],
            user=owner.st_uid, group=owner.st_gid, extra_groups=[], cwd="/", check=False, capture_output=True,
        )  # fmt: skip
        return done.returncode == 0
    return False


def _address_space(pid: int) -> int:
    """Bytes of virtual memory; 0 when the process is gone."""
    with suppress(OSError):
        pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[0]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    return 0
