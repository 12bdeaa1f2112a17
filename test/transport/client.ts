import { openSsh } from '../../src/ssh/open-ssh.ts';
import type { Target } from '../../src/ssh/target.ts';

// A process of its own that a test can kill: runs a script so many times at once, and never closes the host.
const [target, script, times] = JSON.parse(process.argv[2] ?? '[]') as [Target, string, number];
const host = openSsh(target);
await Promise.all(
  Array.from({ length: times }, () => host.run(script, { onData: (text) => process.stdout.write(text) })),
);
process.stdout.write('done\n', () => {
  if (process.argv[3] !== 'stay') process.exit(3);
});
