import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { FAULTS } from '../lab/fault.ts';
import { folder, landfall } from '../../test/cli/fake.ts';
import { kept } from '../../test/report/golden.ts';
import { arranged } from './flags.ts';
import { allSteps, everyStep, type Listed } from './list.ts';
import { STEP_NAMES } from './step-names.ts';

const folders: (() => void)[] = [];
const place = (files?: Readonly<Record<string, string>>): string => {
  const { dir, remove } = folder(files);
  folders.push(remove);
  return dir;
};
afterEach(() => {
  for (const remove of folders.splice(0)) remove();
});

async function withCluster(): Promise<string> {
  const cwd = place();
  const made = await landfall(['init', '10.0.0.11', '--name', 'harbour', '--offline'], { cwd });
  expect([made.err(), made.code()]).toEqual(['', 0]);
  return cwd;
}

const COMMANDS = [
  [],
  ...'init validate plan apply status explain runbook kubeconfig reset recover completion complete'
    .split(' ')
    .map((c) => [c]),
  ['hosts', 'trust'],
  ...['list', 'show', 'report'].map((c) => ['runs', c]),
  ['lab'],
  ...['up', 'down', 'status', 'ssh', 'break', 'logs'].map((c) => ['lab', c]),
];

describe('help', () => {
  test('of every command is as it was read in review', async () => {
    const pages: string[] = [];
    for (const command of COMMANDS) {
      const { out, err, code } = await landfall([...command, '--help']);
      expect([err(), code()]).toEqual(['', 0]);
      pages.push(`$ landfall ${[...command, '--help'].join(' ')}\n${out()}`);
    }
    const text = pages.join('\n');
    expect(text).toBe(kept(new URL('./__golden__/help.txt', import.meta.url), text));
    expect(text.split('\n').filter((line) => line.length > 120)).toEqual([]);
  });

  test('of a command begins with two examples that name it', async () => {
    for (const command of COMMANDS.slice(1).filter((c) => c.join() !== 'lab')) {
      const { out } = await landfall([...command, '-h']);
      const lines = out().split('\n');
      for (const line of lines.slice(0, 2)) expect(line).toContain(`landfall ${command.join(' ')}`);
    }
  });

  test('is the same behind `help`, and for nothing at all', async () => {
    const [a, b, c, d] = await Promise.all(
      [['help', 'plan'], ['plan', '--help'], [], ['--help']].map((inputs) => landfall(inputs)),
    );
    expect(a?.out()).toBe(b?.out());
    expect(c?.out()).toBe(d?.out());
  });

  test('lab break without words lists every fault there is', async () => {
    const { out, code } = await landfall(['lab', 'break']);
    const lines = out().split('\n');
    for (const { is, does } of FAULTS)
      expect(lines.filter((l) => l.startsWith(is) && l.endsWith(does))).toHaveLength(1);
    expect(code()).toBe(0);
  });
});

describe('words that are not understood', () => {
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [['plam'], /there is no command "plam"[^]*did you mean plan\?/],
    [['plan', '--ful'], /there is no flag --ful; did you mean --full\?/],
    [['plan', '--only'], /--only needs a value/],
    [['plan', '--only='], /--only=/],
    [['plan', '-Z'], /there is no flag -Z/],
    [['plan', '--color', 'green'], /--color is one of auto, always, never, not "green"/],
    [['plan', '-f', 'a', '-f', 'b'], /--file was given twice/],
    [['runs', 'show', 'a', 'b'], /"b" is one word too many/],
    [['completion'], /SHELL is missing/],
    [['completion', 'tcsh'], /there is no completion for "tcsh"[^]*bash, zsh, fish/],
    [['lab', 'up', '--disk', '1e3'], /--disk must be a whole number above 0, not "1e3"/],
    [['lab', 'up', '--disk', '-5'], /--disk/],
    [['explain', 'kernl/ip-forward'], /did you mean kernel\/ip-forward\?/],
  ];
  for (const [inputs, said] of wrong) {
    test(`landfall ${inputs.join(' ')}`, async () => {
      const it = await landfall(inputs, { cwd: place() });
      expect(it.err()).toMatch(said);
      expect(it.err()).toMatch(/^error\[/);
      expect(it.err()).not.toMatch(/\n\s+at /);
      expect([it.out(), it.code()]).toEqual(['', 2]);
    });
  }
});

