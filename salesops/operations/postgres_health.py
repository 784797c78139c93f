"""What `doctor` asks of the PostgreSQL server itself: its archive, its connections, its housekeeping.

Each check takes a cursor on any database of the server and reads only what every login may read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from salesops.operations.finding import Finding, State, in_zone

CONNECTIONS_WARN, CONNECTIONS_FAIL = 0.80, 0.95
"""Shares of the connections that ordinary logins may open."""
DEAD_ROWS_NOTICED = 10_000
"""Smaller tables may consist of dead rows for a minute and cost nobody anything."""
VACUUM_BEHIND = 3
"""So many times the dead rows at which autovacuum should have come by."""
CONNECTIONS_CURE = (
    "Raise max_connections above web processes x REQUESTS_AT_ONCE + worker processes + 10, or lower WEB_WORKERS, "
    "WORKER_PROCESSES or REQUESTS_AT_ONCE; SELECT * FROM pg_stat_activity names other programs."
)
HOLDERS = (
    "If they stay, a transaction open for long holds them: SELECT pid, xact_start, query FROM pg_stat_activity "
    "ORDER BY xact_start."
)


def examine_server(cursor: Any) -> list[Finding]:
    """All of it. Nothing is said of an archive that is not wanted."""
    return [*archive(cursor), connections(cursor), *autovacuum(cursor), dead_rows(cursor)]


def archive(cursor: Any) -> Iterator[Finding]:
    """Whether the log goes where a restore to a moment would look for it, where archiving is on."""
    cursor.execute("""
        SELECT current_setting('archive_mode'), current_setting('archive_command') IN ('', '(disabled)')
               AND current_setting('archive_library', true) IS NOT DISTINCT FROM '',
               last_failed_time > coalesce(last_archived_time, '-infinity'), failed_count, last_failed_wal,
               last_archived_time
        FROM pg_stat_archiver""")
    mode, nowhere, failing, failures, segment, last = cursor.fetchone()
    if mode == "off":
        return
    last = f"last archived at {in_zone(last)}" if last else "nothing archived yet"
    if nowhere:
        yield Finding(
            "log archive", "failed", "archive_mode is on, but archive_command is empty: the log piles up",
            "Set archive_command as docker/compose.pitr.yml does, or archive_mode = off.",
        )  # fmt: skip
    elif failing:
        yield Finding(
            "log archive", "failed", f"{segment} could not be archived, {failures} failures; {last}",
            "The server's log says why: a full or missing archive folder, mostly. Put it right soon: until then there "
            "is no way back to a minute, and the log that piles up fills the database's disk.",
        )  # fmt: skip
    else:
        yield Finding("log archive", "ok", last)


def connections(cursor: Any) -> Finding:
    """How many of those that ordinary logins may open are open."""
    cursor.execute("""
        SELECT (SELECT coalesce(sum(numbackends), 0)::int FROM pg_stat_database),
               current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
               - coalesce(current_setting('reserved_connections', true)::int, 0)""")
    used, limit = cursor.fetchone()
    state: State = (
        "ok" if used < CONNECTIONS_WARN * limit
        else "warning" if used < CONNECTIONS_FAIL * limit
        else "failed"
    )  # fmt: skip
    return Finding(
        "connections", state, f"{used} of {limit} are open", "" if state == "ok" else CONNECTIONS_CURE
    )


def autovacuum(cursor: Any) -> Iterator[Finding]:
    """Whether anybody clears away what updates leave behind: for the server, and for each table."""
    cursor.execute("SELECT current_setting('autovacuum'), current_setting('track_counts')")
    if cursor.fetchone() != ("on", "on"):
        yield Finding(
            "autovacuum", "failed", "off: tables only grow, and the server stops itself in the end",
            "Set autovacuum = on and track_counts = on in postgresql.conf; then SELECT pg_reload_conf().",
        )  # fmt: skip
        return
    cursor.execute("""
        SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
        AND reloptions && ARRAY['autovacuum_enabled=false', 'autovacuum_enabled=off'] ORDER BY 1""")
    off = [row[0] for row in cursor.fetchall()]
    if off:
        yield Finding(
            "autovacuum", "warning", f"off for {', '.join(off[:3])}",
            "; ".join(f"ALTER TABLE {name} RESET (autovacuum_enabled)" for name in off[:3]) + ";",
        )  # fmt: skip
    else:
        yield Finding("autovacuum", "ok", "on")


def dead_rows(cursor: Any) -> Finding:
    """The table furthest behind, if one holds several times the dead rows that autovacuum should have cleared."""
    cursor.execute(
        """
        SELECT relname, n_dead_tup, n_live_tup FROM pg_stat_user_tables
        WHERE n_dead_tup > %s AND n_dead_tup > %s * (current_setting('autovacuum_vacuum_threshold')::int
              + current_setting('autovacuum_vacuum_scale_factor')::float * n_live_tup)
        ORDER BY n_dead_tup DESC LIMIT 3""",
        [DEAD_ROWS_NOTICED, VACUUM_BEHIND],
    )
    behind = cursor.fetchall()
    if not behind:
        return Finding("dead rows", "ok", "no table is far behind")
    told = ", ".join(f"{name} {dead} beside {live} living" for name, dead, live in behind)
    commands = "; ".join(f"VACUUM (ANALYZE) {name}" for name, _, _ in behind)
    return Finding("dead rows", "warning", told, f"{commands}. {HOLDERS}")
