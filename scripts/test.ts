/**
 * The checks and tests, one after another, and one line at the end: "N passed, N failed".
 * `npm test` runs what a change is tried with: of the lab, one cluster on one host from its creation to its end, with everything of it
 * broken at once that apply makes right at once. In CI what has to be broken apart and the steps of the host are broken, too, creates are
 * cut short at any moment, and hosts join, die and are replaced.
 * `npm test -- unit` runs the stages whose names begin with the words given.
 * `npm run test:lab` runs the lab alone, all of it; `npm run test:lab -- undone` the files whose names hold one of the words.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { ensureTools, readMachine } from '../src/lab/machine.ts';

interface Tally {
  readonly passed: number;
  readonly failed: number;
  /** What is told of the failures again at the end. */
  readonly failures?: readonly string[];
}

interface Stage {
  readonly name: string;
  readonly what: string;
  /** Why this machine cannot do it; undefined when it can. */
  readonly hindrance?: () => string | undefined;
  /** It waits more than it works, or has one processor do it, so it runs beside the one before. */
  readonly isBeside?: true;
  readonly run: () => Promise<Tally>;
}

const inCi = process.env['CI'] === 'true';
/** What `npm run test:lab` was given: names of lab tests, or none for all; undefined for `npm test`. */
const labFiles = process.argv[2] === '--lab' ? process.argv.slice(3) : undefined;
const words = labFiles === undefined ? process.argv.slice(2) : ['build', 'depot', 'lab'];
const bin = (name: string): string => join('node_modules', '.bin', name);

function spawned(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...env },
    });
    child.on('error', reject);
    child.on('close', (status) => resolve(status ?? 1));
  });
}

