"""Which tables are walled, and by which rule; and putting the rules into the database.

Every model is in one of the two lists: a test fails for a model nobody decided about. Rules compare with an array
that PostgreSQL works out once per statement; any other form is slower by an order of magnitude.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections, transaction

VIEWER = "salesops_viewer"
"""The role of requests by who reads the deals of some people, or won ones only."""
OVERSEER = "salesops_overseer"
"""The role of requests by who reads every deal: what is walled by capability is walled for them as well."""
ROLES = (VIEWER, OVERSEER)
"""No logins, owners of nothing, bound by the policies."""
SERVER = "salesops_server"
"""What a login of the servers' own, not the tables' owner, may do: read and write rows, no more. The operator makes
such a login (docker/server-login.sh) or lets the owner serve, too."""

_PEOPLE = "(SELECT current_setting('salesops.people'))::bigint[]"
_WON = "(SELECT current_setting('salesops.won', true)) = 'on'"
_OPENED = "(SELECT current_setting('salesops.opened'))::bigint[]"
_PAST = "(SELECT current_setting('salesops.past', true)) = 'on'"
_MAY = "(SELECT current_setting('salesops.may'))::text[]"
EVERY_ROW = "true"
NO_ROW = "false"


@dataclass(frozen=True)
class Rule:
    """The rows of a table that each role reads, as SQL conditions."""

    viewer: str
    overseer: str = EVERY_ROW

    @staticmethod
    def may(*capabilities: str) -> Rule:
        """Every row for whoever has one of the capabilities, none for others, whichever deals they read."""
        condition = " OR ".join(f"'{name}' = ANY({_MAY})" for name in capabilities)
        return Rule(condition, condition)

    def of(self, role: str) -> str:
        """The condition for a role."""
        return self.overseer if role == OVERSEER else self.viewer


WALLED = {
    "opportunities.Opportunity": Rule(
        f"owner_id = ANY({_PEOPLE}) OR (status = 'WON' AND {_WON}) OR id = ANY({_OPENED}) OR {_PAST}"
    ),
    "opportunities.OpportunityVersion": Rule(
        # by category, which is WON exactly when the status is: that is in the index that reads the past
        f"owner_id = ANY({_PEOPLE}) OR (category = 'WON' AND {_WON}) OR opportunity_id = ANY({_OPENED})"
    ),
    "opportunities.OpportunityLine": Rule(f"opportunity_id = ANY({_OPENED})"),
    "opportunities.OpportunitySplit": Rule(f"opportunity_id = ANY({_OPENED})"),
    "opportunities.ImportRow": Rule(NO_ROW, NO_ROW),
    "opportunities.ImportProblem": Rule.may("VIEW_IMPORTS", "IMPORT_CRM"),
    "audit.AuditEvent": Rule.may("VIEW_AUDIT"),
    "territories.Quota": Rule(f"person_id = ANY({_PEOPLE}) OR {_WON}"),
    "pipeline.RollupNode": Rule(
        f"(tree IN (1, 2) AND node_id = ANY({_PEOPLE})) OR (category = 'WON' AND {_WON})"
    ),
    "pipeline.RollupQueue": Rule(f"owner_id = ANY({_PEOPLE}) OR (category = 'WON' AND {_WON})"),
    "pipeline.RollupLedger": Rule(f"owner_id = ANY({_PEOPLE}) OR (category = 'WON' AND {_WON})"),
    "pipeline.RollupCheckpointCell": Rule(
        f"(tree = 2 AND member_id = ANY({_PEOPLE})) OR (category = 'WON' AND {_WON})"
    ),
}
"""Model: which rows are read. The rules about people are twins of the application's `visible_to`."""

_BY_CAPABILITY = "read by capability, not by person; the permission matrix holds it"
_SHARED = "the same for everybody"
_PLUMBING = "no figure in it"

