#!/bin/sh
# npm run bench: ratios against plain ssh, a plain script and a bare node.
set -eu
cd "$(dirname "$0")/.."
. scripts/prepare.sh
scripts/build.sh
exec node_modules/.bin/tsx bench/main.ts "$@"
