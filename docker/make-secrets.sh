#!/bin/bash
# Makes the passwords of database and broker at the first boot. /secrets is shared with the database and the product, /broker
# with the broker, /owner with what migrates: nobody else can read how to sign in as the owner of the tables.
set -euo pipefail
cd /secrets
password() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
if [ ! -s database-password ]; then
  password > database-password
  printf 'postgresql://salesops:%s@postgres:5432/salesops' "$(cat database-password)" > database-url
  password > server-password
  set -- two-logins
fi
# A project from before there were two logins keeps its one until it asks for the second: first its password, from which the
# database makes the login, then the address with it (docs/operations.md).
[ -s /owner/database-url ] || cp database-url /owner/database-url
case "${1:-}" in
  second-login) [ -s server-password ] || password > server-password ;;
  two-logins) printf 'postgresql://salesops_login:%s@postgres:5432/salesops' "$(cat server-password)" > database-url ;;
esac
if [ ! -s /broker/redis.conf ]; then
  secret=$(password)
  printf 'requirepass %s\n' "$secret" > /broker/redis.conf
  printf 'redis://:%s@redis:6379/0' "$secret" > redis-url
fi
chown postgres:postgres ./*-password
chown 999:999 /broker/redis.conf # the broker's user in its image
chown 10001:10001 ./*-url /owner/database-url # the product's user in its image
chmod 400 ./*-password ./*-url /broker/redis.conf /owner/database-url
