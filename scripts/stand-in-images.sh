#!/usr/bin/env bash
# Builds images under the names that deploy/compose.yaml and deploy/Dockerfile pin, for machines with a container engine that
# reach no registry of images: so deploy/ can be run there as it is (./conclave test --stage containers).
#
#   Debian's packages ─┬─▶ PostgreSQL, Redis, HAProxy, wget, curl ─┬─▶ postgres:…, redis:…, haproxy:…
#                      │   nats-server, Centrifugo, minio of PATH ─┴─▶ nats:…, minio:…, centrifugo:…
#                      └─▶ Node of the launcher, npm ────────────────▶ node:…
#
# They have the users, entry points and tools of the official images as far as deploy/ relies on them, not their versions: PostgreSQL,
# Redis and HAProxy are Debian's. An image that is there and is not one of these is left alone. Needs root and mmdebstrap.
#   bash scripts/stand-in-images.sh
set -euo pipefail
cd "$(dirname "$0")/.."
label=conclave.stand-in
PATH="${GOBIN:-${GOPATH:-$HOME/go}/bin}:$PATH"

# The name with its tag, as it is pinned.
pinned() { grep -hoE "$1:[A-Za-z0-9._-]+" deploy/compose.yaml deploy/Dockerfile | head -n 1; }

is_there() { docker image inspect "$1" >/dev/null 2>&1; }
is_stand_in() { [ "$(docker image inspect --format "{{index .Config.Labels \"$label\"}}" "$1")" = yes ]; }

declare -A images=()
for name in node postgres redis haproxy nats minio/minio centrifugo/centrifugo; do
  image=$(pinned "$name")
  if is_there "$image" && ! is_stand_in "$image"; then
    echo "$image is there"
  else
    images[$name]=$image
  fi
done
[ "${#images[@]}" -gt 0 ] || exit 0

for program in docker mmdebstrap nats-server centrifugo minio npm; do
  command -v "$program" >/dev/null || { echo "stand-in-images.sh: $program is missing" >&2; exit 1; }
done

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp scripts/stand-in-images/* "$folder/"
node=$(bash ./conclave exec sh -c 'command -v node')
cp "$node" "$(command -v nats-server)" "$(command -v centrifugo)" "$(command -v minio)" "$folder/"
cp -RL "$(npm root --global)/npm" "$folder/npm"
# Builds ask the registry of packages as this machine does, also where a proxy has an authority of its own.
cp /etc/ssl/certs/ca-certificates.crt "$folder/"

bootstrap() {
  mmdebstrap --quiet --variant=minbase --aptopt='APT::Install-Recommends "false"' --include="$2" bookworm - |
    docker import - "$1" >/dev/null
}
echo 'a system of Debian packages (a minute or two)'
bootstrap conclave-stand-in-base:latest ca-certificates,curl,haproxy,postgresql-15,redis-server,wget

for name in "${!images[@]}"; do
  DOCKER_BUILDKIT=0 docker build --quiet --label "$label=yes" --target "${name##*/}" --tag "${images[$name]}" "$folder" >/dev/null
  echo "${images[$name]} is a stand-in"
done