NOT_WALLED = {
    "pipeline.RollupCheckpoint": _PLUMBING,
    "pipeline.RollupState": _PLUMBING,
    "opportunities.ChangeSet": _PLUMBING,
    "opportunities.ImportEffect": "lists ask it only which deals an import touched; the rest is for services",
    "opportunities.ImportBatch": "when and from where was imported is said on every page with figures",
    "opportunities.ImportFile": "whoever sees a deal reads the line of the file it came from",
    **dict.fromkeys(
        (
            "opportunities.RememberedMapping", "organization.User", "organization.RoleGrant", "organization.Person",
            "organization.ReportingLine", "organization.PersonClosure", "organization.TerritoryMembership",
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

_MAKE_ROLE = """
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
    CREATE ROLE {role} NOLOGIN NOINHERIT;
  END IF;
  IF NOT pg_has_role(current_user, '{role}', 'SET') THEN
    EXECUTE format('GRANT {role} TO %I', current_user);
  END IF;
EXCEPTION
  WHEN duplicate_object OR unique_violation THEN NULL;  -- another database of this server is being made just now
  WHEN insufficient_privilege THEN NULL;  -- the operator makes it; `doctor` says how
END $$
"""
_ABSENT = """
SELECT wanted FROM unnest(%s) wanted WHERE NOT EXISTS (
  SELECT FROM pg_roles WHERE rolname = wanted AND NOT rolsuper AND NOT rolbypassrls
    AND pg_has_role(session_user, oid, 'SET'))
"""
_GRANT = """
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT {rights} ON ALL TABLES IN SCHEMA {schema} TO {role};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT {rights} ON TABLES TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE, SELECT ON SEQUENCES TO {role};
"""
_RIGHTS = "SELECT, INSERT, UPDATE, DELETE"
_KEEPS_STATISTICS = 170_000
"""The version of PostgreSQL since which somebody else than the owner may be let ANALYZE a table, as imports do."""
_WALL = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS {role} ON {table};
CREATE POLICY {role} ON {table} FOR SELECT TO {role} USING ({condition});
"""
_STANDING = """
SELECT c.relname, p.polname, obj_description(p.oid, 'pg_policy')
FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid AND c.relrowsecurity
WHERE c.relname = ANY(%s) AND c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace
"""


def tables() -> dict[str, Rule]:
    """The rule of each walled table, by the table's name."""
    return {apps.get_model(label)._meta.db_table: rule for label, rule in WALLED.items()}


def absent_roles(cursor: Any) -> list[str]:
    """The roles that the login may not act as, or that are not bound by policies."""
    cursor.execute(_ABSENT, [list(ROLES)])
    return [row[0] for row in cursor.fetchall()]


def missing(cursor: Any) -> list[str]:
    """The tables there are whose policies are not those wanted here."""
    wanted = {table: {role: rule.of(role) for role in ROLES} for table, rule in tables().items()}
    cursor.execute(_STANDING, [list(wanted)])
    standing: dict[str, dict[str, str]] = defaultdict(dict)
    for table, policy, comment in cursor.fetchall():
        standing[table] |= {policy: comment} if policy else {}
    return sorted(table for table, found in standing.items() if found != wanted[table])


def build(using: str = DEFAULT_DB_ALIAS) -> bool:
    """Puts roles, grants and policies into the database, all or nothing; False where the roles cannot be made.

    Done after every `migrate`, and by `prepare`. Tables that stand as wanted are not touched, so nothing waits for
    a lock.
    """
    connection = connections[using]
    quoted = connection.ops.quote_name
    with transaction.atomic(using=using), connection.cursor() as cursor:
        for role in (*ROLES, SERVER):
            cursor.execute(_MAKE_ROLE.format(role=role))
        if absent_roles(cursor):
            return False
        cursor.execute("SELECT quote_ident(current_schema())")
        schema, rules = cursor.fetchone()[0], tables()
        walled = [table for table in connection.introspection.table_names(cursor) if table in rules]
        _let_servers(cursor, schema)
        for role in ROLES:
            cursor.execute(_GRANT.format(schema=schema, role=role, rights=_RIGHTS))
            for table in walled:
                cursor.execute(f"REVOKE INSERT, UPDATE, DELETE ON {quoted(table)} FROM {role}")
        for table in missing(cursor):
            cursor.execute(
                f"DROP POLICY IF EXISTS wall ON {quoted(table)}"
            )  # its name before there were two roles
            for role in ROLES:
                condition = rules[table].of(role)
                cursor.execute(_WALL.format(table=quoted(table), role=role, condition=condition))
                cursor.execute(f"COMMENT ON POLICY {role} ON {quoted(table)} IS %s", [condition])
    return True


def _let_servers(cursor: Any, schema: str) -> None:
    """Reading and writing rows for the servers' own login, where its role could be made."""
    cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [SERVER])
    if cursor.fetchone() is None:
        return
    more = ", MAINTAIN" if cursor.connection.server_version >= _KEEPS_STATISTICS else ""
    cursor.execute(_GRANT.format(schema=schema, role=SERVER, rights=_RIGHTS + more))
