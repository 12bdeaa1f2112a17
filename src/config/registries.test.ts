import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test, vi } from 'vitest';
import { Problems } from '../model/problem.ts';
import { loadCluster, readCluster } from './load.ts';
import { containerdLoginsText, loginsText } from './logins.ts';
import { asText } from './text.ts';

const HEAD = `apiVersion: landfall/v1
kind: Cluster
name: harbour
kubernetes: "1.36"
nodes:
  - { name: cp-0, role: control-plane, address: 10.0.0.11 }
`;

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'landfall-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Codes with the line each is told of, counted from the first below the head, and all that is said. */
function wrong(more: string): { readonly told: readonly string[]; readonly text: string } {
  try {
    readCluster(asText('cluster.yaml', HEAD + more), undefined, (path) =>
      readFileSync(join(dir, path), 'utf8'),
    );
    return { told: [], text: '' };
  } catch (error) {
    if (!(error instanceof Problems)) throw error;
    const told = error.problems.map(({ code, where }) => `${code} ${(where?.line ?? 0) - 6}`);
    return { told, text: JSON.stringify(error.problems) };
  }
}

describe('registries', () => {
  const mirrors = (...list: readonly string[]): string =>
    `registries:\n  mirrors:\n${list.map((one) => `    - { ${one} }\n`).join('')}`;
  const logins = (...list: readonly string[]): string =>
    `registries:\n  logins:\n${list.map((one) => `    - { ${one} }\n`).join('')}`;

  it.each([
    [mirrors('of: registry.k8s.io, at: mirror.example.com:5000/k8s'), []],
    [mirrors('of: a.example, at: a.example'), ['registries/itself 3']],
    [mirrors('of: a.example, at: b.example', 'of: a.example, at: b.example'), ['registries/twice 4']],
    [mirrors('of: a.example, at: "https://b.example"'), ['config/format 3']],
    [mirrors('of: a.example, at: "b.example/x:latest"'), ['config/format 3']],
    [mirrors('of: a.example, at: B.example'), ['config/format 3']],
    [mirrors('of: a.example'), ['config/missing 3']],
    [logins('at: a.example, user: me, passwordFile: x'), []],
    [logins('at: a.example, user: "robot$puller", passwordVariable: X'), []],
    [logins('at: a.example, user: me, password: x'), ['config/unknown-key 3', 'registries/no-password 3']],
    [logins('at: a.example, user: me'), ['registries/no-password 3']],
    [logins('at: a.example, user: me, passwordFile: x, passwordVariable: X'), ['registries/two-passwords 3']],
    [
      logins('at: a.example, user: me, passwordFile: x', 'at: a.example, user: you, passwordFile: x'),
      ['registries/twice 4'],
    ],
    [
      `${mirrors('of: a.example, at: b.example/x, insecure: true')}  logins: [{ at: b.example, user: me, passwordFile: x }]\n`,
      ['registries/in-the-clear 4'],
    ],
  ])('%s', (text, told) => expect(wrong(text).told.toSorted()).toEqual(told.toSorted()));

  it.each([
    ['runtime: containerd\n', ['registries/part 4', 'registries/part 5']],
    ['runtime: cri-o\n', []],
  ])('name whole registries where containerd is to know them: %s', (runtime, told) => {
    const text = `${runtime}${mirrors('of: ghcr.io/team, at: b.example/x')}  logins: [{ at: b.example/x, user: me, passwordFile: x }]\n`;
    expect(wrong(text).told.toSorted()).toEqual(told);
  });

  it('are complete without a cluster.yaml that wishes anything of them', () => {
    expect(readCluster(asText('cluster.yaml', HEAD)).cluster).not.toHaveProperty('registries');
  });
});

