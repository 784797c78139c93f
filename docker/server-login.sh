#!/bin/bash
# At the first boot of the database: the login of the servers. It reads and writes rows, but owns no table: what guards
# history, audit trail and rows (triggers, policies) is not its to change. Migrations give `salesops_server` its rights.
set -euo pipefail
psql -X -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$POSTGRES_DB" << 'SQL'
\set password `cat /secrets/server-password`
SELECT format('CREATE ROLE %I NOLOGIN NOINHERIT', wanted)
FROM unnest(ARRAY['salesops_server', 'salesops_viewer', 'salesops_overseer']) wanted
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) \gexec
CREATE ROLE salesops_login LOGIN BYPASSRLS PASSWORD :'password';
GRANT salesops_server, salesops_viewer, salesops_overseer TO salesops_login;
SQL
