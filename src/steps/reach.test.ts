import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HARBOUR, inRoot, put, read, scene, standIn, step } from '../../test/steps/scene.ts';
import { clueOf } from '../run/failure.ts';
import type { Step } from './step.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'landfall-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const clue = (one: Step, reading: string) =>
  clueOf({ host: 'cp-0', step: one, state: 'wrong', reading, note: '', output: [], run: '' });

describe('the resolver', () => {
  const one = () => inRoot(root, step('preflight/resolver'));
  const resolved = (runs: boolean): string => standIn(root, 'systemctl', `exit ${runs ? 0 : 3}`);

  it.each([
    ['nameserver 10.0.0.1\n', undefined],
    ['# nameserver 127.0.0.1\nsearch example.net\nnameserver 192.0.2.127\n', undefined],
    ['nameserver 127.0.0.53\noptions edns0\n', '127.0.0.53'],
    ['nameserver 10.0.0.1\nnameserver ::1\n', '::1'],
    ['nameserver 0.0.0.0\n', '0.0.0.0'],
    ['nameserver fd00::1\n', undefined],
  ])('%j', (text, bad) => {
    put(root, 'etc/resolv.conf', text);
    expect(read(one(), resolved(false))).toBe(
      bad === undefined ? 'none on the loopback' : `nameserver ${bad} in ${root}/etc/resolv.conf`,
    );
  });

  it('is the one kubeadm will choose, and then the one kubelet was told', () => {
    put(root, 'etc/resolv.conf', 'nameserver 127.0.0.53\n');
    put(root, 'run/systemd/resolve/resolv.conf', 'nameserver 10.0.0.1\n');
    expect(read(one(), resolved(true))).toBe('none on the loopback');
    expect(read(one(), resolved(false))).toContain('nameserver 127.0.0.53');
    put(root, 'var/lib/kubelet/config.yaml', `resolvConf: "${root}/run/systemd/resolve/resolv.conf"\n`);
    expect(read(one(), resolved(false))).toBe('none on the loopback');
    rmSync(join(root, 'run/systemd'), { recursive: true });
    expect(read(one(), resolved(false))).toBe(`${root}/run/systemd/resolve/resolv.conf is not there`);
  });

  it('that loops is named before CoreDNS finds it', () => {
    expect(clue(one(), 'nameserver 127.0.0.53 in /etc/resolv.conf')?.diagnosis).toBe('H51');
  });
});

describe('registries', () => {
  const one = (plugin: 'flannel' | 'none' = 'flannel') =>
    inRoot(
      root,
      step('preflight/registries', scene({ ...HARBOUR, network: { ...HARBOUR.network, plugin } })),
    );

  /** apt's downloader, which says this of each address. */
  function downloader(script: string): void {
    put(
      root,
      'usr/lib/apt/apt-helper',
      `#!/bin/sh\nfor url; do [ "$1" = download-file ] && break; shift; done; url=$2\necho "$url" >>${root}/asked\n${script}\n`,
      0o755,
    );
  }
  const fails = (words: string): string => `echo "E: Failed to fetch $url  ${words}"; exit 100`;

  it('are reached when they give something, or ask who one is', () => {
    downloader(`case $url in *ghcr*) ${fails('401  Unauthorized [IP: 192.0.2.1 443]')} ;; esac`);
    expect(read(one())).toBe(one().want);
    expect(read(one('none'))).toBe(one().want);
  });

  it('are told in their order, each with its own words', () => {
    downloader(
      `case $url in *ghcr*) ${fails('Connection timed out')} ;; *) ${fails('403  Forbidden [IP: 192.0.2.1 443]')} ;; esac`,
    );
    const said = read(one());
    expect(said.split('\n')).toEqual([
      'E: Failed to fetch https://registry.k8s.io/v2/  403  Forbidden [IP: 192.0.2.1 443]',
      'E: Failed to fetch https://ghcr.io/v2/  Connection timed out',
    ]);
    expect(clue(one(), said)?.means).toContain('turns this address away');
  });

  it.each([
    ['Temporary failure resolving ghcr.io', /cannot resolve names/],
    ['SSL connection failed: certificate verify failed', /does not trust the certificate/],
    ['502  Bad Gateway', /out of order/],
    ['Could not connect to ghcr.io:443, connection timed out', /cannot reach the registry/],
    ['404  Not Found', /cannot reach the registry/],
  ])('say %s', (words, means) => {
    downloader(fails(words));
    expect(clue(one(), read(one()))?.means).toMatch(means);
  });

  it('say nothing at all, and are told all the same', () => {
    downloader('exit 124');
    expect(read(one('none'))).toBe('E: Failed to fetch https://registry.k8s.io/v2/');
  });

  it('are not asked once there is a cluster', () => {
    downloader(fails('Connection timed out'));
    put(root, 'etc/kubernetes/landfall/initialised', '');
    expect(read(one())).toBe(one().want);
  });
});
