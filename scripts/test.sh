#!/usr/bin/env bash
# What a commit must pass and exactly what CI runs, in stages:
#   static   format, lint, types, generated files up to date
#   fast     units, contracts, scenarios over real sockets (under three minutes)
#   long     processes, SIGKILL under load, long random histories
#   servers  real PostgreSQL, NATS, Redis, S3, Centrifugo and HAProxy, alone and as a cluster
#   fuzz     every decoder of untrusted octets, a fixed number of mutated inputs each (about a minute)
#   browser  the same code in Chromium
# and, only when it is asked for, since not every machine has a container engine with images:
#   containers  deploy/ as it is handed out, in Docker (images: from a registry, or scripts/stand-in-images.sh)
# A stage that does not end within its time fails, after printing what still ran; the browser stage, which hangs with a
# browser that never came up, is given a second try then.
# `--fast` runs the stage fast alone, `--stage NAME` any one; further arguments go to vitest.
# Tests that miss Chromium, a server or root fail in CI and are listed as not run elsewhere.
set -euo pipefail
cd "$(dirname "$0")/.."
stages=(static fast long servers fuzz browser)
while [ $# -gt 0 ]; do
  case "$1" in
    --fast) stages=(fast) ;;
    --stage) stages=("${2:?--stage needs a name}"); shift ;;
    *) break ;;
  esac
  shift
done

bin=node_modules/.bin
not_run=()
has_stage() { case " ${stages[*]} " in *" $1 "*) ;; *) return 1 ;; esac; }

# What a stage needs is brought before the first one runs: an installation that fails is known at once.
chromium=yes
if has_stage browser && ! bash scripts/ensure-chromium.sh; then
  [ -z "${CI:-}" ] || { echo 'conclave test: Chromium is missing, and this is CI' >&2; exit 1; }
  chromium=
  not_run+=('tests in Chromium (install it, or set CONCLAVE_CHROMIUM to its path)')
fi
if has_stage servers && ! missing=$(bash scripts/ensure-servers.sh); then
  # In CI the tests that need it fail; those of the other servers still say what they have to say.
  while read -r line; do not_run+=("tests with $line"); done <<<"$missing"
fi
if has_stage servers && [ "$(id -u)" != 0 ]; then
  # In CI they fail, as those that miss a server do.
  not_run+=('tests of deploy/ that need root: who owns what is handed out, and what its user reads')
fi

has_stage containers || not_run+=('deploy/ in containers (./conclave test --stage containers, with Docker)')

check_static() {
  echo '== format'; "$bin/oxfmt" --check .
  echo '== lint'; "$bin/oxlint" --type-aware --deny-warnings
  echo '== types'; "$bin/tsc" -p tsconfig.json
  echo '== generated files'; bash scripts/generate.sh --check
}

# within MINUTES COMMAND…: its status, or 124 if it had to be ended.
within() {
  local minutes=$1 status=0 observer
  shift
  command -v timeout >/dev/null || { "$@"; return; }
  # A sleep that is ended, because the stage is over, says nothing.
  { sleep $((minutes * 60 - 5)) && echo "conclave test: not over after $minutes minutes; what runs:" && ps -eo pid,ppid,stat,etime,args --forest; } >&2 &
  observer=$!
  timeout --foreground --kill-after=30s "${minutes}m" "$@" || status=$?
  pkill -P "$observer" 2>/dev/null || true
  kill "$observer" 2>/dev/null || true
  wait "$observer" 2>/dev/null || true
  return "$status"
}

# run_tests PROJECT MINUTES [arguments of vitest]
run_tests() {
  local project=$1 minutes=$2
  shift 2
  within "$minutes" "$bin/vitest" run --project "$project" "$@"
}

in_browser() {
  local status=0
  run_tests browser 6 "$@" || status=$?
  case "$status" in
    124 | 137) echo 'conclave test: the browser did not come to an end; trying once more' >&2; run_tests browser 6 "$@" ;;
    *) return "$status" ;;
  esac
}

for stage in "${stages[@]}"; do
  case "$stage" in
    static) check_static ;;
    fast) echo '== fast'; run_tests fast 15 "$@" ;;
    long) echo '== long'; run_tests long 20 "$@" ;;
    servers) echo '== servers'; run_tests servers 35 "$@" ;;
    fuzz) echo '== fuzz'; within 15 node --disable-warning=ExperimentalWarning fuzz/src/main.ts ;;
    containers) echo '== containers'; run_tests containers 60 "$@" ;;
    browser)
      [ -n "$chromium" ] || continue
      echo '== browser'; in_browser "$@" ;;
    *) echo "conclave test: no stage is called $stage (static, fast, long, servers, fuzz, browser, containers)" >&2; exit 2 ;;
  esac
done
for line in "${not_run[@]:-}"; do [ -z "$line" ] || echo "not run: $line"; done
