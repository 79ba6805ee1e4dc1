#!/usr/bin/env bash
# What a commit must pass and exactly what CI runs, in stages:
#   static   format, lint, types, generated files up to date
#   fast     units, contracts, scenarios over real sockets (under three minutes)
#   long     processes, SIGKILL under load, long random histories
#   fuzz     every decoder of untrusted octets, a fixed number of mutated inputs each (about a minute)
#   browser  the same code in Chromium
# `--fast` runs the stage fast alone, `--stage NAME` any one; further arguments go to vitest.
# Without Chromium its tests fail in CI and are listed as not run elsewhere.
set -euo pipefail
cd "$(dirname "$0")/.."
stages=(static fast long fuzz browser)
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
chromium=yes
bash scripts/ensure-chromium.sh || chromium=
if [ -z "$chromium" ]; then
  [ -z "${CI:-}" ] || { echo 'conclave test: Chromium is missing, and this is CI' >&2; exit 1; }
  not_run+=('tests in Chromium (install it, or set CONCLAVE_CHROMIUM to its path)')
fi

check_static() {
  echo '== format'; "$bin/oxfmt" --check .
  echo '== lint'; "$bin/oxlint" --type-aware --deny-warnings
  echo '== types'; "$bin/tsc" -p tsconfig.json
  echo '== generated files'; bash scripts/generate.sh --check
}

for stage in "${stages[@]}"; do
  case "$stage" in
    static) check_static ;;
    fast | long) echo "== $stage"; "$bin/vitest" run --project "$stage" "$@" ;;
    fuzz) echo '== fuzz'; node --disable-warning=ExperimentalWarning fuzz/src/main.ts ;;
    browser)
      [ -n "$chromium" ] || continue
      echo "== browser"; "$bin/vitest" run --project browser "$@" ;;
    *) echo "conclave test: no stage is called $stage (static, fast, long, fuzz, browser)" >&2; exit 2 ;;
  esac
done
for line in "${not_run[@]:-}"; do [ -z "$line" ] || echo "not run: $line"; done
