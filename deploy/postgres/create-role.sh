#!/bin/sh
# Runs once, when the database's volume is empty: a role without special rights, and its database.
# The password goes through standard input: arguments are visible to every process.
set -eu
{
  printf "\\\\set password '%s'\n" "$(cat /run/handed-out/postgres/postgres-password)"
  cat <<'SQL'
set log_min_error_statement = panic;
create role conclave login password :'password';
create database conclave owner conclave;
SQL
} | psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --username=postgres --dbname=postgres