describe('flags before the command', () => {
  test('are put behind it', () => {
    expect(arranged(['-C', 'infra', 'plan', '--full'])).toEqual(['plan', '--full', '-C', 'infra']);
    expect(arranged(['--no-color', '--file=x', 'plan'])).toEqual(['plan', '--color=never', '--file=x']);
    expect(arranged(['-q', 'lab', 'ssh', 'cp-0', '--', 'ls', '-C', '--no-color'])).toEqual([
      'lab',
      'ssh',
      'cp-0',
      '-q',
      '--',
      'ls',
      '-C',
      '--no-color',
    ]);
    expect(arranged(['help', 'lab', 'up'])).toEqual(['lab', 'up', '--help']);
  });

  test('mean the same on both sides', async () => {
    const dir = await withCluster();
    const [a, b] = await Promise.all([
      landfall(['-C', dir, '--json', 'validate']),
      landfall(['validate', '--json', '-C', dir]),
    ]);
    expect(a?.out()).toBe(b?.out());
    expect(JSON.parse(a?.out() ?? '')).toEqual({ format: '1.0', exit: 0, problems: [] });
  });
});

describe('init and validate', () => {
  test('a file that is written validates, and is not written twice', async () => {
    const cwd = await withCluster();
    const checked = await landfall(['validate'], { cwd });
    expect(checked.out()).toContain('is right: harbour, 1 control plane, Kubernetes 1.36');
    const again = await landfall(['init', '10.0.0.12'], { cwd, typed: ['', '', '', ''] });
    expect([again.code(), again.out()]).toEqual([2, '']);
    expect(again.err()).toContain('is there already');
    expect(readFileSync(join(cwd, 'cluster.yaml'), 'utf8')).toContain('10.0.0.11');
    const forced = await landfall(['init', '--address', '10.0.0.12', '--force', '--offline'], { cwd });
    expect(forced.code()).toBe(0);
    expect(readFileSync(join(cwd, 'cluster.yaml'), 'utf8')).toContain('10.0.0.12');
  });

  test('all problems at once, as text and for programs', async () => {
    const cwd = place({
      'cluster.yaml':
        'apiVersion: landfall/v1\nkind: Cluster\nname: Harbour!\nkubernetes: 1.36\nnodes:\n  - { name: cp-0, role: boss, address: 10.0.0.11 }\n',
    });
    const it = await landfall(['validate'], { cwd });
    expect(it.code()).toBe(2);
    expect(it.err().match(/^error\[/gm)?.length).toBeGreaterThan(1);
    expect(it.err().trimEnd().split('\n').at(-1)).toMatch(/^\d+ problems in .*cluster\.yaml\.$/);
    const json = await landfall(['validate', '--json'], { cwd });
    expect(JSON.parse(json.out()).problems.length).toBeGreaterThan(1);
  });

  test('a file that is not there says what to do', async () => {
    for (const command of ['plan', 'apply', 'status', 'kubeconfig', 'reset', 'runbook', 'validate']) {
      const it = await landfall([command], { cwd: place() });
      expect([it.code(), it.out()]).toEqual([2, '']);
      expect(it.err()).toContain('landfall init');
    }
  });
});

describe('explain and runbook', () => {
  test('every step can be explained, whatever the cluster', async () => {
    for (const { step } of everyStep()) {
      const it = await landfall(['explain', step.id], { cwd: '/nowhere' });
      expect([it.err(), it.code()]).toEqual(['', 0]);
      expect(it.out()).toContain(step.title);
    }
  }, 180_000);

  test('so can a diagnosis that only a step of another choice knows', async () => {
    const known = (list: readonly Listed[]): readonly string[] =>
      list.flatMap(({ step }) => (step.clues ?? []).flatMap((clue) => clue.diagnosis ?? []));
    const usual = new Set(known(allSteps()));
    const others = new Set(known(everyStep()).filter((id) => !usual.has(id)));
    expect([...others]).toEqual(expect.arrayContaining(['H02', 'H46']));
    for (const id of others) {
      const it = await landfall(['explain', id], { cwd: '/nowhere' });
      expect([it.err(), it.code()]).toEqual(['', 0]);
      expect(it.out()).toContain(id);
    }
  });

  test('what many steps may meet can be asked for by name, and each explanation names it', async () => {
    const it = await landfall(['explain', 'trouble/disk'], { cwd: '/nowhere' });
    expect([it.err(), it.code()]).toEqual(['', 0]);
    expect(it.out()).toMatch(/^A file cannot be written\n\n"No space left on device"/);
    const step = await landfall(['explain', 'kernel/ip-forward'], { cwd: '/nowhere' });
    expect(step.out()).toContain('landfall explain trouble/disk');
    const none = await landfall(['explain', 'trouble/none'], { cwd: '/nowhere' });
    expect(none.code()).toBe(2);
    expect(none.err()).toContain('trouble/disk, trouble/packages');
  });

  test('a long command is cut short, and whole with --full', async () => {
    const [short, whole] = await Promise.all(
      [[], ['--full']].map((flags) =>
        landfall(['explain', 'control-plane/init', ...flags], { cwd: '/nowhere' }),
      ),
    );
    expect(short?.out()).toMatch(/\d+ more lines: landfall explain control-plane\/init --full/);
    expect(whole?.out()).not.toContain('more lines');
    expect(whole?.out().length).toBeGreaterThan(short?.out().length ?? 0);
  });

  test('a step says on whose hosts it is done', async () => {
    const on = async (id: string): Promise<string> =>
      (await landfall(['explain', id], { cwd: '/nowhere' })).out().split('\n')[0] ?? '';
    expect(await on('kernel/ip-forward')).toMatch(/on every node$/);
    expect(await on('control-plane/init')).toMatch(/on the first control plane$/);
    expect(await on('workloads/taint')).toMatch(/on a control plane$/);
    expect(await on('proof/from-outside')).toMatch(/on your own machine$/);
  });

  test('a runbook needs no host when told so', async () => {
    const cwd = await withCluster();
    // Its sshd is moved, as the supposed one's is: else those steps are in no list.
    const wish = 'host:\n  ssh: { port: 22322, rootLogin: keys, passwords: false }\n';
    appendFileSync(join(cwd, 'cluster.yaml'), wish);
    const it = await landfall(['runbook', '--offline', '--out', 'book.md'], { cwd });
    expect([it.code(), it.out()]).toEqual([0, '']);
    const text = readFileSync(join(cwd, 'book.md'), 'utf8');
    for (const { step } of allSteps()) expect(text).toContain(`\`${step.id}\``);
    expect(text).not.toMatch(/\b(probe [a-z_]+\b|\$\(slot )/);
  });
});

describe('completion', () => {
  test('the names of steps are those of the list', () => {
    const names = allSteps().map(({ phase, step }) => `  ['${phase.id}', '${step.id}'],\n`);
    const file = new URL('./step-names.ts', import.meta.url);
    const before = readFileSync(file, 'utf8');
    const head = before.slice(0, before.indexOf('= [\n') + 4);
    expect(kept(file, `${head}${names.join('')}];\n`)).toBe(`${head}${names.join('')}];\n`);
    expect(STEP_NAMES.length).toBeGreaterThan(0);
  });

  test('proposes commands, flags, steps and nodes', async () => {
    const cwd = await withCluster();
    const proposed = async (...words: string[]): Promise<string[]> => {
      const it = await landfall(['complete', '--', ...words], { cwd });
      expect([it.err(), it.code()]).toEqual(['', 0]);
      return it.out().split('\n').slice(0, -1);
    };
    expect(await proposed('pl')).toEqual(['plan']);
    expect(await proposed('plan', '--o')).toEqual(['--only', '--out']);
    expect(await proposed('explain', 'kernel/ip')).toEqual(['kernel/ip-forward']);
    expect(await proposed('plan', '--node', '')).toContain('cp-0');
    expect(await proposed('lab', '')).toContain('ssh');
    expect(await proposed('-C', '.', 'expl')).toEqual(['explain']);
  });
});
