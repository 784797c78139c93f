"""The demo company grown to any size by copying it in the database: the same lives, other people, accounts and deals.

Every copy passes the triggers of ordinary writes, so history, queue and ledger come about as they always do. Copies of
deals are spread over the copies of the organisation; amounts differ from copy to copy by up to a fifth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.db import connection, transaction

from organization.services import rebuild_person_closure
from pipeline import checkpoints, rollups

BASE_DEALS = 12_000
"""Deals of the company that is copied."""
SPREAD = "(0.8 + 0.4 * ((%(copy)s::int * 7919 + {key} * 104729) %% 1000) / 1000.0)::numeric"


def grow(*, deals: int, people: int, say: Callable[[str], None]) -> None:
    """Copies people until there are `people`, then deals with accounts, lines and splits until there are `deals`."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")
        companies = _people(people)
    rebuild_person_closure()
    say(f"{_count('organization_person'):,} people in {companies} copies of the organisation")
    each = _count("opportunities_opportunity")
    copies = max(-(-(deals - each) // each), 0)
    for copy in range(1, copies + 1):
        wanted = min(each, deals - each * copy)
        with transaction.atomic():
            _deals(copy, copy % companies, wanted)
        if copy % 5 == 0 or copy == copies:
            rollups.fold(max_seconds=3600)
            say(f"{_count('opportunities_opportunity'):,} deals")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    checkpoints.refresh(max_seconds=3600)
    with connection.cursor() as cursor:
        cursor.execute(
            "VACUUM ANALYZE pipeline_rollupcheckpointcell, pipeline_rollupledger, pipeline_rollupnode"
        )


def _count(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return int(cursor.fetchone()[0])


def _copy_rows(
    source: str, into: str, changed: Mapping[str, str], joins: str, values: Mapping[str, object]
) -> None:
    """INSERT … SELECT of all columns but `id`, some of them changed (SQL over the alias `o`)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s "
            "AND is_generated = 'NEVER' ORDER BY ordinal_position",
            [into],
        )
        columns = [name for (name,) in cursor.fetchall() if name != "id" or "id" in changed]
        chosen = ", ".join(changed.get(name, f"o.{name}") for name in columns)
        cursor.execute(
            f"INSERT INTO {into} ({', '.join(columns)}) SELECT {chosen} FROM {source} o {joins}", values
        )


def _people(wanted: int) -> int:
    """Copies everybody but the head, lines and quotas included; how many copies there are with the first."""
    with connection.cursor() as cursor:
        cursor.execute(
            """CREATE TABLE IF NOT EXISTS bench_person (copy int, old bigint, new bigint, PRIMARY KEY (copy, old));
               INSERT INTO bench_person SELECT 0, id, id FROM organization_person ON CONFLICT DO NOTHING"""
        )
        cursor.execute("SELECT count(*) FROM bench_person WHERE copy = 0")
        each = int(cursor.fetchone()[0]) - 1
        cursor.execute(
            "SELECT p.id FROM organization_person p WHERE NOT EXISTS "
            "(SELECT 1 FROM organization_reportingline l WHERE l.person_id = p.id) "
            "ORDER BY (SELECT count(*) FROM organization_reportingline l WHERE l.manager_id = p.id) DESC LIMIT 1"
        )
        head = cursor.fetchone()[0]
    copies = max(round(wanted / each), 1)
    for copy in range(1, copies):
        with connection.cursor() as cursor:
            cursor.execute(
                """INSERT INTO bench_person SELECT %(copy)s, old,
                     CASE WHEN old = %(head)s THEN old
                          ELSE nextval(pg_get_serial_sequence('organization_person', 'id')) END
                   FROM bench_person WHERE copy = 0 ORDER BY old""",
                {"copy": copy, "head": head},
            )
        values = {"copy": copy, "head": head}
        person = "JOIN bench_person b ON b.copy = %(copy)s AND b.old = o.{0} AND b.old <> %(head)s"
        _copy_rows(
            "organization_person", "organization_person",
            {"id": "b.new", "user_id": "NULL", "name": "o.name || ' ' || %(copy)s",
             "external_id": "o.external_id || '-' || %(copy)s",
             "email": "CASE WHEN o.email = '' THEN '' ELSE %(copy)s || '.' || o.email END"},
            person.format("id"), values,
        )  # fmt: skip
        _copy_rows(
            "organization_reportingline", "organization_reportingline",
            {"person_id": "b.new", "manager_id": "m.new"},
            person.format("person_id") + " JOIN bench_person m ON m.copy = %(copy)s AND m.old = o.manager_id", values,
        )  # fmt: skip
        _copy_rows(
            "(SELECT * FROM territories_quota WHERE superseded_at > now())", "territories_quota",
            {"person_id": "b.new"}, person.format("person_id"), values,
        )  # fmt: skip
    return copies


def _deals(copy: int, company: int, wanted: int) -> None:
    """One copy of the first `wanted` deals of the company, owned by the people of one copy of the organisation."""
    values = {"copy": copy, "company": company}
    owner = "LEFT JOIN bench_person p ON p.copy = %(company)s AND p.old = o.owner_id "
    with connection.cursor() as cursor:
        cursor.execute(
            """DROP TABLE IF EXISTS bench_deal, bench_account;
               CREATE TEMP TABLE bench_deal AS
                 SELECT id AS old, nextval(pg_get_serial_sequence('opportunities_opportunity', 'id')) AS new
                 FROM (SELECT id FROM opportunities_opportunity WHERE external_id NOT LIKE '%%~%%' ORDER BY id
                       LIMIT %s) deals;
               CREATE TEMP TABLE bench_account AS
                 SELECT id AS old, nextval(pg_get_serial_sequence('opportunities_account', 'id')) AS new
                 FROM opportunities_account WHERE external_id NOT LIKE '%%~%%';
               ANALYZE bench_deal, bench_account""",
            [wanted],
        )
    marked = "o.external_id || '~' || %(copy)s"
    _copy_rows(
        "opportunities_account", "opportunities_account",
        {"id": "a.new", "external_id": marked, "name": "o.name || ' ' || %(copy)s", "parent_id": "NULL",
         "owner_id": "p.new"},
        "JOIN bench_account a ON a.old = o.id " + owner, values,
    )  # fmt: skip
    account = owner + "LEFT JOIN bench_account a ON a.old = o.account_id "
    spread = {
        column: f"round(o.{column} * {SPREAD.format(key='d.old')}, 2)" for column in ("amount", "list_amount")
    }
    moved = {"owner_id": "p.new", "account_id": "a.new"} | spread
    _copy_rows(
        "opportunities_opportunity", "opportunities_opportunity",
        {"id": "d.new", "external_id": marked, "content_hash": "NULL"} | moved,
        "JOIN bench_deal d ON d.old = o.id " + account, values,
    )  # fmt: skip
    deal = "JOIN bench_deal d ON d.old = o.opportunity_id "
    _copy_rows(
        "opportunities_opportunityversion", "opportunities_opportunityversion",
        {"opportunity_id": "d.new"} | moved,
        deal + account + "WHERE o.seq <> (SELECT version FROM opportunities_opportunity n WHERE n.id = d.old)", values,
    )  # fmt: skip
    _copy_rows(
        "opportunities_opportunityline",
        "opportunities_opportunityline",
        {"opportunity_id": "d.new"},
        deal,
        values,
    )
    _copy_rows(
        "opportunities_opportunitysplit", "opportunities_opportunitysplit",
        {"opportunity_id": "d.new", "person_id": "p.new"},
        deal + "LEFT JOIN bench_person p ON p.copy = %(company)s AND p.old = o.person_id", values,
    )  # fmt: skip
