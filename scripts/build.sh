#!/bin/sh
# npm run build: the library as modules under dist/, and the command bundled under dist/bin, so that it starts fast.
set -eu
cd "$(dirname "$0")/.."
node_modules/.bin/tsc -p tsconfig.build.json
rm -rf dist/bin.new
node_modules/.bin/esbuild src/cli/main.ts src/lab/depot/serve.ts --bundle --splitting --platform=node --target=node20 \
  --format=esm --entry-names=[name] --outdir=dist/bin.new --minify-syntax --log-level=warning \
  --banner:js="import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"
rm -rf dist/bin.old
if [ -e dist/bin ]; then mv dist/bin dist/bin.old; fi
mv dist/bin.new dist/bin
rm -rf dist/bin.old
