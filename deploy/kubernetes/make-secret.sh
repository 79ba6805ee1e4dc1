#!/usr/bin/env bash
# Prints the Secret `conclave` for the other manifests, from a folder with one file for each secret:
#
#   deploy/start.sh --secrets-only                           # makes deploy/secrets
#   ./conclave admin blob-keys create --blobs.masterKeysFile=deploy/secrets/master-keys.json
#   deploy/kubernetes/make-secret.sh deploy/secrets | kubectl apply --server-side -f -
#
# What it prints is secret. Give the engines the same passwords.
set -euo pipefail
folder=${1:?FOLDER is missing}
files=(secrets.json postgres-password nats-password redis-password s3-secret-access-key master-keys.json)
for file in "${files[@]}"; do
  [ -s "$folder/$file" ] || { echo "make-secret.sh: $folder/$file is missing" >&2; exit 1; }
done
cat <<'HEAD'
apiVersion: v1
kind: Secret
metadata:
  name: conclave
  labels: { app.kubernetes.io/name: conclave }
type: Opaque
data:
HEAD
for file in "${files[@]}"; do echo "  $file: $(base64 <"$folder/$file" | tr -d '\n')"; done
