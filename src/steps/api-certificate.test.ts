import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HARBOUR, inRoot, put, read, runPiece, scene, step } from '../../test/steps/scene.ts';
import type { Cluster } from '../model/cluster.ts';
import type { Step } from './step.ts';

const NAMED: Cluster = {
  ...HARBOUR,
  endpoint: { ...HARBOUR.endpoint, names: ['kubernetes.example.com', '203.0.113.7'] },
};
const OWN = 'DNS:api.harbour.internal,DNS:localhost,IP:10.0.0.11,IP:127.0.0.1,DNS:kubernetes.default';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'landfall-'));
  mkdirSync(join(root, 'etc/kubernetes/pki'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const named = (): Step => inRoot(root, step('control-plane/api-names', scene(NAMED)));

function certificate(names: string, at = join(root, 'etc/kubernetes/pki')): void {
  const key = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    join(at, 'apiserver.key'),
  ];
  const more = [
    '-subj',
    '/CN=kube-apiserver',
    '-addext',
    `subjectAltName=${names}`,
    '-out',
    join(at, 'apiserver.crt'),
  ];
  execFileSync('openssl', ['req', '-x509', ...key, ...more], { stdio: 'ignore' });
}

describe('the names in the certificate of the API server', () => {
  it('are told when they are missing, and others are left', () => {
    certificate(`${OWN},DNS:somebody.elses`);
    expect(read(named())).toBe('lacks kubernetes.example.com\nlacks 203.0.113.7');
    certificate(`${OWN},DNS:kubernetes.example.com,IP:203.0.113.7,DNS:somebody.elses`);
    expect(read(named())).toBe(named().want);
  });

  it('are none where the certificate is gone or torn', () => {
    expect(read(named())).toContain('lacks api.harbour.internal');
    put(root, 'etc/kubernetes/pki/apiserver.crt', '-----BEGIN CERTIFICATE-----\n');
    expect(read(named())).toContain('lacks api.harbour.internal');
  });

  it('are put in by kubeadm beside the old pair, which stays until the new one is whole', () => {
    certificate(OWN);
    const pki = join(root, 'etc/kubernetes/pki');
    const old = readFileSync(join(pki, 'apiserver.crt'), 'utf8');
    put(root, 'etc/kubernetes/pki/ca.crt', 'x\n');
    put(root, 'etc/kubernetes/pki/ca.key', 'x\n');
    put(
      root,
      'etc/kubernetes/landfall/kubeadm.yaml',
      'kind: InitConfiguration\n---\nkind: ClusterConfiguration\nclusterName: harbour\n',
    );
    const kubeadm = (script: string): void =>
      put(
        root,
        'bin/kubeadm',
        `#!/bin/sh\nfor config; do :; done\ndir=$(sed -n 's/^certificatesDir: //p' "$config")\n${script}\n`,
        0o755,
      );
    kubeadm('echo half >"$dir/apiserver.key"; exit 1');
    expect(runPiece(named(), 'make', join(root, 'bin')).status).not.toBe(0);
    expect(readFileSync(join(pki, 'apiserver.crt'), 'utf8')).toBe(old);

    const made = join(root, 'made');
    mkdirSync(made);
    certificate(`${OWN},DNS:kubernetes.example.com,IP:203.0.113.7`, made);
    kubeadm(
      `cat "$dir/ca.key" >/dev/null && cp '${made}'/apiserver.* "$dir/" && chmod 0600 "$dir/apiserver.key"`,
    );
    expect(runPiece(named(), 'make', join(root, 'bin')).status).toBe(0);
    expect(read(named())).toBe(named().want);
    expect(readFileSync(join(pki, 'apiserver.key'), 'utf8')).toBe(
      readFileSync(join(made, 'apiserver.key'), 'utf8'),
    );
    expect(statSync(join(pki, 'apiserver.key')).mode & 0o777).toBe(0o600);
    expect(existsSync(join(root, 'run/landfall/apiserver'))).toBe(false);
  });
});
