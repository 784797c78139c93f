#!/bin/sh
# What "healthy" means for each role; exit code 0 or 1.
set -eu
case "$1" in
  web) exec python -c 'import urllib.request as r; r.urlopen("http://127.0.0.1:8000/readyz", timeout=4)' ;;
  worker) exec python /app/manage.py probe worker ;;
  beat) exec python /app/manage.py probe beat ;;
esac
exit 1
