#!/bin/sh
# npm run demo: from nothing to a cluster on a lab host.
set -eu
cd "$(dirname "$0")/.."
. scripts/prepare.sh
exec node_modules/.bin/tsx scripts/demo.ts "$@"
