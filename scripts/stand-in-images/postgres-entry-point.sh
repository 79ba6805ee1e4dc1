#!/usr/bin/env bash
# What the official image does before PostgreSQL starts, in its order, as far as deploy/ relies on it: an empty volume is initialised
# with the superuser's password, and the scripts run against a server that listens on its socket alone.
set -Eeuo pipefail
if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
  password=$(<"$POSTGRES_PASSWORD_FILE")
  chmod 0700 "$PGDATA"
  # shellcheck disable=SC2086 # several arguments in one variable, as in the official image
  initdb --username=postgres --pwfile=<(printf '%s\n' "$password") ${POSTGRES_INITDB_ARGS:-}
  printf '\nhost all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
  export PGPASSWORD=$password
  options=$(printf '%q ' "${@:2}" -c listen_addresses='')
  pg_ctl -D "$PGDATA" -o "$options" -w start
  for script in /docker-entrypoint-initdb.d/*.sh; do
    # Those that may not be run are read.
    # shellcheck disable=SC1090
    if [ -x "$script" ]; then "$script"; else . "$script"; fi
  done
  pg_ctl -D "$PGDATA" -m fast -w stop
  unset PGPASSWORD
fi
exec "$@"
