#!/bin/sh
# Regenerates src/wire/gen from src/wire/sealed_group.proto, offline: the code generator is the locally installed
# protoc-gen-es. With --check, compares with what is committed instead and fails on any difference.
set -eu
cd "$(dirname "$0")/.."
bin=$(cd ../../node_modules/.bin && pwd)
out=src/wire/gen
if [ "${1:-}" = "--check" ]; then
  out=$(mktemp -d)
  trap 'rm -rf "$out"' EXIT
fi
PATH="$bin:$PATH" buf generate src/wire --template "{\"version\":\"v2\",\"plugins\":[{\"local\":\"$bin/protoc-gen-es\",\"out\":\"$out\",\"opt\":[\"target=js+dts\",\"import_extension=js\"]}]}"
if [ "${1:-}" = "--check" ]; then
  diff -r "$out" src/wire/gen
fi
