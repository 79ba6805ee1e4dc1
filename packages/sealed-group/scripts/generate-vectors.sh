#!/usr/bin/env sh
# Rewrites everything in vectors/: only when the protocol is meant to change. Tests compare what is there with what the code
# computes, and read it a second time. Needs the right Node on the path: ./conclave exec sh packages/sealed-group/scripts/generate-vectors.sh
set -eu
cd "$(dirname "$0")/../../.."
for writer in \
  packages/sealed-group/test/sealing/generate-vectors.ts \
  packages/sealed-group/test/schedule/write-vectors.ts \
  packages/sealed-group/test/vectors/write-vectors.ts \
  packages/sealed-group/test/group/frame-vectors.ts \
  packages/sdk/test/write-attachment-vectors.ts; do
  node "$writer"
done
node_modules/.bin/oxfmt vectors
