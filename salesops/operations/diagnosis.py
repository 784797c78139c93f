"""What `manage.py doctor` looks at. Every finding that is not well names its cure."""

import datetime as dt
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from pipeline.selectors.upkeep import upkeep
from salesops.jobs import selectors as jobs
from salesops.operations.backups import newest_backup
from salesops.operations.finding import Finding, State, in_zone
from salesops.operations.postgres_health import examine_server
from salesops.operations.postgres_tools import ToolError, find_tool, server_major
from salesops.operations.upkeep import judge
from salesops.wall import policies

OLDEST_POSTGRESQL = 16
ENOUGH_FREE, LAST_FREE = 20, 5
"""Percent of a disk."""
BACKUPS_THAT_MUST_FIT = 2
BACK_UP = "Run manage.py backup now (with `make run`: make backup), and every night."


def diagnose() -> list[Finding]:
    """Looks at everything; what depends on a broken part is left out, since its cure is that part's."""
    findings = [_database()]
    if findings[0].state != "failed":
        with connection.cursor() as cursor:
            findings += examine_server(cursor)
        findings.append(_migrations())
        if findings[-1].state == "ok":
            findings += [_wall(), *_beat(), _queue(), _dead_jobs(), *_upkeep(), _clock(), _dump_tool()]
    return [*findings, *_broker(), _mode(), *_disk(), _secrets(), _static_files(), _backup(), *_backup_room()]


def _database() -> Finding:
    try:
        major = server_major()
    except DatabaseError as problem:
        return Finding(
            "database",
            "failed",
            str(problem).strip().splitlines()[0],
            "Start PostgreSQL (with `make run`: python3 launch.py status) or correct DATABASE_URL.",
        )
    if major < OLDEST_POSTGRESQL:
        return Finding(
            "database", "failed", f"PostgreSQL {major}", f"Upgrade to {OLDEST_POSTGRESQL} or newer."
        )
    return Finding("database", "ok", f"PostgreSQL {major}")


def _migrations() -> Finding:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        names = ", ".join(f"{step.app_label}.{step.name}" for step, _ in missing[:3])
        return Finding(
            "migrations", "failed", f"{len(missing)} not applied: {names}", "Run manage.py migrate."
        )
    return Finding("migrations", "ok", "all applied")


def _wall() -> Finding:
    with connection.cursor() as cursor:
        absent, missing = policies.absent_roles(cursor), policies.missing(cursor)
    if absent:
        names = ", ".join(absent)
        return Finding(
            "second wall",
            "warning",
            f"the database's login may not act as {names}: only the application filters rows",
            f"As a database administrator: {' '.join(f'CREATE ROLE {role} NOLOGIN;' for role in absent)} GRANT {names} "
            "TO the login of DATABASE_URL; then manage.py migrate.",
        )
    if missing:
        return Finding(
            "second wall", "failed", f"no policy on {', '.join(missing)}", "Run manage.py migrate."
        )
    return Finding("second wall", "ok", f"policies on {len(policies.WALLED)} tables")


def _broker() -> Iterator[Finding]:
    if not settings.REDIS_URL:
        yield Finding(
            "broker", "warning", "none: jobs run in the clock process", "Set REDIS_URL for real workers."
        )
        return
    import redis

    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2) as client:
            client.ping()
            info: Any = client.info()
    except redis.RedisError as problem:
        yield Finding(
            "broker", "failed", str(problem), "Start Redis or correct REDIS_URL; jobs wait meanwhile."
        )
        return
    yield Finding("broker", "ok", f"Redis {info.get('redis_version')}")
    if not info.get("aof_enabled"):
        yield Finding(
            "broker durability", "warning", "appendonly is off", "Start Redis with --appendonly yes."
        )
    if info.get("maxmemory_policy", "noeviction") != "noeviction":
        yield Finding(
            "broker memory", "warning", info["maxmemory_policy"], "Set maxmemory-policy noeviction."
        )
    yield _workers()


def _workers() -> Finding:
    from salesops.celery import QUEUES, app

    answers = app.control.inspect(timeout=1.0).active_queues() or {}
    served = {queue["name"] for queues in answers.values() for queue in queues}
    idle = [name for name in QUEUES if name not in served]
    if idle:
        return Finding(
            "workers",
            "failed",
            f"nobody works on {', '.join(idle)}",
            f"Start one: celery -A salesops.celery worker -Q {','.join(idle)}",
        )
    return Finding("workers", "ok", f"{len(answers)} on all queues")


def _beat() -> Iterator[Finding]:
    limit = timezone.now() - dt.timedelta(seconds=60)
    rows = {row.name: row for row in jobs.schedules()}
    sweep = rows.get("jobs.sweep")
    if sweep is None or sweep.started_at is None or sweep.started_at < limit:
        last = f"last at {in_zone(sweep.started_at)}" if sweep and sweep.started_at else "never"
        yield Finding("clock", "failed", f"periodic tasks ran {last}", "Start it: manage.py beat")
    else:
        yield Finding("clock", "ok", "periodic tasks run")
    for row in rows.values():
        if row.failures:
            yield Finding(
                f"periodic {row.name}", "warning", f"failed {row.failures} times: {row.error}", "See the log."
            )


