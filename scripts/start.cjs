#!/usr/bin/env node
'use strict';
// Starts the bundled command with the machine code V8 has kept of it: half of a start is compiling. Another Node than the one it
// was built with refuses that code, and compiles.
const { readFileSync } = require('node:fs');
const { wrap } = require('node:module');
const { join } = require('node:path');
const { Script } = require('node:vm');

const filename = join(__dirname, 'landfall.js');
let cachedData;
try {
  cachedData = readFileSync(`${filename}.code`);
} catch {
  // A build that was not finished; it starts all the same.
}
const script = new Script(wrap(readFileSync(filename, 'utf8')), { filename, cachedData });
script.runInThisContext()(exports, require, module, filename, __dirname);
module.exports = script;
