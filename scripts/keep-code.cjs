'use strict';
// Writes down the machine code of the bundled command as it is after a command has run, so that what commands need is in it.
const { writeFileSync } = require('node:fs');
const { resolve } = require('node:path');

const [dir, ...words] = process.argv.slice(2);
process.argv = [process.argv[0], 'landfall', ...words];
process.stdout.write = () => true;
const script = require(resolve(dir, 'main.js'));
process.on('exit', (status) => {
  if (status === 0) writeFileSync(resolve(dir, 'landfall.js.code'), script.createCachedData());
});
