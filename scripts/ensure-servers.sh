#!/usr/bin/env bash
# The real servers that tests, `conclave cluster` and measurements use:
#
#   PostgreSQL, Redis, HAProxy (nginx, Caddy: for samples of
#   their configuration; faketime: skewed clocks; Prometheus:
#   its configuration, alerts and dashboards)                    Debian packages, as root
#   nats-server, Centrifugo, minio (kubectl-validate: the
#   manifests against the schemas of Kubernetes)                 `go install`, versions pinned below
#
# Installs what is missing in CI or with --install; elsewhere it only says what is missing, one line each, on standard
# output. Succeeds when nothing is missing. Fast when everything is there: it looks for programs and asks no registry.
set -uo pipefail

# `conclave` needs NATS 2.10 or newer; Debian 12 has 2.9.
nats_server=github.com/nats-io/nats-server/v2@v2.15.2
centrifugo=github.com/centrifugal/centrifugo/v6@v6.9.6
minio=github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c
kubectl_validate=sigs.k8s.io/kubectl-validate@v0.0.4

install=${CI:-}
[ "${1:-}" = --install ] && install=yes

PATH="${GOBIN:-${GOPATH:-$HOME/go}/bin}:$PATH:/usr/local/go/bin:/usr/sbin"
for folder in /usr/lib/postgresql/*/bin; do PATH="$PATH:$folder"; done

say() { echo "conclave: $*" >&2; }
has() {
  command -v "$1" >/dev/null || return 1
  [ "$1" != nats-server ] || is_recent "$(nats-server --version)"
}
is_recent() { [[ $1 =~ v([0-9]+)\.([0-9]+) ]] && ((BASH_REMATCH[1] > 2 || BASH_REMATCH[2] >= 10)); }

# What is missing, as "program how what" lines.
missing() {
  while read -r program how what; do
    [ -z "$program" ] || has "$program" || echo "$program $how $what"
  done <<TABLE
initdb apt postgresql
redis-server apt redis-server
haproxy apt haproxy
nginx apt nginx-light
caddy apt caddy
faketime apt faketime
promtool apt prometheus
nats-server go $nats_server
centrifugo go $centrifugo
minio go $minio
kubectl-validate go $kubectl_validate
TABLE
}

# Registries have bad minutes.
try_thrice() {
  local try
  for try in 1 2 3; do
    "$@" && return
    [ "$try" = 3 ] || sleep $((try * 5))
  done
  return 1
}

# Nothing that a package brings is to run by itself: the tests start servers of their own. Both ways in which Debian starts a
# service (`invoke-rc.d`, `deb-systemd-invoke`) ask policy-rc.d first; a machine that has one keeps it.
policy=/usr/sbin/policy-rc.d
without_services() {
  if [ -e "$policy" ]; then
    "$@"
    return
  fi
  local status=0
  printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 0755 "$policy"
  "$@" || status=$?
  rm -f "$policy"
  return "$status"
}

install_packages() {
  if ! has apt-get || [ "$(id -u)" != 0 ]; then
    say "cannot install $* (that needs Debian and root)"
    return 1
  fi
  say "installing Debian packages: $*"
  export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
  { try_thrice apt-get update -qq && try_thrice without_services apt-get install -y -qq --no-install-recommends "$@"; } >&2
}

# In a module that requires it, and not `go install MODULE@VERSION`: that asks for the list of all versions too, which not
# every proxy has for every module. Checksums are verified in both cases.
# shellcheck disable=SC2317 # called through try_thrice
build_go_program() (
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  cd "$folder" || exit 1
  printf 'module servers\n\nrequire %s %s\n' "${1%@*}" "${1#*@}" >go.mod
  go install -mod=mod -p 2 "${1%@*}"
)

install_go_programs() {
  if ! has go; then
    say "cannot build $* (that needs Go 1.25 or newer: https://go.dev)"
    return 1
  fi
  local module failed=0
  for module in "$@"; do
    say "building $module"
    try_thrice build_go_program "$module" >&2 || failed=1
  done
  return "$failed"
}

if [ -n "$install" ] && [ -n "$(missing)" ]; then
  mapfile -t packages < <(missing | awk '$2 == "apt" { print $3 }')
  mapfile -t modules < <(missing | awk '$2 == "go" { print $3 }')
  building=
  if [ "${#modules[@]}" -gt 0 ]; then install_go_programs "${modules[@]}" & building=$!; fi
  [ "${#packages[@]}" -eq 0 ] || install_packages "${packages[@]}"
  [ -z "$building" ] || wait "$building"
fi

left=$(missing)
[ -z "$left" ] && exit 0
while read -r program how what; do echo "$program ($how: $what)"; done <<<"$left"
exit 1
