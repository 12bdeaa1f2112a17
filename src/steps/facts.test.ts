import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Problem } from '../model/problem.ts';
import { factsScript, parseFacts } from './facts.ts';

/** What a lab host answered, word for word. */
const RECORDED = readFileSync(new URL('../../test/steps/facts.txt', import.meta.url), 'utf8');

const PACKAGES = `Package: kubeadm
Version: 1.36.2-1.1
Architecture: amd64

Package: kubeadm
Version: 1.36.3-1.1
Architecture: amd64

Package: kubeadm
Version: 1.36.3-1.1
Architecture: s390x

Package: cri-o
Version: 1.36.1-1.1
Architecture: all

Package: something-else
Version: 1
Architecture: amd64`;

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'landfall-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Asks this machine, with a downloader that behaves as told. */
function ask(downloader: string): string {
  writeFileSync(join(dir, 'helper'), `#!/bin/sh\nfor path; do :; done\n${downloader}\n`);
  chmodSync(join(dir, 'helper'), 0o755);
  const script = factsScript({ available: '1.36.3' })
    .replaceAll('/usr/lib/apt/apt-helper', join(dir, 'helper'))
    .replaceAll('"$(dpkg --print-architecture)"', 'amd64');
  return spawnSync('dash', ['-s'], { input: script, encoding: 'utf8' }).stdout;
}

describe('the facts of a host', () => {
  it('are read from what it answered', () => {
    const facts = parseFacts(RECORDED);
    expect(facts).toMatchObject({
      os: 'debian',
      osVersion: '12',
      codename: 'bookworm',
      osName: 'Debian GNU/Linux 12 (bookworm)',
      architecture: 'amd64',
      hostname: 'cp-0',
      cgroup: 1,
    });
    expect(facts.memory).toBeGreaterThan(1024 ** 3);
    expect(facts.bootId).toMatch(/^[0-9a-f-]{36}$/);
    expect(facts.machineId).toMatch(/^[0-9a-f]{32}$/);
    expect(facts.addresses).toContainEqual({ device: 'eth0', address: facts.defaultAddress, prefix: 24 });
    expect(facts.routes).toContainEqual({ to: 'default', device: 'eth0' });
    expect(facts.links).toContainEqual(expect.objectContaining({ device: 'eth0', mtu: 1500 }));
    expect(facts.virtualization).toBe('systemd-nspawn');
    expect(facts.lab?.some((line) => line.startsWith('cgroup-v1:'))).toBe(true);
    expect(facts.available?.['kubelet']).toEqual(['1.36.3-1.1']);
    expect(facts.keys?.['kubernetes']).toMatch(/^[0-9a-f]{64}$/);
  });

  it('are asked of any machine with a shell', () => {
    const { stdout } = spawnSync('dash', ['-s'], { input: factsScript(), encoding: 'utf8' });
    const facts = parseFacts(stdout);
    expect(facts.cpus).toBeGreaterThan(0);
    expect(facts.cpus).toBeLessThanOrEqual(availableParallelism() * 64);
    expect(facts.kernel).not.toBe('');
    expect(facts.available).toBeUndefined();
  });

  it('are incomplete when the script was cut short', () => {
    for (const end of [0, 10, RECORDED.length - 6]) {
      const cut = (): unknown => parseFacts(RECORDED.slice(0, end));
      expect(cut).toThrow(Problem);
      expect(cut).toThrow(/did not answer all/);
    }
  });

  it('hold what the repositories have for this architecture, and their keys', () => {
    const facts = parseFacts(
      ask(`case "$path" in *key) echo key >"$path" ;; *) cat >"$path" <<'END'\n${PACKAGES}\nEND\n;; esac`),
    );
    expect(facts.available).toEqual({ kubeadm: ['1.36.2-1.1', '1.36.3-1.1'], 'cri-o': ['1.36.1-1.1'] });
    expect(facts.keys?.['crio']).toBe(createHash('sha256').update('key\n').digest('hex'));
  });

  it('tell why a repository could not be asked', () => {
    const say = 'echo "E: Failed to fetch https://x  Could not resolve \'pkgs.k8s.io\'" >&2; exit 100';
    let problem: unknown;
    try {
      parseFacts(ask(say));
    } catch (error) {
      problem = error;
    }
    expect(problem).toBeInstanceOf(Problem);
    expect(problem).toMatchObject({
      code: 'facts/repository',
      exit: 4,
      saw: expect.stringContaining('Could not resolve'),
      why: expect.stringContaining('the host cannot resolve names'),
      try: expect.stringContaining('getent hosts pkgs.k8s.io'),
    });
  });
});
