#!/bin/sh
# npm run bench: ratios against plain ssh, a plain script and a bare node; with --create, the plain script alone; with --scale, a large cluster in the lab; with --join, a worker more.
set -eu
cd "$(dirname "$0")/.."
. scripts/prepare.sh
scripts/build.sh
case " $* " in
  *' --scale '*) exec node_modules/.bin/tsx bench/scale.ts ;;
  *' --join '*) exec node_modules/.bin/tsx bench/join.ts ;;
esac
exec node_modules/.bin/tsx bench/main.ts "$@"
