#!/bin/sh
# Compiles assembly/ to build/ristretto.wasm and, with relaxed SIMD, build/ristretto-fused.wasm (git-ignored). The same sources and
# compiler give the same bytes.
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
compile() {
  entry=$1 name=$2
  shift 2
  node "$asc" "assembly/$entry.ts" --outFile "build/$name.wasm.new" \
    --optimizeLevel 3 --shrinkLevel 0 --converge --noAssert \
    --runtime stub --enable simd "$@" --initialMemory 16 --maximumMemory 4096 --use abort=
  mv "build/$name.wasm.new" "build/$name.wasm"
}
compile fused ristretto-fused --enable relaxed-simd
compile index ristretto
