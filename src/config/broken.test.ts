import fc from 'fast-check';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../model/cluster.ts';
import { type Problem, Problems } from '../model/problem.ts';
import { readCluster } from './load.ts';
import { asText } from './text.ts';

/** Every field once, so that every field can be broken: the line, and what it is the field of. */
const LINES: readonly { readonly text: string; readonly field?: string; readonly kind?: Kind }[] = [
  { text: '# A cluster for breaking.' },
  { text: 'apiVersion: landfall/v1', field: 'apiVersion', kind: 'required' },
  { text: 'kind: Cluster', field: 'kind', kind: 'required' },
  { text: 'name: harbour', field: 'name', kind: 'required' },
  { text: 'kubernetes: "1.36"  # in quotes', field: 'kubernetes', kind: 'required' },
  { text: 'endpoint:' },
  { text: '  address: api.example.com:6443', field: 'address', kind: 'required' },
  { text: 'network:' },
  { text: '  plugin: flannel', field: 'plugin', kind: 'text' },
  { text: '  pods: 10.244.0.0/16', field: 'pods', kind: 'text' },
  { text: '  services: 10.96.0.0/16', field: 'services', kind: 'text' },
  { text: '  domain: cluster.local', field: 'domain', kind: 'text' },
  { text: '' },
  { text: 'runtime: cri-o', field: 'runtime', kind: 'text' },
  { text: 'ssh:' },
  { text: '  user: ops', field: 'user', kind: 'text' },
  { text: '  port: 2222', field: 'port', kind: 'number' },
  { text: '  config: ./ssh_config', field: 'config', kind: 'path' },
  { text: '  identityFile: "~/.ssh/id"', field: 'identityFile', kind: 'path' },
  { text: 'host:' },
  { text: '  upgrade: once', field: 'upgrade', kind: 'text' },
  { text: '  purge: [multipath-tools]' },
  { text: '  kernel: distribution', field: 'kernel', kind: 'text' },
  { text: '  reboot: before-joining', field: 'reboot', kind: 'text' },
  { text: '  unattended: security', field: 'unattended', kind: 'text' },
  { text: '  needrestart: quiet', field: 'needrestart', kind: 'text' },
  { text: '  completion: true', field: 'completion', kind: 'boolean' },
  { text: 'lab: harbour', field: 'lab', kind: 'text' },
  { text: 'nodes:' },
  { text: '  - name: cp-0', field: 'name', kind: 'required' },
  { text: '    role: control-plane', field: 'role', kind: 'required' },
  { text: '    address: 10.0.0.11', field: 'address', kind: 'required' },
  { text: '    internalAddress: 10.0.0.11', field: 'internalAddress', kind: 'text' },
  { text: '    workloads: true', field: 'workloads', kind: 'boolean' },
  {
    text: '    hostKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGFuIGV4YW1wbGUsIG5vdCBhbnlib2R5J3Mgb3duIGtl',
    field: 'hostKey',
    kind: 'text',
  },
];

type Kind = 'required' | 'text' | 'path' | 'number' | 'boolean';

const GOOD = `${LINES.map(({ text }) => text).join('\n')}\n`;

const HOSTILE = [
  '-oProxyCommand=touch /tmp/x',
  '--',
  '$(reboot)',
  '`reboot`',
  'a;reboot',
  "a'b",
  'a|b',
  '${HOME}',
  'a\nb',
  'a\u0000b',
  'a\tb',
  'a b',
  ' a',
  '../../etc/passwd\n',
  '\u202eabc',
  'h\u00e4fen',
  '\u{1F6A2}',
  '\ud800',
  '\u001b[2J',
  '',
];

/** A broken text, and when it is known, the line (from 1) that a problem must be told of. */
interface Broken {
  readonly how: string;
  readonly text: string;
  readonly line?: number;
  /** Whether the file cannot be right any more. */
  readonly surely: boolean;
}

const withLine = (index: number, ...lines: readonly string[]): string =>
  `${LINES.flatMap(({ text }, i) => (i === index ? lines : [text])).join('\n')}\n`;

const fields = LINES.flatMap(({ text, field, kind }, index) =>
  field === undefined || kind === undefined
    ? []
    : [{ index, field, kind, before: text.slice(0, text.indexOf(':') + 1) }],
);
const anyField = fc.constantFrom(...fields);
const offset = fc.nat(GOOD.length);
const chars = fc.constantFrom(
  ...' \t\n\r:-#"\'[]{}&*!|>%@,?~=<.0_\u0000\u0007\u00a0\u00e9\u200b\u2028\ufeff\ud800',
  '\u{1F600}',
  'é',
  ': ',
  '- ',
  '---\n',
  '&a ',
  '*a',
  '!!str ',
  '<<: ',
);

