"""Which tables are walled, and by which rule; and putting the rules into the database.

Every model is in one of the two lists: a test fails for a model nobody decided about. Rules compare with an array
that PostgreSQL works out once per statement; any other form is slower by an order of magnitude.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections, transaction

ROLE = "salesops_viewer"
"""The role that requests read as: no login, owner of nothing, bound by the policies."""

_PEOPLE = "(SELECT current_setting('salesops.people'))::bigint[]"
_WON = "(SELECT current_setting('salesops.won', true)) = 'on'"

WALLED = {
    "opportunities.Opportunity": f"owner_id = ANY({_PEOPLE}) OR (status = 'WON' AND {_WON})",
    "territories.Quota": f"person_id = ANY({_PEOPLE}) OR {_WON}",
    "pipeline.RollupNode": f"(tree IN (1, 2) AND node_id = ANY({_PEOPLE})) OR (category = 'WON' AND {_WON})",
    "pipeline.RollupQueue": f"owner_id = ANY({_PEOPLE}) OR (category = 'WON' AND {_WON})",
}
"""Model: which rows a viewer reads. The rule is the twin of the application's `visible_to`."""

_PAST = "past: read by the organisation of the time, which one array does not tell"
_OF_A_DEAL = "read by the number of a deal that was found visible"
_BY_CAPABILITY = "read by capability, not by person; the permission matrix holds it"
_SHARED = "the same for everybody"
_PLUMBING = "no figure in it"

NOT_WALLED = {
    "opportunities.OpportunityVersion": _PAST,
    "pipeline.RollupLedger": _PAST,
    "pipeline.RollupCheckpointCell": _PAST,
    "pipeline.RollupCheckpoint": _PLUMBING,
    "pipeline.RollupState": _PLUMBING,
    "opportunities.OpportunityLine": _OF_A_DEAL,
    "opportunities.OpportunitySplit": _OF_A_DEAL,
    "opportunities.ChangeSet": _PLUMBING,
    **dict.fromkeys(
        (
            "audit.AuditEvent", "opportunities.ImportBatch", "opportunities.ImportFile", "opportunities.ImportRow",
            "opportunities.ImportProblem", "opportunities.ImportEffect", "opportunities.RememberedMapping",
            "organization.User", "organization.RoleGrant", "organization.Person", "organization.ReportingLine",
            "organization.PersonClosure", "organization.TerritoryMembership",
        ),
        _BY_CAPABILITY,
    ),
    **dict.fromkeys(
        (
            "organization.Currency", "organization.ExchangeRate", "organization.FiscalCalendar",
            "organization.FiscalPeriod", "organization.FiscalDay", "organization.Company", "organization.Territory",
            "organization.TerritoryClosure", "opportunities.SalesProcess", "opportunities.Stage",
            "opportunities.Subcategory", "opportunities.ProductFamily", "opportunities.ProductFamilyClosure",
            "opportunities.Product", "opportunities.Account",
        ),
        _SHARED,
    ),
    **dict.fromkeys(("audit.AuditSeal", "jobs.Job", "jobs.JobStep", "jobs.Schedule"), _PLUMBING),
    "organization.ApiToken": "read by its owner's number, and kept as a digest",
    "replies.KeptReply": "read by its owner's number and key",
}  # fmt: skip
"""Model: why no policy is on it, or what stands in for one."""

_MAKE_ROLE = f"""
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN
    CREATE ROLE {ROLE} NOLOGIN NOINHERIT;
  END IF;
  IF NOT pg_has_role(current_user, '{ROLE}', 'SET') THEN
    EXECUTE format('GRANT {ROLE} TO %I', current_user);
  END IF;
EXCEPTION
  WHEN duplicate_object OR unique_violation THEN NULL;  -- another database of this server is being made just now
  WHEN insufficient_privilege THEN NULL;  -- the operator makes it; `doctor` says how
END $$
"""
_HAS_ROLE = """
SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s AND NOT rolsuper AND NOT rolbypassrls
  AND pg_has_role(session_user, oid, 'SET'))
"""
_GRANT = f"""
GRANT USAGE ON SCHEMA {{schema}} TO {ROLE};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {{schema}} TO {ROLE};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {{schema}} TO {ROLE};
ALTER DEFAULT PRIVILEGES IN SCHEMA {{schema}} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {ROLE};
ALTER DEFAULT PRIVILEGES IN SCHEMA {{schema}} GRANT USAGE, SELECT ON SEQUENCES TO {ROLE};
"""
_WALL = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS wall ON {table};
CREATE POLICY wall ON {table} FOR SELECT USING ({rule});
"""
_STANDING = """
SELECT c.relname, obj_description(p.oid, 'pg_policy')
FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid AND p.polname = 'wall' AND c.relrowsecurity
WHERE c.relname = ANY(%s) AND c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace
"""


def tables() -> dict[str, str]:
    """The rule of each walled table, by the table's name."""
    return {apps.get_model(label)._meta.db_table: rule for label, rule in WALLED.items()}


def has_role(cursor: Any) -> bool:
    """Whether the login may act as the viewers' role, and the role is bound by policies."""
    cursor.execute(_HAS_ROLE, [ROLE])
    return bool(cursor.fetchone()[0])


def missing(cursor: Any) -> list[str]:
    """The tables there are whose policy is not the one wanted here."""
    wanted = tables()
    cursor.execute(_STANDING, [list(wanted)])
    return sorted(table for table, comment in cursor.fetchall() if comment != wanted[table])


def build(using: str = DEFAULT_DB_ALIAS) -> bool:
    """Puts role, grants and policies into the database, all or nothing; False where the role cannot be made.

    Done after every `migrate`, and by `prepare`. Tables that stand as wanted are not touched, so nothing waits for
    a lock.
    """
    connection = connections[using]
    with transaction.atomic(using=using), connection.cursor() as cursor:
        cursor.execute(_MAKE_ROLE)
        if not has_role(cursor):
            return False
        cursor.execute("SELECT quote_ident(current_schema())")
        cursor.execute(_GRANT.format(schema=cursor.fetchone()[0]))
        rules = tables()
        for table in connection.introspection.table_names(cursor):
            if table in rules:
                cursor.execute(
                    f"REVOKE INSERT, UPDATE, DELETE ON {connection.ops.quote_name(table)} FROM {ROLE}"
                )
        for table in missing(cursor):
            cursor.execute(_WALL.format(table=connection.ops.quote_name(table), rule=rules[table]))
            cursor.execute(
                f"COMMENT ON POLICY wall ON {connection.ops.quote_name(table)} IS %s", [rules[table]]
            )
    return True
