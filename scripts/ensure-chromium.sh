#!/usr/bin/env bash
# Succeeds when a Chromium for the browser tests is at hand; on Debian as root it installs one.
set -euo pipefail
for candidate in "${CONCLAVE_CHROMIUM:-}" /usr/bin/chromium /usr/bin/chromium-browser /usr/bin/google-chrome; do
  [ -n "$candidate" ] && [ -x "$candidate" ] && exit 0
done
command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || exit 1
echo 'installing Chromium for the browser tests' >&2
export DEBIAN_FRONTEND=noninteractive
{ apt-get update -qq && apt-get install -y -qq chromium; } >&2
[ -x /usr/bin/chromium ]