const mutations: readonly fc.Arbitrary<Broken>[] = [
  fc
    .tuple(
      anyField,
      fc.constantFrom(
        '1.5',
        'true',
        '',
        '[]',
        '{}',
        '[a]',
        '{ a: b }',
        '-1',
        '~',
        '.nan',
        '99999999999999999999',
        '[[[]]]',
      ),
    )
    .map(([f, value]) => {
      const same = f.kind === 'boolean' && value === 'true';
      return {
        how: 'wrong type',
        text: withLine(f.index, `${f.before} ${value}`),
        line: f.index + 1,
        surely: !same,
      };
    }),
  fc.tuple(anyField, fc.constantFrom(...HOSTILE)).map(([f, value]) => {
    const text = withLine(f.index, `${f.before} ${JSON.stringify(value)}`);
    const harmless = f.kind === 'path' && !/^-|[\u0000-\u001f"$%`\\]|^$/.test(value);
    return { how: 'hostile value', text, line: f.index + 1, surely: !harmless };
  }),
  fc
    .tuple(
      fc.nat(LINES.length - 1),
      fc.constantFrom(
        'nmae',
        'colour',
        'podCidr',
        'version',
        '__proto__',
        'constructor',
        'toString',
        '"a b"',
        '-x',
        '0',
        'é',
      ),
    )
    .map(([at, key]) => {
      const indent =
        /^ *(- )?/.exec(LINES.slice(at).find(({ text }) => text !== '')?.text ?? '')?.[0].length ?? 0;
      const lines = LINES.map(({ text }) => text);
      const place = LINES[at]?.text.includes('- ') ? at + 1 : at;
      return {
        how: 'unknown key',
        text: `${lines.toSpliced(place, 0, `${' '.repeat(indent)}${key}: x`).join('\n')}\n`,
        line: place + 1,
        surely: true,
      };
    }),
  anyField.map((f) => ({ how: 'field taken out', text: withLine(f.index), surely: f.kind === 'required' })),
  anyField.map((f) => ({
    how: 'field twice',
    text: withLine(f.index, LINES[f.index]?.text ?? '', `${f.before.replace('- ', '  ')} x`),
    line: f.index + 2,
    surely: true,
  })),
  fc.nat(LINES.length - 1).map((at) => ({
    how: 'line twice',
    text: withLine(at, LINES[at]?.text ?? '', LINES[at]?.text ?? ''),
    surely: false,
  })),
  fc.nat(LINES.length - 1).map((at) => ({ how: 'line taken out', text: withLine(at), surely: false })),
  fc
    .tuple(fc.nat(LINES.length - 1), fc.constantFrom(' ', '   ', '\t', '- ', '\u00a0'))
    .map(([at, indent]) => ({
      how: 'indented',
      text: withLine(at, indent + (LINES[at]?.text ?? '')),
      surely: false,
    })),
  fc
    .tuple(
      anyField,
      fc.constantFrom(
        'no',
        'on',
        'y',
        '022',
        '22:22',
        '2026-11-22',
        '1.30',
        '0x16',
        '0o17',
        '1e3',
        '1_000',
        '+1',
      ),
    )
    .map(([f, value]) => ({
      how: 'word with two meanings',
      text: withLine(f.index, `${f.before} ${value}`),
      surely: false,
    })),
  offset.map((at) => ({ how: 'cut off', text: GOOD.slice(0, at), surely: false })),
  fc.tuple(offset, chars).map(([at, what]) => ({
    how: 'characters put in',
    text: GOOD.slice(0, at) + what + GOOD.slice(at),
    surely: false,
  })),
  fc.tuple(offset, fc.integer({ min: 1, max: 40 })).map(([at, count]) => ({
    how: 'characters taken out',
    text: GOOD.slice(0, at) + GOOD.slice(at + count),
    surely: false,
  })),
  fc.tuple(offset, offset, fc.nat(60)).map(([from, to, count]) => ({
    how: 'a piece elsewhere',
    text: GOOD.slice(0, to) + GOOD.slice(from, from + count) + GOOD.slice(to),
    surely: false,
  })),
  fc.string({ unit: 'binary', maxLength: 200 }).map((text) => ({ how: 'noise', text, surely: true })),
  fc
    .string({ unit: fc.constantFrom(...'ab:-[]{}&*!|>\'"#%@`,? \n\t'), maxLength: 80 })
    .map((text) => ({ how: 'YAML noise', text, surely: true })),
  fc.json().map((text) => ({ how: 'JSON', text, surely: true })),
];

function read(text: string): Cluster | readonly Problem[] {
  try {
    return readCluster(asText('cluster.yaml', text)).cluster;
  } catch (error) {
    if (error instanceof Problems) return error.problems;
    throw error;
  }
}

function isProblems(result: Cluster | readonly Problem[]): result is readonly Problem[] {
  return Array.isArray(result);
}

/** What a problem lacks to be of use; nothing when it is as it should be. */
function lacks(problem: Problem, text: string): readonly string[] {
  const lines = text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .map((line) => line.replace(/\r$/, ''));
  const { where } = problem;
  const line = where === undefined ? undefined : lines[where.line - 1];
  const words = [problem.summary, problem.why, problem.try, where?.label, where?.text].filter(
    (part) => part !== undefined,
  );
  const tests: Readonly<Record<string, boolean>> = {
    'a line that exists': line !== undefined && where?.file === 'cluster.yaml',
    'a column in it':
      where !== undefined && line !== undefined && where.column >= 1 && where.column <= line.length + 1,
    'its whole line': where?.text?.length === line?.length,
    'a length in it':
      where?.length !== undefined &&
      where.length >= 1 &&
      (where.length === 1 || where.column - 1 + where.length <= (line ?? '').length),
    'a reason or remedy': problem.why !== undefined || problem.try !== undefined,
    'exit code 2': problem.exit === 2,
    'a code': /^[a-z]+\/[a-z-]+$/.test(problem.code),
    'words for people': words.every(
      (part) => !/undefined|\[object|NaN|\p{Cc}/u.test(part.replace(/\.nan|undefined/gi, '')),
    ),
  };
  return Object.entries(tests).flatMap(([what, holds]) =>
    holds ? [] : [`${problem.code} lacks ${what}: ${JSON.stringify({ ...problem })}`],
  );
}

const plain = (text: string, version: '1.1' | '1.2'): unknown => {
  try {
    return JSON.stringify(parse(text, { version, logLevel: 'error', merge: false }));
  } catch {
    return undefined;
  }
};

const DATA = plain(GOOD, '1.2');

/** What contradicts an independent reading of the same text; nothing when it bears the result out. */
function contradictions(text: string, result: Cluster | readonly Problem[]): readonly string[] {
  const [now, before] = [plain(text, '1.2'), plain(text, '1.1')];
  if (isProblems(result)) {
    const unseen = /[\u0000-\u0008\u000b-\u001f\u007f\ud800-\udfff\ufeff%]|!|^---|\.\.\.|<<|[&*]/m;
    return now === DATA && before === DATA && !unseen.test(text)
      ? ['the data is as it was, yet there are problems']
      : [];
  }
  const said = JSON.stringify(result);
  const again = read(now as string);
  return [
    ...(now === undefined ? ['a plain YAML parser does not take it'] : []),
    ...(now === before ? [] : ['YAML 1.1 reads something else']),
    ...(!isProblems(again) && JSON.stringify(again) === said
      ? []
      : ['its data, written as JSON, is another cluster']),
    ...(hostile(result) ? ['a hostile value came through'] : []),
  ];
}

function hostile({ ssh: { config = '', identityFile = '', ...ssh }, ...cluster }: Cluster): boolean {
  const paths = JSON.stringify([config, identityFile]).replace(/\\ud[89ab]../g, '');
  return /"-|[$`;&|<>()']|\\/.test(JSON.stringify([ssh, cluster])) || /"-|[$%`\\]/.test(paths);
}

function judge({ how, text, line, surely }: Broken): readonly string[] {
  const result = read(text);
  const problems = isProblems(result) ? result : [];
  const syntax = problems.some(({ code }) => code.startsWith('yaml/') || code.startsWith('file/'));
  const told = problems.some(({ where }) => where?.line === line);
  return [
    ...problems.flatMap((problem) => lacks(problem, text)),
    ...contradictions(text, result),
    ...(surely && problems.length === 0 ? ['it was taken'] : []),
    ...(surely && line !== undefined && !told && !syntax ? [`nothing is told of line ${line}`] : []),
  ].map((what) => `${how}: ${what}`);
}

describe('a thousand broken files', () => {
  it('is what they are broken from: right', () => expect(isProblems(read(GOOD))).toBe(false));

  it.each([
    { seed: 20261123, numRuns: 1250, broken: 1000 },
    { seed: Math.floor(Math.random() * 2 ** 31), numRuns: 300, broken: 200 },
  ])(
    'are told with place and reason, or are harmless (seed $seed)',
    ({ seed, numRuns, broken }) => {
      let harmless = 0;
      const codes = new Set<string>();
      fc.assert(
        fc.property(fc.oneof(...mutations), (file) => {
          expect(judge(file)).toEqual([]);
          const result = read(file.text);
          if (isProblems(result)) for (const { code } of result) codes.add(code);
          else harmless++;
        }),
        { seed, numRuns },
      );
      console.info(`seed ${seed}: ${numRuns} files, ${harmless} harmless, ${codes.size} kinds of problem`);
      expect(numRuns - harmless).toBeGreaterThanOrEqual(broken);
      expect(codes.size).toBeGreaterThan(numRuns / 125);
    },
    600_000,
  );
});
