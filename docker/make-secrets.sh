#!/bin/bash
# Makes the database password at the first boot. The volume is shared with postgres and the product only.
set -euo pipefail
cd /secrets
if [ ! -s database-password ]; then
  password=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
  printf '%s' "$password" > database-password
  printf 'postgresql://salesops:%s@postgres:5432/salesops' "$password" > database-url
fi
chown postgres:postgres database-password
chown 10001:10001 database-url # the product's user in its image
chmod 400 database-password database-url
