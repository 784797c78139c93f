#!/bin/bash
# Makes the passwords of database and broker at the first boot. /secrets is shared with them and the product, /owner with
# what migrates only: the servers cannot read how to sign in as the owner of the tables.
set -euo pipefail
cd /secrets
password() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
if [ ! -s database-password ]; then
  password > database-password
  printf 'postgresql://salesops:%s@postgres:5432/salesops' "$(cat database-password)" > database-url
  set -- two-logins
fi
# a project from before there were two logins keeps its one until it asks for the second (docs/operations.md)
[ -s /owner/database-url ] || cp database-url /owner/database-url
if [ "${1:-}" = two-logins ] && [ ! -s server-password ]; then
  password > server-password
  printf 'postgresql://salesops_login:%s@postgres:5432/salesops' "$(cat server-password)" > database-url
fi
if [ ! -s redis.conf ]; then
  secret=$(password)
  printf 'requirepass %s\n' "$secret" > redis.conf
  printf 'redis://:%s@redis:6379/0' "$secret" > redis-url
fi
chown postgres:postgres ./*-password
chown 999:999 redis.conf # the broker's user in its image
chown 10001:10001 ./*-url /owner/database-url # the product's user in its image
chmod 400 ./*-password ./*-url redis.conf /owner/database-url
