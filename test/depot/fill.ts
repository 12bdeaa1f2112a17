import { parseArgs } from 'node:util';
import { fileTrouble } from '../../src/cli/file-trouble.ts';
import { Problem } from '../../src/model/problem.ts';
import { stopPrograms } from './exec.ts';
import { defaultVersions, fillDepot } from './filling.ts';
import { printer } from './printer.ts';
import { duration } from './progress.ts';

// Fills the depot: npx tsx test/depot/fill.ts [--kubernetes 1.36.3[,1.35.4]] [--containerd] [--verify] [--prune]

const usage = `Usage: npx tsx test/depot/fill.ts [--kubernetes VERSION[,VERSION]] [--containerd] [--verify] [--prune]

Builds Kubernetes and what belongs to it out of published Go modules and Debian packages, and lays the depot out in
$XDG_CACHE_HOME/landfall/depot/current. What is there already is not built again.

  --kubernetes   exact versions (default ${defaultVersions.join(',')})
  --containerd   containerd too, beside CRI-O
  --verify       compare everything that is there with its checksums first
  --prune        afterwards remove what no present version is made of, and older depots
`;

/** Gives the exit code. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      kubernetes: { type: 'string' },
      containerd: { type: 'boolean' },
      verify: { type: 'boolean' },
      prune: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    process.stdout.write(usage);
    return 0;
  }
  const started = performance.now();
  const show = printer(process.stdout);
  try {
    const versions = values.kubernetes?.split(',').map((version) => version.trim().replace(/^v/, ''));
    const { folder, index, made } = await fillDepot(
      {
        containerd: values.containerd ?? false,
        verify: values.verify ?? false,
        prune: values.prune ?? false,
        ...(versions === undefined ? {} : { kubernetes: versions }),
      },
      show.on,
    );
    show.end();
    const took = duration((performance.now() - started) / 1000);
    const debian = Object.entries(index.debian)
      .map(([suite, count]) => `${count} ${suite}`)
      .join(' and ');
    const inside = `Kubernetes ${index.kubernetes.join(', ')}; CRI-O ${index.crio.join(', ')}; ${Object.keys(index.images).length} images; ${debian} Debian packages`;
    process.stdout.write(`depot is complete: ${folder}\n  ${inside}\n`);
    if (made > 0) process.stdout.write(`  ${made} things made in ${took}\n`);
    return 0;
  } finally {
    show.end();
  }
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.on(signal, () => {
    stopPrograms();
    process.stdout.write('\nstopped; what was made is kept: run it again to go on\n');
    process.exit(code);
  });

try {
  process.exitCode = await main();
} catch (error) {
  const problem = error instanceof Problem ? error : fileTrouble(error);
  if (problem !== undefined) {
    const parts = [`error[${problem.code}]: ${problem.summary}`];
    if (problem.saw !== undefined) parts.push(...problem.saw.split('\n').map((line) => `  saw  ${line}`));
    if (problem.why !== undefined) parts.push(`  why  ${problem.why}`);
    if (problem.try !== undefined) parts.push(`  try  ${problem.try}`);
    process.stderr.write(`${parts.join('\n')}\n`);
    process.exitCode = problem.exit;
  } else if (
    error instanceof TypeError &&
    'code' in error &&
    String(error.code).startsWith('ERR_PARSE_ARGS')
  ) {
    process.stderr.write(`error: ${error.message}\n\n${usage}`);
    process.exitCode = 2;
  } else {
    console.error(error);
    process.exitCode = 70;
  }
}
