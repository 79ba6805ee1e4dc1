#!/bin/sh
# Regenerates src/gen from proto/client.proto, offline. With --check, compares with what is committed instead and fails
# on any difference.
set -eu
cd "$(dirname "$0")/.."
bin=$(cd ../../node_modules/.bin && pwd)
out=src/gen
if [ "${1:-}" = "--check" ]; then
  out=$(mktemp -d)
  trap 'rm -rf "$out"' EXIT
fi
PATH="$bin:$PATH" buf generate proto --template "{\"version\":\"v2\",\"plugins\":[{\"local\":\"$bin/protoc-gen-es\",\"out\":\"$out\",\"opt\":[\"target=ts\",\"import_extension=ts\"]}]}"
if [ "${1:-}" = "--check" ]; then
  diff -r "$out" src/gen
fi
