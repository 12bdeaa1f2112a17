'use strict';
// Writes down the machine code of the bundled command as it is after commands have run, so that what they need is in it.
// usage: keep-code.cjs FOLDER-OF-THE-BUNDLE COMMAND...      each COMMAND one word, its flags and all, separated by spaces
const { writeFileSync } = require('node:fs');
const { resolve } = require('node:path');
const { setFlagsFromString } = require('node:v8');

// Machine code that was not used for a while is thrown away otherwise.
setFlagsFromString('--no-flush-bytecode');
const [dir, ...commands] = process.argv.slice(2);
process.stdout.write = process.stderr.write = () => true;

let program;
function next() {
  const command = commands.shift() ?? '';
  process.exitCode = undefined;
  process.argv = [process.argv[0], 'landfall', ...command.split(' ')];
  if (program === undefined) program = require(resolve(dir, 'main.js'));
  else program.run();
}
process.on('beforeExit', () => commands.length > 0 && setImmediate(next));
process.on('exit', () => {
  setFlagsFromString('--flush-bytecode'); // It is kept with the code, and other flags refuse it.
  writeFileSync(resolve(dir, 'landfall.js.code'), program.script.createCachedData());
  process.exitCode = 0; // A command may well fail here: nobody is at the example's address.
});
next();
