#!/bin/sh
# npm run build: the library as modules under dist/, and the command bundled under dist/bin, so that it starts fast.
set -eu
cd "$(dirname "$0")/.."
node_modules/.bin/tsc -p tsconfig.build.json
rm -rf dist/bin.new
node_modules/.bin/esbuild src/cli/main.ts src/lab/depot/serve.ts --bundle --splitting --platform=node --target=node20 \
  --format=esm --entry-names=[name] --outdir=dist/bin.new --minify-syntax --log-level=warning \
  --banner:js="import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);"
# esbuild does not look at what the banner adds: every file is parsed once more before it takes its place.
node --no-warnings --experimental-vm-modules -e '
  for (const file of process.argv.slice(1))
    new (require("node:vm").SourceTextModule)(require("node:fs").readFileSync(file, "utf8").replace(/^#!.*/, ""), { identifier: file })
' dist/bin.new/*.js
rm -rf dist/bin.old
if [ -e dist/bin ]; then mv dist/bin dist/bin.old; fi
mv dist/bin.new dist/bin
rm -rf dist/bin.old