/** A program whose exit status is the test. */
async function program(command: string, args: readonly string[]): Promise<Tally> {
  return (await spawned(command, args)) === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** The part of vitest's JSON report that is read here. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    /** Milliseconds since 1970. */
    readonly startTime: number;
    readonly endTime: number;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/** How much of a failure is told again at the end, in lines. */
const TOLD_AGAIN = 25;

/** The first failure of each file, as it is told again at the end: a long run's own account of it is far above by then. */
function firstFailures(report: Report): readonly string[] {
  return report.testResults.flatMap((file) => {
    const broken = file.assertionResults.filter(({ status }) => status === 'failed');
    const [first] = broken;
    const text = first === undefined ? file.message : (first.failureMessages[0] ?? '');
    if (text === '') return [];
    const more = broken.length > 1 ? `, and ${broken.length - 1} more` : '';
    const title = `${relative('.', file.name)}: ${first?.fullName ?? 'could not be run'}${more}`;
    const told = text.split('\n').filter((line) => !/^ +at .*node_modules/.test(line));
    return [[title, ...told.slice(0, TOLD_AGAIN)].join('\n  ')];
  });
}

/** Which files took longest, in seconds: where a run that has become too long is to be shortened. */
function longest(report: Report): string {
  const files = report.testResults.map(({ name, startTime, endTime }) => ({
    name: basename(name, '.test.ts'),
    seconds: Math.round((endTime - startTime) / 1000),
  }));
  return files
    .toSorted((a, b) => b.seconds - a.seconds)
    .slice(0, 12)
    .map(({ name, seconds }) => `${name} ${seconds}`)
    .join(', ');
}

/**
 * Vitest projects, counted test by test; a file that cannot even be loaded counts as one failure.
 * @param atOnce how many files run at the same time.
 * @param isThorough whether all is tried where one of each kind is tried else: every way to break a step, every moment to cut a move short.
 * @param files words of the names of those that are run; all when there are none.
 */
async function vitest(
  projects: readonly string[],
  atOnce: number,
  isThorough: boolean,
  files: readonly string[] = [],
): Promise<Tally> {
  const dir = mkdtempSync(join(tmpdir(), 'landfall-test-'));
  const file = join(dir, 'result.json');
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const chosen = projects.map((name) => `--project=${name}`);
    const status = await spawned(
      bin('vitest'),
      ['run', ...chosen, `--maxWorkers=${atOnce}`, ...reporters, ...files],
      isThorough ? { LANDFALL_TEST_THOROUGH: '1' } : {},
    );
    if (!existsSync(file)) return { passed: 0, failed: 1 };
    const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
    console.log(`── the longest, in seconds: ${longest(report)}`);
    const failed = status !== 0 && report.numFailedTests === 0 ? 1 : report.numFailedTests;
    return { passed: report.numPassedTests, failed, failures: firstFailures(report) };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** What keeps this machine from carrying a lab. */
function noLab(): string | undefined {
  if (process.platform !== 'linux') return 'the lab needs Linux';
  if (!readMachine().root) return 'the lab needs root: it makes network namespaces, mounts and hosts';
  if (spawnSync('apt-get', ['--version']).status !== 0)
    return 'the lab builds its hosts with apt, which is not here';
  return undefined;
}

/**
 * How many lab tests run at the same time, each with a lab of its own: clusters of one node wait more than they work while they come up.
 * More would starve each other on two processors, and what starves takes longer than what waits: controllers that lose their lease end,
 * and are started again and again.
 */
const AT_ONCE = { small: 3, large: 2 } as const;

const STAGES: readonly Stage[] = [
  { name: 'format', what: 'formatting', run: () => program(bin('biome'), ['format', '.']) },
  { name: 'types', what: 'types', run: () => program(bin('tsc'), ['-p', '.']) },
  {
    name: 'lint',
    what: 'lint, and who may import whom',
    isBeside: true,
    run: () => program(bin('oxlint'), ['--type-aware', '--import-plugin', '--deny-warnings']),
  },
  { name: 'unused', what: 'unused code and dependencies', run: () => program(bin('knip'), []) },
  {
    name: 'build',
    what: 'the build',
    isBeside: true,
    run: () => program('scripts/build.sh', []),
  },
  {
    name: 'unit',
    what: 'unit, property and golden tests',
    // Some of them wait for a while for what is to happen.
    run: () => vitest(['unit'], availableParallelism() + 1, inCi),
  },
  {
    name: 'transport',
    what: 'a real sshd',
    hindrance: () =>
      readMachine().root ? undefined : 'the transport tests start an sshd of their own, as root',
    // For somebody who does not answer, mostly: more at once than there are processors.
    isBeside: true,
    run: () => vitest(['transport'], 2 * availableParallelism(), inCi),
  },
  {
    name: 'depot',
    what: 'filling the depot (long the first time)',
    hindrance: noLab,
    run: () =>
      program(bin('tsx'), ['test/depot/fill.ts', ...(labFiles === undefined ? [] : ['--containerd'])]),
  },
  {
    name: 'lab',
    what: 'real hosts and real clusters',
    hindrance: noLab,
    run: () =>
      labFiles === undefined
        ? vitest(['lab', ...(inCi ? ['apart'] : [])], AT_ONCE.small, false)
        : vitest(['lab', 'apart', 'hosts', 'members', 'far'], AT_ONCE.large, true, labFiles),
  },
  ...(inCi && labFiles === undefined
    ? [
        {
          name: 'hosts',
          what: 'creates cut short, hosts that join',
          hindrance: noLab,
          run: () => vitest(['hosts'], AT_ONCE.large, false),
        },
        {
          name: 'members',
          what: 'three control planes that die and are replaced',
          hindrance: noLab,
          run: () => vitest(['members'], 1, false),
        },
      ]
    : []),
];

/** Programs some tests call, and the Debian package each comes in. */
const PROGRAMS = {
  dash: 'dash',
  shellcheck: 'shellcheck',
  sshd: 'openssh-server',
  gpg: 'gnupg',
  'dpkg-deb': 'dpkg',
  perl: 'perl',
} as const;

/** Installs with apt what the tests call and this machine lacks. A machine where that cannot be done says so in the tests themselves. */
function ensurePrograms(): void {
  const missing = Object.entries(PROGRAMS).filter(
    ([program]) => spawnSync('sh', ['-c', 'PATH=$PATH:/usr/sbin command -v "$0"', program]).status !== 0,
  );
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(([, name]) => name))];
  console.log(`Installing what tests call: ${packages.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  spawnSync('apt-get', ['-qq', 'update'], { stdio: 'inherit', env });
  spawnSync('apt-get', ['-qqy', 'install', '--no-install-recommends', ...packages], {
    stdio: 'inherit',
    env,
  });
}

async function main(): Promise<number> {
  const stages = STAGES.filter((s) => words.length === 0 || words.some((word) => s.name.startsWith(word)));
  const left: string[] = [];
  const failures: string[] = [];
  let passed = 0;
  let failed = 0;
  if (noLab() === undefined) {
    ensurePrograms();
    await ensureTools(true);
  }
  const carryOut = async (stage: Stage): Promise<void> => {
    const begun = Date.now();
    console.log(`\n── ${stages.indexOf(stage) + 1} of ${stages.length} · ${stage.name}: ${stage.what}`);
    const tally = await stage.run();
    passed += tally.passed;
    failed += tally.failed;
    failures.push(...(tally.failures ?? []));
    console.log(
      `── ${stage.name}: ${tally.passed} passed, ${tally.failed} failed, ${((Date.now() - begun) / 1000).toFixed(0)} s`,
    );
  };
  const able = stages.filter((stage) => {
    const why = stage.hindrance?.();
    if (why !== undefined) left.push(`${stage.name} (${stage.what}): ${why}`);
    return why === undefined;
  });
  for (const [i, stage] of able.entries()) {
    if (stage.isBeside === true && i > 0) continue;
    const [, next] = able.slice(i);
    await Promise.all([stage, ...(next?.isBeside === true ? [next] : [])].map(carryOut));
  }
  if (left.length > 0) {
    console.log(
      `\nNOT RUN on this machine${inCi ? ', and that is a failure in CI' : ''}:\n${left.map((l) => `  ${l}`).join('\n')}`,
    );
    if (inCi) failed += left.length;
  }
  if (labFiles === undefined && stages.some(({ name }) => name === 'lab'))
    console.log(
      `\nNot among these: ${inCi ? '' : 'steps of the host broken by hand, creates cut short at any moment, hosts that join, die and are replaced, all of which CI runs; '}other releases, more hosts, and more ways to break each step. npm run test:lab runs all of it.`,
    );
  if (failures.length > 0) console.log(`\nFirst failure of each file:\n\n${failures.join('\n\n')}`);
  console.log(`\n${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

process.exitCode = await main();
