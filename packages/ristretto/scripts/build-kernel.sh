#!/bin/sh
# Compiles assembly/ to build/ristretto.wasm (git-ignored). The same sources and compiler give the same bytes.
# ASC may name another compiler than the one in node_modules.
set -eu
cd "$(dirname "$0")/.."
asc="${ASC:-}"
if [ -z "$asc" ]; then
  for folder in node_modules ../../node_modules; do
    if [ -f "$folder/assemblyscript/bin/asc.js" ]; then asc="$folder/assemblyscript/bin/asc.js"; fi
  done
fi
if [ -z "$asc" ]; then
  echo 'build-kernel: assemblyscript is not installed: npm ci' >&2
  exit 1
fi
mkdir -p build
# stub: no garbage collector. 4,096 pages (256 MiB) bound the memory: 65,536 points with their tables take a tenth of it.
node "$asc" assembly/index.ts --outFile build/ristretto.wasm.new \
  --optimizeLevel 3 --shrinkLevel 0 --converge --noAssert \
  --runtime stub --enable simd --initialMemory 16 --maximumMemory 4096 --use abort=
mv build/ristretto.wasm.new build/ristretto.wasm
