#!/usr/bin/env node
'use strict';
// Starts the bundled command with the machine code V8 has kept of it: half of a start is compiling. Another Node than the one it
// was built with refuses that code, and compiles.
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');
const { Script } = require('node:vm');

const filename = join(__dirname, 'landfall.js');
let cachedData;
try {
  cachedData = readFileSync(`${filename}.code`);
} catch {
  // A build that was not finished; it starts all the same.
}
// The build sees to it that the bundle is ASCII. Read as UTF-8, every byte of it would be looked at.
const script = new Script(readFileSync(filename, 'latin1'), { filename, cachedData });
const run = () => script.runInThisContext()(require, pathToFileURL(filename).href);
// When nothing is left to do, a process that ends by itself first takes its memory down piece by piece.
if (require.main === module) process.once('beforeExit', () => process.exit());
run();
module.exports = { script, run };
