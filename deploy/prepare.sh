#!/bin/sh
# The first container of deploy/compose.yaml: as root, without network, once for each start. It hands every service the
# secrets that this one needs and no others, in a volume, readable by that service's user alone; then it ends.
#
#   /secrets (deploy/secrets of the host)  ─▶  /handed-out/conclave  uid 1000
#                                              /handed-out/postgres  uid 999      …
set -eu
umask 077
# Where the container has them; the tests have them elsewhere.
given=${SECRETS:-/secrets}
out=${HANDED_OUT:-/handed-out}
nats=${NATS_DATA:-/nats}
s3=${S3_DATA:-/s3}
app=${APP:-/app}
config=${CONFIG:-/etc/conclave/conclave.yaml}
conclave() { node --disable-warning=ExperimentalWarning "$app/apps/server/src/main.ts" "$@"; }

# The master keys of attachments. Made here since only the program knows their form; they belong to whoever owns the rest.
if [ ! -f "$given/master-keys.json" ]; then
  conclave admin blob-keys create --config="$config" --blobs.masterKeysFile="$given/master-keys.json"
  chown --reference="$given/secrets.json" "$given/master-keys.json"
fi

# UID FOLDER FILE…
hand_out() {
  uid=$1 folder="$out/$2"
  shift 2
  rm -rf "$folder"
  mkdir -p "$folder"
  for file; do install -m 0400 -o "$uid" -g "$uid" "$given/$file" "$folder/$file"; done
  chown "$uid:$uid" "$folder"
  chmod 0500 "$folder"
}
chmod 0711 "$out"
hand_out 1000 conclave secrets.json postgres-password nats-password redis-password s3-secret-access-key master-keys.json
hand_out 999 postgres postgres-superuser-password postgres-password
hand_out 1001 nats nats.conf
hand_out 1002 s3 s3-secret-access-key
hand_out 1003 redis redis.conf

# New volumes belong to root; their services do not run as root. A folder of the drive is a bucket.
mkdir -p "$s3/conclave"
chown 1001:1001 "$nats"
chown 1002:1002 "$s3" "$s3/conclave"

if [ "${CONCLAVE_GATEWAY_ENGINE:-embedded}" = centrifugo ]; then
  rm -rf "$out/centrifugo"
  mkdir -p "$out/centrifugo"
  conclave config centrifugo --config="$config" --admin \
    --address=0.0.0.0 --port=8000 --internal-address=0.0.0.0 --internal-port=9000 \
    --output="$out/centrifugo/config.json"
  chown -R 1004:1004 "$out/centrifugo"
  chmod 0500 "$out/centrifugo"
fi
