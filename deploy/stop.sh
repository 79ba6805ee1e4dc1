#!/usr/bin/env bash
# Stops what deploy/start.sh started, in order. Data stays in its volumes.
#   deploy/stop.sh [--drop-volumes]     also removes the volumes: every message, account and attachment is gone
# deploy/secrets and deploy/.env stay in both cases.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
case "${1:-}" in
  '') exec docker compose --profile '*' down ;;
  --drop-volumes) exec docker compose --profile '*' down --volumes ;;
  *) echo "stop.sh: not understood: $1" >&2; exit 2 ;;
esac
