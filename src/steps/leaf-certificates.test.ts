import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HARBOUR, inRoot, put, read, runPiece, scene, step } from '../../test/steps/scene.ts';
import type { Step } from './step.ts';
import { renewalText } from './leaf-certificates.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'landfall-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const DAY = 86_400;
const called = (): string =>
  existsSync(join(root, 'calls')) ? readFileSync(join(root, 'calls'), 'utf8') : '';

/** A kubeadm that tells of certificates with so many days left, as `-o json` prints it, and writes down what else it is told to do. */
function host(left: Readonly<Record<string, number>>, others: readonly string[] = [], ready = true): string {
  const entries = Object.entries(left).map(
    ([name, days]) =>
      `  {\n   "name": "${name}",\n   "expirationDate": "2027-01-01T00:00:00Z",\n   "residualTime": ${Math.round(days * DAY)},\n   "externallyManaged": false\n  }`,
  );
  put(root, 'ends', `{\n "certificates": [\n${entries.join(',\n')}\n ]\n}\n`);
  const programs: Readonly<Record<string, string>> = {
    kubeadm: `case "$*" in *check-expiration*) cat '${root}/ends' ;; *) echo "kubeadm $*" >>'${root}/calls' ;; esac`,
    crictl: `case "$1" in ps) echo "id-of-$4" ;; *) echo "crictl $*" >>'${root}/calls' ;; esac`,
    kubectl: `printf '%s\\n' ${['10.0.0.11', ...others].join(' ')}`,
    curl: `for last; do :; done; case $last in *10.0.0.11*) ;; *) ${ready ? ':' : 'exit 7'} ;; esac`,
    timeout: 'shift; exec "$@"',
  };
  for (const [name, script] of Object.entries(programs))
    put(root, `bin/${name}`, `#!/bin/sh\n${script}\n`, 0o755);
  put(root, 'etc/kubernetes/landfall/kubeadm.yaml', 'x\n');
  return join(root, 'bin');
}

const leaves = (): Step => inRoot(root, step('control-plane/certificates'));
const authorities = (): Step => inRoot(root, step('workloads/authorities'));
const YOUNG = { apiserver: 364.9, 'etcd-peer': 90, ca: 3000, 'etcd-ca': 3000, 'front-proxy-ca': 366 };

describe('certificates that end', () => {
  it('are fine for as long as the border is not crossed, whatever the day', () => {
    expect(read(leaves(), host(YOUNG))).toBe(leaves().want);
    expect(read(authorities(), host(YOUNG))).toBe(authorities().want);
  });

  it('are told by name and border, not by day', () => {
    const path = host({ ...YOUNG, 'etcd-peer': 89.9, apiserver: 3 });
    expect(read(leaves(), path)).toBe('apiserver: ends within 90 days\netcd-peer: ends within 90 days');
    expect(read(authorities(), path)).toBe(authorities().want);
  });

  it('are not those of the authorities, which are looked at apart', () => {
    const path = host({ ...YOUNG, 'etcd-ca': 300 });
    expect(read(leaves(), path)).toBe(leaves().want);
    expect(read(authorities(), path)).toBe('etcd-ca: ends within 365 days');
  });

  it('are not known when kubeadm says nothing', () => {
    const path = host(YOUNG);
    put(root, 'ends', 'error\n');
    expect(read(leaves(), path)).toBe('kubeadm does not say');
  });

  it('are renewed, and everything started anew; until then a mark lies there', () => {
    const path = host({ ...YOUNG, apiserver: 3 });
    const mark = join(root, 'etc/kubernetes/landfall/renewing');
    put(root, 'bin/crictl', `#!/bin/sh\nexit 1\n`, 0o755);
    put(root, 'bin/kubeadm', `#!/bin/sh\nexit 1\n`, 0o755);
    expect(runPiece(leaves(), 'make', path).status).not.toBe(0);
    expect(read(leaves(), path)).toBe('renewed, and not yet read by all that use them');
    host(YOUNG);
    expect(runPiece(leaves(), 'make', path).status).toBe(0);
    expect(existsSync(mark)).toBe(false);
    const [first, ...rest] = called().trim().split('\n');
    expect(first).toMatch(/^kubeadm certs renew all --config .*kubeadm\.yaml$/);
    expect(rest.map((line) => /id-of-\^([a-z-]+)\$/.exec(line)?.[1])).toEqual([
      'etcd',
      'kube-apiserver',
      'kube-controller-manager',
      'kube-scheduler',
    ]);
    runPiece(leaves(), 'undo', path);
    expect(runPiece(leaves(), 'undo', path).status).toBe(0);
  });
});

describe('the program that renews between two applies', () => {
  const run = (path: string) => {
    const text = renewalText(scene(HARBOUR))
      .replace('PATH=', `PATH=${path}:`)
      .replaceAll(/(?<![\w.])\/(etc|run)\//g, `${root}/$1/`);
    return spawnSync('dash', ['-s'], { input: text, encoding: 'utf8' });
  };

  it('does nothing while nothing ends soon', () => {
    const { status, stdout } = run(host(YOUNG));
    expect([status, stdout, called()]).toEqual([0, '', '']);
  });

  it('renews what ends soon', () => {
    const { status, stdout } = run(host({ ...YOUNG, apiserver: 80 }, ['10.0.0.12']));
    expect([status, stdout]).toEqual([
      0,
      expect.stringMatching(/apiserver: ends within 90 days\nrenewed\n$/),
    ]);
    expect(called()).toContain('kubeadm certs renew all');
  });

  it('waits for another day while another control plane is not ready, but not for ever', () => {
    const { status, stdout } = run(host({ ...YOUNG, apiserver: 80 }, ['10.0.0.12'], false));
    expect([status, stdout]).toEqual([0, expect.stringContaining('10.0.0.12 is not ready: another day')]);
    expect(called()).toBe('');
    expect(run(host({ ...YOUNG, apiserver: 6 }, ['10.0.0.12'], false)).stdout).toContain('renewed');
  });

  it('ends what was cut short', () => {
    const path = host(YOUNG);
    put(root, 'etc/kubernetes/landfall/renewing', '');
    expect(run(path).stdout).toContain('renewed');
    expect(existsSync(join(root, 'etc/kubernetes/landfall/renewing'))).toBe(false);
  });

  it('fails, so that it shows, when kubeadm says nothing', () => {
    const path = host(YOUNG);
    put(root, 'ends', 'error\n');
    const { status, stdout } = run(path);
    expect([status, stdout, called()]).toEqual([1, 'kubeadm does not say\n', '']);
  });
});
