#!/bin/sh
# Puts what a running server needs into a folder: apps/server, the packages that it imports, their production
# dependencies, and the built kernel. Run in a checkout after `npm ci` and the build of the kernel.
#   sh deploy/assemble.sh TARGET
set -eu
target=${1:?TARGET is missing}
cd "$(dirname "$0")/.."
mkdir -p "$target"
cp package.json package-lock.json .npmrc "$target/"

# The workspaces that the server reaches: its own dependencies, theirs, and so on.
# shellcheck disable=SC2016 # the program is JavaScript
folders=$(node -e '
  const { readFileSync, readdirSync } = require("node:fs");
  const byName = new Map();
  for (const parent of ["packages", "apps"])
    for (const name of readdirSync(parent)) {
      try {
        const manifest = JSON.parse(readFileSync(`${parent}/${name}/package.json`, "utf8"));
        const named = JSON.stringify([manifest.exports, manifest.imports]).matchAll(/"\.\/([a-z]+)\//g);
        byName.set(manifest.name, {
          // The folders that its exports and imports name: sources, and what was built.
          folders: [...new Set(["src", ...[...named].map(([, folder]) => folder)])].map((folder) => `${parent}/${name}/${folder}`),
          dependencies: Object.keys(manifest.dependencies ?? {}),
        });
      } catch (error) {
        if (error.code !== "ENOENT" && error.code !== "ENOTDIR") throw error;
      }
    }
  const reached = new Set(["@conclave/server-app"]);
  for (const name of reached)
    for (const dependency of byName.get(name).dependencies) if (byName.has(dependency)) reached.add(dependency);
  console.log([...reached].flatMap((name) => byName.get(name).folders).join("\n"));
')
for folder in $folders; do
  package=$(dirname "$folder")
  mkdir -p "$target/$package"
  cp "$package/package.json" "$target/$package/"
  cp -R "$folder" "$target/$package/"
done
find "$target/packages" "$target/apps" -name '*.test.ts' -delete

# Only these workspaces exist there, so only their dependencies are installed.
(cd "$target" && npm ci --omit=dev --ignore-scripts --prefer-offline --no-audit --no-fund --loglevel=error)
mkdir -p "$target/deploy"
cp deploy/healthcheck.ts deploy/prepare.sh "$target/deploy/"