def _queue() -> Finding:
    age = jobs.oldest_waiting_seconds()
    if age > 120:
        return Finding("queue", "warning", f"the oldest job has waited {age:.0f} s", "Start more workers.")
    return Finding("queue", "ok", f"oldest wait {age:.0f} s")


def _dead_jobs() -> Finding:
    dead = jobs.state_counts(everything=True)["DEAD"]
    if dead:
        return Finding(
            "dead jobs",
            "warning",
            f"{dead} given up",
            "Read their errors on the jobs page; retry or discard.",
        )
    return Finding("dead jobs", "ok", "none")


def _upkeep() -> Iterator[Finding]:
    for judgement in judge(upkeep(), timezone.now()):
        state: State = "ok" if not judgement.trouble else "failed" if judgement.broken else "warning"
        yield Finding(judgement.name, state, judgement.trouble or judgement.detail, judgement.cure)


def _clock() -> Finding:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        there: dt.datetime = cursor.fetchone()[0]  # type: ignore[index]
    skew = abs((timezone.now() - there).total_seconds())
    if skew > 2:
        return Finding(
            "time", "warning", f"this machine and the database differ by {skew:.1f} s", "Use NTP on both."
        )
    return Finding("time", "ok", f"{skew:.1f} s apart from the database")


def _dump_tool() -> Finding:
    try:
        return Finding("backup tool", "ok", find_tool("pg_dump", at_least=server_major()))
    except ToolError as problem:
        return Finding("backup tool", "warning", "pg_dump does not fit", str(problem))


def _mode() -> Finding:
    if settings.DEBUG:
        return Finding("mode", "warning", "debug", "Unset DEBUG where others can reach this server.")
    return Finding("mode", "ok", "trial" if settings.TRIAL else "production")


def _disk() -> Iterator[Finding]:
    folder = Path(settings.VAR_DIR)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        usage = shutil.disk_usage(folder)
    except OSError as problem:
        yield Finding("disk", "failed", str(problem), f"Make {folder} writable or set SALESOPS_VAR.")
        return
    if not os.access(folder, os.W_OK):
        yield Finding(
            "var folder", "failed", f"{folder} is not writable", "chown it to the user that runs SalesOps."
        )
    cure = "Free space: a full disk stops PostgreSQL. Imports are refused below 20 %."
    yield _room("disk", usage, cure)


def _room(name: str, usage: Any, cure: str) -> Finding:
    """Whether there is room on a disk, by `shutil.disk_usage`."""
    free = usage.free * 100 // usage.total
    state: State = "ok" if free >= ENOUGH_FREE else "warning" if free >= LAST_FREE else "failed"
    detail = f"{free} % free, {usage.free // 2**30} GiB"
    return Finding(name, state, detail, "" if state == "ok" else cure)


def _backup_room() -> Iterator[Finding]:
    """Whether the next backups fit beside the newest; how full the disk is, if it is not that of the var folder."""
    folder = Path(settings.BACKUP_DIR)
    if not folder.is_dir():
        return  # the first backup makes it
    usage, newest = shutil.disk_usage(folder), newest_backup(folder)
    size = newest.stat().st_size if newest else 0
    cure = f"Move old backups from {folder} elsewhere, let manage.py backup keep fewer (--keep), or set BACKUP_DIR."
    if usage.free < BACKUPS_THAT_MUST_FIT * size:
        state: State = "failed" if usage.free < size else "warning"
        detail = f"{usage.free // 2**20} MiB free, the newest backup has {size // 2**20} MiB"
        yield Finding("backup disk", state, detail, cure)
    elif folder.stat().st_dev != Path(settings.VAR_DIR).stat().st_dev:
        yield _room("backup disk", usage, cure)
    else:
        yield Finding("backup disk", "ok", f"room for {BACKUPS_THAT_MUST_FIT} more at least")


def _secrets() -> Finding:
    for name in ("secrets.json", "demo_logins.json"):
        file = Path(settings.VAR_DIR) / name
        if file.exists() and file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            return Finding("secrets", "failed", f"others may read {file}", f"chmod 600 {file}")
    return Finding("secrets", "ok", "readable for the owner only")


def _static_files() -> Finding:
    if settings.DEBUG or (Path(settings.STATIC_ROOT) / "staticfiles.json").exists():
        return Finding("static files", "ok", str(settings.STATIC_ROOT))
    return Finding("static files", "failed", f"not in {settings.STATIC_ROOT}", "Run manage.py prepare.")


def _backup() -> Finding:
    newest = newest_backup(Path(settings.BACKUP_DIR))
    if newest is None:
        return Finding("backup", "warning", f"none in {settings.BACKUP_DIR}", BACK_UP)
    hours = (timezone.now().timestamp() - newest.stat().st_mtime) / 3600
    if hours > 26:
        return Finding(
            "backup",
            "warning",
            f"{newest.name} is {hours:.0f} hours old",
            BACK_UP,
        )
    return Finding("backup", "ok", newest.name)
