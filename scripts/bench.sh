#!/bin/sh
# npm run bench: ratios against plain ssh, a plain script and a bare node.
set -eu
cd "$(dirname "$0")/.."
. scripts/prepare.sh
node_modules/.bin/tsc -p tsconfig.build.json
exec node_modules/.bin/tsx bench/main.ts "$@"
