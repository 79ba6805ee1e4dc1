#!/usr/bin/env bash
# Starts the whole installation of deploy/compose.yaml and waits until it is healthy.
#
#   deploy/start.sh [--server-name NAME] [--public-url URL] [--gateway embedded|centrifugo] [--gateway-url URL]
#                   [--publish ADDRESS] [--secrets-only]
#
# At the first start it makes deploy/secrets (one file for each secret, 0600) and deploy/.env (settings, no secrets).
# Later starts use both as they are; flags given then change .env. --secrets-only makes both and starts nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
umask 077

fail() { echo "start.sh: $1" >&2; exit 1; }

declare -A setting=()
secrets_only=
while [ $# -gt 0 ]; do
  case "$1" in
    --server-name) setting[CONCLAVE_SERVER_NAME]=${2:?--server-name needs a name}; shift ;;
    --public-url) setting[CONCLAVE_PUBLIC_URL]=${2:?--public-url needs a URL}; shift ;;
    --gateway-url) setting[CONCLAVE_GATEWAY_PUBLIC_URL]=${2:?--gateway-url needs a URL}; shift ;;
    --publish) setting[PUBLISH]=${2:?--publish needs an address}; shift ;;
    --gateway)
      case "${2:-}" in
        embedded)
          setting[CONCLAVE_GATEWAY_ENGINE]=embedded
          setting[CONCLAVE_GATEWAY_PUBLIC_URL]=null
          setting[COMPOSE_PROFILES]=""
          ;;
        centrifugo)
          setting[CONCLAVE_GATEWAY_ENGINE]=centrifugo
          setting[CONCLAVE_GATEWAY_PUBLIC_URL]=${setting[CONCLAVE_GATEWAY_PUBLIC_URL]:-http://localhost:8000}
          setting[COMPOSE_PROFILES]=centrifugo
          ;;
        *) fail '--gateway is embedded or centrifugo' ;;
      esac
      shift
      ;;
    --secrets-only) secrets_only=yes ;;
    *) fail "not understood: $1" ;;
  esac
  shift
done

# --- settings ---------------------------------------------------------------------------------------------------------

# Keeps what .env says, but for what was given now.
write_settings() {
  local name line
  declare -A all=(
    [CONCLAVE_SERVER_NAME]=localhost [CONCLAVE_PUBLIC_URL]=http://localhost:8080
    [CONCLAVE_GATEWAY_ENGINE]=embedded [CONCLAVE_GATEWAY_PUBLIC_URL]=null [COMPOSE_PROFILES]=""
  )
  if [ -f .env ]; then
    while IFS= read -r line; do
      case "$line" in '' | '#'*) ;; *=*) all[${line%%=*}]=${line#*=} ;; esac
    done <.env
  fi
  # It is part of every user id: it cannot change any more.
  if [ -f .env ] && [ -n "${setting[CONCLAVE_SERVER_NAME]:-}" ] &&
    [ "${setting[CONCLAVE_SERVER_NAME]}" != "${all[CONCLAVE_SERVER_NAME]}" ]; then
    fail "the server name is ${all[CONCLAVE_SERVER_NAME]} and cannot change"
  fi
  for name in "${!setting[@]}"; do all[$name]=${setting[$name]}; done
  {
    echo '# Settings of deploy/compose.yaml, written by start.sh. No secrets: those are in secrets/.'
    for name in "${!all[@]}"; do echo "$name=${all[$name]}"; done | sort
  } >.env.new
  mv .env.new .env
}

# --- secrets ----------------------------------------------------------------------------------------------------------

random() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; }

# A secret is made once. Written beside its place and moved: it is whole or absent. What is piped into it is read in any
# case: with pipefail a writer without a reader would be an error.
keep() {
  if [ -f "secrets/$1" ]; then
    cat >/dev/null
    return
  fi
  cat >"secrets/$1.new"
  mv "secrets/$1.new" "secrets/$1"
}

write_secrets() {
  mkdir -p secrets
  chmod 0700 secrets
  local name
  for name in postgres-superuser-password postgres-password nats-password redis-password s3-secret-access-key; do
    random | keep "$name"
  done
  printf '{"version":1,"rootKey":"%s"}\n' "$(random)" | keep secrets.json
  keep nats.conf <<CONF
listen: "0.0.0.0:4222"
http: "0.0.0.0:8222"
jetstream { store_dir: "/data", max_file_store: 8G }
authorization { user: "conclave", password: "$(cat secrets/nats-password)" }
CONF
  keep redis.conf <<CONF
bind 0.0.0.0
port 6379
requirepass $(cat secrets/redis-password)
save ""
appendonly no
maxmemory 256mb
maxmemory-policy volatile-ttl
CONF
  chmod 0600 secrets/*
}

write_settings
write_secrets
[ -z "$secrets_only" ] || { echo 'secrets/ and .env are there; nothing was started'; exit 0; }

# --- start ------------------------------------------------------------------------------------------------------------

docker compose version >/dev/null 2>&1 || fail 'docker with its plugin compose is needed (or try: ./conclave cluster up)'
docker compose build
docker compose up --detach --wait --wait-timeout 300 ||
  fail 'not everything is healthy: see docker compose ps and docker compose logs'

value() { sed -n "s/^$1=//p" .env; }
port() { local set; set=$(value "$1"); echo "http://localhost:${set:-$2}"; }
row() { printf '  %-21s  %-46s  %s\n' "$@"; }
public=$(value CONCLAVE_PUBLIC_URL)
real_time=$public
[ "$(value CONCLAVE_GATEWAY_ENGINE)" != centrifugo ] || real_time=$(value CONCLAVE_GATEWAY_PUBLIC_URL)
echo
row Service URL Purpose
row --------------------- ---------------------------------------------- -----------------------------------
row Conclave "$public" 'API for clients and browsers'
row 'Conclave health' "$(port CONCLAVE_PORT 8080)/ready" 'Through the load balancer; /health'
row 'Real time, WebSocket' "ws${real_time#http}/connection/websocket" 'Messages as they come'
row 'Real time, SSE' "$real_time/connection/uni_sse" 'Server-sent events, one way'
row 'NATS monitoring' "$(port NATS_MONITORING_PORT 8222)" 'JetStream and its consumers'
if [ "$(value CONCLAVE_GATEWAY_ENGINE)" = centrifugo ]; then
  admin=$(port CENTRIFUGO_ADMIN_PORT 9000)
  row 'Centrifugo admin' "$admin/admin" 'Password: deploy/README.md'
  row 'Centrifugo API' "$admin/api" 'HTTP API'
  row 'Centrifugo metrics' "$admin/metrics" 'For Prometheus; /health'
fi
echo '  Inside of the network only:'
for name in $(docker compose ps --format '{{.Name}}' conclave); do
  row "Process" "http://$name:8009/metrics" 'Metrics; /health and /ready'
done
row PostgreSQL postgres://conclave@postgres:5432/conclave 'secrets/postgres-password'
row 'NATS JetStream' nats://conclave@nats:4222 'secrets/nats-password'
row Redis redis://redis:6379 'secrets/redis-password'
row S3 http://s3:9000 'secrets/s3-secret-access-key'
cat <<'NEXT'

  Registration token for the first account:  docker compose -f deploy/compose.yaml logs conclave | grep 'first account'
  Stop:                                      deploy/stop.sh [--drop-volumes]
NEXT
