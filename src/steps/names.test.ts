import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HARBOUR, inRoot, read, runPiece, scene, step } from '../../test/steps/scene.ts';
import { nodeLines } from './names.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'landfall-'));
  mkdirSync(join(root, 'etc'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, text: string): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

const NODES = [
  { name: 'cp-0', address: '10.0.0.11' },
  { name: 'worker-0', address: '10.0.0.21' },
];

describe('the names of the nodes', () => {
  const hosts = (): string => join(root, 'etc/hosts');
  const one = () => nodeLines(NODES, 'cp-0', hosts());

  it('are added where they are missing', () => {
    put('etc/hosts', '127.0.0.1 localhost\n');
    expect(read(one())).toBe('cp-0 leads nowhere\nworker-0 leads nowhere');
    expect(runPiece(one(), 'make').status).toBe(0);
    expect(read(one())).toBe(one().want);
    expect(readFileSync(hosts(), 'utf8')).toBe(
      '127.0.0.1 localhost\n10.0.0.11 cp-0 # node kept by Landfall\n10.0.0.21 worker-0 # node kept by Landfall\n',
    );
  });

  it('take the place of what an installer writes, and the longer names move along', () => {
    put('etc/hosts', '127.0.0.1\tlocalhost\n127.0.1.1\tcp-0.example.net cp-0\n10.0.0.21 worker-0\n');
    expect(read(one())).toBe('cp-0 leads to 127.0.1.1\nworker-0 10.0.0.21');
    expect(runPiece(one(), 'make').status).toBe(0);
    expect(read(one())).toBe(one().want);
    expect(readFileSync(hosts(), 'utf8').split('\n')).toEqual([
      '127.0.0.1\tlocalhost',
      '# 127.0.1.1\tcp-0.example.net cp-0 # set aside by Landfall',
      '10.0.0.21 worker-0',
      '10.0.0.11 cp-0.example.net cp-0 # node kept by Landfall',
      '',
    ]);
  });

  it('leave localhost where it was, when somebody has put the node beside it', () => {
    put('etc/hosts', '127.0.0.1 localhost cp-0 # mine\n::1 cp-0\n');
    expect(runPiece(one(), 'make').status).toBe(0);
    expect(read(one())).toBe(one().want);
    expect(readFileSync(hosts(), 'utf8')).toMatch(/^127\.0\.0\.1 localhost # node kept by Landfall$/m);
  });

  it('do not touch what somebody else says: that is told', () => {
    put('etc/hosts', '10.9.9.9 cp-0\n');
    expect(runPiece(one(), 'make').status).toBe(0);
    expect(read(one())).toBe('cp-0 leads to 10.9.9.9 10.0.0.11\nworker-0 10.0.0.21');
    const clue = one().clues?.[0];
    expect(clue?.match.test('cp-0 leads to 10.9.9.9 10.0.0.11')).toBe(true);
    for (const line of one().want.split('\n')) expect(clue?.match.test(line)).toBe(false);
  });

  it('are made twice as once, and taken back to the letter, whatever the file holds', {
    timeout: 120_000,
  }, () => {
    const name = fc.constantFrom(
      'localhost',
      'cp-0',
      'cp-0.example.net',
      'other',
      'worker-0',
      'ip6-localhost',
    );
    const line = fc.oneof(
      fc
        .tuple(
          fc.constantFrom('127.0.0.1', '127.0.1.1', '::1', '10.0.0.11', '192.0.2.1'),
          fc.constantFrom(' ', '\t', '  '),
          fc.array(name, { minLength: 1, maxLength: 3 }),
          fc.constantFrom('', ' # a note', ' '),
        )
        .map(([address, gap, names, end]) => address + gap + names.join(gap) + end),
      fc.constantFrom('', '# 10.0.0.11 cp-0', '#127.0.1.1 cp-0'),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 5 }), (lines) => {
        const text = lines.map((l) => `${l}\n`).join('');
        put('etc/hosts', text);
        expect(runPiece(one(), 'make').status).toBe(0);
        const made = readFileSync(hosts(), 'utf8');
        expect(runPiece(one(), 'make').status).toBe(0);
        expect(readFileSync(hosts(), 'utf8')).toBe(made);
        // localhost stays where it was.
        for (const l of lines.filter((l) => /^127\.0\.0\.1\s+localhost\b/.test(l)))
          expect([l, made]).toEqual([l, expect.stringMatching(/^127\.0\.0\.1\s+localhost\b/m)]);
        expect(runPiece(one(), 'undo').status).toBe(0);
        expect(readFileSync(hosts(), 'utf8')).toBe(text);
      }),
      { numRuns: 15 },
    );
  });

  it('keep the mode of the file', () => {
    const file = put('etc/hosts', '127.0.1.1 cp-0\n');
    runPiece(one(), 'make');
    expect(statSync(file).mode & 0o777).toBe(0o644);
  });

  it('hold only the nodes whose address is known', () => {
    const more = [
      { name: 'cp-1', role: 'control-plane', address: 'cp-1.example.net', workloads: false },
      {
        name: 'cp-2',
        role: 'control-plane',
        address: 'alias',
        internalAddress: '10.0.0.13',
        workloads: false,
      },
    ] as const;
    const at = scene({ ...HARBOUR, nodes: [...HARBOUR.nodes, ...more] });
    expect(step('names/hosts', at).want).toBe('cp-0 10.0.0.11\ncp-2 10.0.0.13');
  });
});

