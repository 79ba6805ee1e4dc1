#!/usr/bin/env bash
# Rewrites the generated sources and tables; with --check it fails when one is out of date and changes nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
sh packages/gateway/scripts/generate-protocol.sh "$@"
sh packages/sealed-group/scripts/generate-wire.sh "$@"
node packages/sealed-group/scripts/generate-rules.ts "$@"
node --disable-warning=ExperimentalWarning packages/server/scripts/generate-docs.ts "$@"
