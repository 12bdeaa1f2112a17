#!/bin/sh
# npm run gameday -- --minutes N --seed S: random faults on a real cluster in the lab.
set -eu
cd "$(dirname "$0")/.."
. scripts/prepare.sh
scripts/build.sh
exec node_modules/.bin/tsx test/gameday/main.ts "$@"