describe('cloud-init', () => {
  const one = () => inRoot(root, step('names/cloud-init'));
  const CONFIG = 'etc/cloud/cloud.cfg';

  it('keeps away where it is not, and where it was told to', () => {
    expect(read(one())).toBe('keeps away');
    put(CONFIG, 'preserve_hostname: true\n');
    expect(read(one())).toBe('keeps away');
    put(CONFIG, 'users: [default]\n');
    put('etc/cloud/cloud-init.disabled', '');
    expect(read(one())).toBe('keeps away');
  });

  it('is told by a file that comes last', () => {
    put(CONFIG, 'preserve_hostname: false\nmanage_etc_hosts: "localhost"\n');
    put('etc/cloud/cloud.cfg.d/90-provider.cfg', 'manage_etc_hosts: true\n');
    expect(read(one()).split('\n')).toEqual([
      `sets the hostname at each boot, says ${root}/etc/cloud/cloud.cfg`,
      `writes ${root}/etc/hosts at each boot, says ${root}/etc/cloud/cloud.cfg.d/90-provider.cfg`,
    ]);
    for (let i = 0; i < 2; i++) expect(runPiece(one(), 'make').status).toBe(0);
    expect(read(one())).toBe('keeps away');
    for (let i = 0; i < 2; i++) expect(runPiece(one(), 'undo').status).toBe(0);
    expect(read(one())).not.toBe('keeps away');
  });

  it('has what the machine was given above all files', () => {
    put(CONFIG, '');
    put('var/lib/cloud/instance/vendor-cloud-config.txt', 'manage_etc_hosts: true\n');
    runPiece(one(), 'make');
    expect(read(one())).toMatch(/^writes .*says .*\/vendor-cloud-config\.txt$/);
    put('var/lib/cloud/instance/cloud-config.txt', 'manage_etc_hosts: false\n');
    expect(read(one())).toBe('keeps away');
  });

  it('may do what cluster.yaml leaves to the host', () => {
    put(CONFIG, 'preserve_hostname: false\n');
    const host = { ...HARBOUR.host, hostname: 'keep' } as const;
    expect(read(inRoot(root, step('names/cloud-init', scene({ ...HARBOUR, host }))))).toBe('keeps away');
  });
});

describe('the hostname', () => {
  it('is looked at without its domain, now and at boot', () => {
    chmodSync(put('bin/hostname', '#!/bin/sh\necho cp-0.example.net\n'), 0o755);
    put('etc/hostname', '# a comment\n\n  cp-1.example.net\n');
    const one = inRoot(root, step('names/hostname'));
    expect(read(one, join(root, 'bin'))).toBe('now: cp-0\nat boot: cp-1');
    put('etc/hostname', 'cp-0.example.net\n');
    expect(read(one, join(root, 'bin'))).toBe(one.want);
  });

  it('must be a real one where it is left alone', () => {
    const host = { ...HARBOUR.host, hostname: 'keep' } as const;
    const one = step('names/hostname', scene({ ...HARBOUR, host }));
    expect(one.make).toBeUndefined();
    expect(one.want).toBe('usable');
  });
});
