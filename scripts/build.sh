#!/bin/sh
# npm run build: the library as modules under dist/, and the command bundled under dist/bin, so that it starts fast.
set -eu
cd "$(dirname "$0")/.."
node_modules/.bin/tsc -p tsconfig.build.json
rm -rf dist/bin.new
bundle() {
  entry=$1
  file=$2
  shift 2
  node_modules/.bin/esbuild "$entry" --bundle --platform=node --target=node20 --format=cjs --outfile="dist/bin.new/$file" \
    --supported:dynamic-import=false --minify-syntax --minify-whitespace --log-level=warning \
    --define:import.meta.url=bundleUrl "$@"
}
# A function that main.js calls: V8 would copy the whole text to put one around it.
bundle src/cli/main.ts landfall.js --banner:js='(function (require, bundleUrl) {' --footer:js='})'
bundle src/lab/depot/serve.ts serve.js --banner:js="const bundleUrl = require('node:url').pathToFileURL(__filename).href;"
if LC_ALL=C grep -aq '[^[:print:][:cntrl:]]' dist/bin.new/landfall.js; then
  echo 'a regular expression or a template has a character outside of ASCII: write it as \u…, main.js reads Latin-1' >&2
  exit 1
fi
echo '{ "type": "commonjs" }' >dist/bin.new/package.json
cp scripts/start.cjs dist/bin.new/main.js
chmod 0755 dist/bin.new/main.js
in_example() { echo "-C scripts/example $1"; }
node scripts/keep-code.cjs dist/bin.new --help "$(in_example validate)" "$(in_example runbook)" "$(in_example plan)"
node dist/bin.new/main.js -C scripts/example --quiet validate
node dist/bin.new/main.js --version >/dev/null
rm -rf dist/bin.old
if [ -e dist/bin ]; then mv dist/bin dist/bin.old; fi
mv dist/bin.new dist/bin
rm -rf dist/bin.old
