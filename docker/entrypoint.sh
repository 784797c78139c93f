#!/bin/sh
# The one entry point of the image: web, worker, beat, prepare, or any command of manage.py.
set -eu
cd /app

# Without a SECRET_KEY one is made at the first boot and kept in the data volume, which all containers share.
if [ -z "${SECRET_KEY:-}" ] && [ -z "${SECRET_KEY_FILE:-}" ]; then
  SECRET_KEY_FILE="$SALESOPS_VAR/secret-key"
  export SECRET_KEY_FILE
  if [ ! -s "$SECRET_KEY_FILE" ]; then
    umask 077
    python -c 'import secrets; print(secrets.token_urlsafe(64))' > "$SECRET_KEY_FILE.$$"
    # the first of several containers wins; a hard link fails when the name is taken
    ln "$SECRET_KEY_FILE.$$" "$SECRET_KEY_FILE" 2>/dev/null || true
    rm -f "$SECRET_KEY_FILE.$$"
    umask 022
  fi
fi

role="${1:-web}"
[ $# -gt 0 ] && shift
case "$role" in
  web)
    ulimit -n "$(ulimit -H -n)" || true  # every open page is a connection, every connection a file
    exec granian --interface asginl --host 0.0.0.0 --port 8000 --no-ws --workers "${WEB_WORKERS:-2}" \
      --respawn-failed-workers --workers-kill-timeout 10 --backlog 1024 --backpressure 4096 --log-level warning \
      salesops.asgi:application
    ;;
  worker)
    exec celery -A salesops.celery worker -Q "${WORKER_QUEUES:-interactive,rollups,imports,analytics}" \
      -c "${WORKER_PROCESSES:-2}" --without-gossip --without-mingle -l INFO
    ;;
  beat) exec python manage.py beat ;;
  prepare) exec python manage.py prepare --no-static "$@" ;;
  *) exec python manage.py "$role" "$@" ;;
esac