describe('a password', () => {
  const written = (login: string): ReturnType<typeof loadCluster> => {
    const file = join(dir, 'cluster.yaml');
    writeFileSync(file, `${HEAD}registries:\n  logins:\n    - { at: a.example, user: me, ${login} }\n`);
    return loadCluster(file);
  };

  it.each(['secret', 'secret\n', 'secret\r\n'])('is taken from a file beside cluster.yaml: %j', (text) => {
    writeFileSync(join(dir, 'word'), text);
    expect(JSON.parse(loginsText(written('passwordFile: word'), {}))).toEqual({
      auths: { 'a.example': { auth: Buffer.from('me:secret').toString('base64') } },
    });
  });

  it('is taken from a variable', () => {
    const text = loginsText(written('passwordVariable: WORD'), { WORD: 'secret' });
    expect(text).toContain(Buffer.from('me:secret').toString('base64'));
  });

  it('is a text of TOML for containerd, whatever stands in it', () => {
    const text = containerdLoginsText(written('passwordVariable: WORD'), { WORD: 'a"b\\c' });
    expect(text).toBe(`# Written by Landfall: who pulls images.
version = 3

[plugins."io.containerd.cri.v1.images".registry.configs."a.example".auth]
username = "me"
password = "a\\"b\\\\c"
`);
  });

  it.each([
    ['passwordVariable: WORD', {}, 'not set'],
    ['passwordVariable: WORD', { WORD: '' }, 'empty'],
    ['passwordVariable: WORD', { WORD: 'sesame-open\nsecond' }, 'more than one line'],
    ['passwordFile: nowhere', {}, 'there is no'],
  ])('that cannot be had is told of with its place, and never shown: %s %j', (login, env, why) => {
    const loaded = written(login);
    expect(() => loginsText(loaded, env)).toThrow(
      expect.objectContaining({
        code: 'registries/password',
        exit: 2,
        why: expect.stringContaining(why) as string,
        where: expect.objectContaining({ line: 9 }) as object,
      }) as Error,
    );
    try {
      loginsText(loaded, env);
    } catch (error) {
      expect(JSON.stringify({ ...(error as object) })).not.toContain('sesame');
    }
  });
});

describe('trust', () => {
  const make = (name: string, ...more: readonly string[]): void => {
    const key = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      join(dir, `${name}.key`),
    ];
    execFileSync('openssl', ['req', '-x509', ...key, '-out', join(dir, name), ...more], { stdio: 'ignore' });
  };
  beforeAll(() => {
    make('root', '-subj', '/O=Example/CN=Corporate Root', '-days', '30');
    make('leaf', '-subj', '/CN=Leaf', '-addext', 'basicConstraints=critical,CA:FALSE');
    const root = readFileSync(join(dir, 'root'), 'utf8');
    writeFileSync(join(dir, 'both'), root + readFileSync(join(dir, 'root.key'), 'utf8'));
    writeFileSync(join(dir, 'torn'), root.replace(/\n[^\n]{20}/, '\n'));
    writeFileSync(join(dir, 'words'), 'no certificate\n');
    writeFileSync(join(dir, 'chain'), `# ours\r\n${root.replaceAll('\n', '\r\n')}`);
  });

  it.each([
    ['leaf', 'trust/no-authority 1'],
    ['both', 'trust/private-key 1'],
    ['torn', 'trust/no-certificate 1'],
    ['words', 'trust/no-certificate 1'],
  ])('%s', (file, told) => expect(wrong(`trust: [${file}]\n`).told).toEqual([told]));

  it('is of what has not run out', () => {
    vi.useFakeTimers({ now: Date.now() + 31 * 86_400_000, toFake: ['Date'] });
    expect(wrong('trust: [root]\n').told).toEqual(['trust/expired 1']);
    vi.useRealTimers();
    expect(wrong('trust: [root]\n').told).toEqual([]);
  });

  it('is of certificates, named by whom they are of, each once', () => {
    const { cluster, source } = readCluster(
      asText('cluster.yaml', `${HEAD}trust: [root, chain]\n`),
      undefined,
      (path) => readFileSync(join(dir, path), 'utf8'),
    );
    const { trust = [] } = cluster;
    expect(source.endsWith(trust[0]?.pem ?? 'none')).toBe(true);
    expect(trust.map(({ file }) => file.replace(/[0-9a-f]{8}/, 'PRINT'))).toEqual([
      'corporate-root-PRINT.crt',
    ]);
    expect(trust[0]?.pem).toMatch(/^-----BEGIN CERTIFICATE-----\n[^\r]*-----END CERTIFICATE-----\n$/);
  });

  it('is not to be had where no files are read', () => {
    expect(() => readCluster(asText('cluster.yaml', `${HEAD}trust: [root]\n`))).toThrow(Problems);
  });
});

describe('proxy', () => {
  it.each([
    ['proxy: { https: "http://proxy.example.com:3128" }\n', []],
    ['proxy: { noProxy: [.example.com] }\n', ['proxy/none 1']],
    ['proxy: { https: "proxy.example.com:3128" }\n', ['config/format 1']],
    ['proxy: { https: "http://p:1", noProxy: ["*.example.com"] }\n', ['config/format 1']],
    ['proxy:\n  http: http://me:sesame@proxy.example.com:3128\n', ['proxy/credentials 2']],
  ])('%s', (text, told) => expect(wrong(text).told).toEqual(told));

  test('what stands before the @ of a proxy is shown nowhere', () => {
    const { text } = wrong('proxy:\n  http: http://me:sesame@proxy.example.com:3128\n');
    expect(text).toContain('@proxy.example.com');
    expect(text).not.toContain('sesame');
  });
});
