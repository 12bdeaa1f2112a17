import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ConcessionFacts, concessions, markerFile } from './concession.ts';
import type { HostKind } from './kind.ts';

const v1: ConcessionFacts = { cgroup: 'v1', missingCapabilities: ['CAP_SYS_RESOURCE'] };
const whole: ConcessionFacts = { cgroup: 'v2', missingCapabilities: [] };

const fileOf = (facts: ConcessionFacts, path: string): string =>
  concessions(facts, { release: 'bookworm' })
    .flatMap(({ files }) => files)
    .find((file) => file.path === path)?.text ?? '';

/** Lays a stand-in's script into a folder, beside a real program that prints its arguments; gives a function that calls it. */
function standIn(script: string, real: string): { dir: string; call: (...words: string[]) => string } {
  const dir = mkdtempSync(join(tmpdir(), 'landfall-'));
  writeFileSync(join(dir, 'real'), '#!/bin/sh\nprintf "%s\\n" "$*"\n');
  writeFileSync(join(dir, 'standin'), script.replace(real, join(dir, 'real')));
  for (const name of ['real', 'standin']) chmodSync(join(dir, name), 0o755);
  return {
    dir,
    call: (...words) =>
      execFileSync(join(dir, 'standin'), words, {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      }).trim(),
  };
}

describe('concessions', () => {
  it('are made to cgroup v1 and missing capabilities only where they are', () => {
    const ids = (facts: ConcessionFacts) => [
      ...new Set(concessions(facts, { release: 'bookworm' }).map(({ id }) => id)),
    ];
    expect(ids(v1)).toEqual(['identity', 'clock', 'swap', 'disk', 'oom-score', 'cgroup-v1']);
    expect(ids(whole)).toEqual(['identity', 'clock', 'swap', 'disk', 'capabilities']);
    expect(fileOf(whole, '/usr/libexec/crio/crun')).not.toContain('oomScoreAdj');
  });

  it('say how far a look goes', () => {
    const ids = (kind: HostKind) => concessions(whole, kind).map(({ id }) => id);
    expect(ids({ release: 'trixie', like: 'ubuntu' })).toContain('ubuntu');
    expect(ids({ release: 'trixie', sshd: 'socket' })).not.toContain('ubuntu');
  });

  it('are listed one a line', () => {
    const lines = markerFile(concessions(v1, { release: 'trixie', like: 'ubuntu' }))
      .trimEnd()
      .split('\n');
    expect(lines).toContain('cgroup-v1: kubelet runs with --fail-cgroupv1=false');
    for (const line of lines) expect(line).toMatch(/^[a-z0-9-]+: .+$/);
  });
});

describe("kubeadm's stand-in", () => {
  const { call } = standIn(fileOf(v1, '/usr/bin/kubeadm'), '/usr/bin/kubeadm.real');
  const ignored = '--ignore-preflight-errors=SystemVerification';
  it.each([
    ['init'],
    ['init --config x.yaml'],
    ['join 10.0.0.1:6443'],
    ['init phase preflight'],
    ['upgrade apply -y v1.36.3'],
    ['upgrade node'],
    ['upgrade plan'],
    ['upgrade node phase preflight'],
  ])('lets %s pass the check of cgroups', (words) => {
    expect(call(...words.split(' '))).toBe(`${words} ${ignored}`);
  });
  it.each([
    ['init phase certs all'],
    ['join phase control-plane-prepare certs'],
    ['upgrade apply phase addon all'],
    ['upgrade diff'],
    ['reset -f'],
    ['version -o short'],
    ['config images list'],
  ])('leaves %s alone', (words) => {
    expect(call(...words.split(' '))).toBe(words);
  });
  it('says that kubeadm is not installed when it is not', () => {
    const missing = standIn(
      fileOf(v1, '/usr/bin/kubeadm').replace('/usr/bin/kubeadm.real', '/no/such/kubeadm'),
      '',
    );
    expect(() => missing.call('version')).toThrow(/kubeadm: not installed/);
  });
});

describe("crun's stand-in", () => {
  const config =
    '{"process":{"oomScoreAdj":-997,"capabilities":{"bounding":["CAP_SYS_TIME","CAP_SYS_RESOURCE","CAP_NET_RAW"]}}}';
  const { dir, call } = standIn(fileOf(v1, '/usr/libexec/crio/crun'), '/usr/libexec/crio/crun.real');

  it.each([['--bundle', dir], ['-b', dir], [`--bundle=${dir}`]])(
    'takes out of the bundle what cannot be given (%s)',
    (...words) => {
      writeFileSync(join(dir, 'config.json'), config);
      expect(call('create', ...words, 'id')).toBe(['create', ...words, 'id'].join(' '));
      expect(JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8'))).toEqual({
        process: { oomScoreAdj: 0, capabilities: { bounding: ['CAP_CHOWN', 'CAP_CHOWN', 'CAP_NET_RAW'] } },
      });
    },
  );

  it('does the same for a process file', () => {
    writeFileSync(join(dir, 'process.json'), config);
    call('exec', '--process', join(dir, 'process.json'), 'id');
    expect(readFileSync(join(dir, 'process.json'), 'utf8')).toContain('"oomScoreAdj":0');
  });

  it('leaves positive scores as they are', () => {
    writeFileSync(join(dir, 'config.json'), '{"oomScoreAdj": 900}');
    call('create', '--bundle', dir, 'id');
    expect(readFileSync(join(dir, 'config.json'), 'utf8')).toBe('{"oomScoreAdj": 900}');
  });
});
