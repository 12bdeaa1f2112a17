#!/bin/sh
# npm test: installs what it needs, then runs every check and test.
set -eu
cd "$(dirname "$0")/.."
. scripts/prepare.sh
exec node_modules/.bin/tsx scripts/test.ts "$@"
