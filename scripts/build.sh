#!/bin/sh
# npm run build: the library as modules under dist/, and the command bundled under dist/bin, so that it starts fast.
set -eu
cd "$(dirname "$0")/.."
node_modules/.bin/tsc -p tsconfig.build.json
rm -rf dist/bin.new
bundle() {
  node_modules/.bin/esbuild "$1" --bundle --platform=node --target=node20 --format=cjs --outfile="dist/bin.new/$2" \
    --supported:dynamic-import=false --minify-syntax --minify-whitespace --log-level=warning \
    --define:import.meta.url=bundleUrl \
    --banner:js="const bundleUrl = require('node:url').pathToFileURL(__filename).href;"
}
bundle src/cli/main.ts landfall.js
bundle src/lab/depot/serve.ts serve.js
echo '{ "type": "commonjs" }' >dist/bin.new/package.json
cp scripts/start.cjs dist/bin.new/main.js
chmod 0755 dist/bin.new/main.js
example=$(mktemp -d)
trap 'rm -rf "$example"' EXIT
node dist/bin.new/main.js --quiet -C "$example" init --name example --address 192.0.2.1
node scripts/keep-code.cjs dist/bin.new -C "$example" validate
node dist/bin.new/main.js --version >/dev/null
rm -rf dist/bin.old
if [ -e dist/bin ]; then mv dist/bin dist/bin.old; fi
mv dist/bin.new dist/bin
rm -rf dist/bin.old
