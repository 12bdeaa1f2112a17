import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HARBOUR, inRoot, put, read, runPiece, scene, standIn, step } from '../../test/steps/scene.ts';
import type { Cluster } from '../model/cluster.ts';
import { insistingSteps, keptSettings, superAdmin } from './kept-settings.ts';
import { apiServerFlags } from './kubeadm-config.ts';
import type { Step } from './step.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'landfall-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const MANIFEST = 'etc/kubernetes/manifests/kube-apiserver.yaml';
const withIssuer = (tokenIssuer: string): Cluster => ({
  ...HARBOUR,
  certificates: { ...HARBOUR.certificates, tokenIssuer },
});

/** An API server whose ConfigMaps say this. */
function keeps(text: string): string {
  put(root, 'kept', `ConfigMap/kubeadm-config\nanswered\n${text}\nproxied\nrecorded\nspec\n`);
  standIn(root, 'timeout', 'shift; exec "$@"');
  return standIn(root, 'kubectl', `case "$*" in *readyz*) echo ok ;; *) cat '${root}/kept' ;; esac`);
}

const KEPT = `apiServer:
  certSANs:
  - api.harbour.internal
  - 10.0.0.11
  - localhost
  - "127.0.0.1"
  extraArgs:
  - name: kubelet-certificate-authority
    value: /etc/kubernetes/pki/ca.crt
  - name: shutdown-watch-termination-grace-period
    value: 10s
caCertificateValidityPeriod: 87600h0m0s
etcd:
  local:
    extraArgs:
    - name: election-timeout
      value: "1000"
    - name: heartbeat-interval
      value: "100"
    - name: quota-backend-bytes
      value: "8589934592"
certificateValidityPeriod: 8760h0m0s

apiVersion: kubelet.config.k8s.io/v1beta1
serverTLSBootstrap: true
`;

describe('what kubeadm keeps in the cluster', () => {
  const kept = (): Step => step('control-plane/kept-settings');

  it('is all of it, whatever else is there', () => {
    expect(read(kept(), keeps(KEPT))).toBe(kept().want);
  });

  it('is the same whoever leads: no address of a node is among it', () => {
    const other = scene({ ...HARBOUR, nodes: HARBOUR.nodes.map((n) => ({ ...n, address: '10.0.0.99' })) });
    expect(step('control-plane/kept-settings', other).read.text).toBe(kept().read.text);
  });

  it.each([
    ['  - localhost\n', 'lacks - localhost'],
    ['serverTLSBootstrap: true\n', 'lacks serverTLSBootstrap: true'],
    ['      value: "8589934592"\n', 'lacks value: 8589934592'],
    ['  - name: kubelet-certificate-authority\n', 'lacks - name: kubelet-certificate-authority'],
    ['certificateValidityPeriod: 8760h0m0s\n\n', 'lacks certificateValidityPeriod: 8760h0m0s'],
  ])('lacks what is not there: %j', (line, says) => {
    expect(KEPT).toContain(line);
    expect(read(kept(), keeps(KEPT.replace(line, '')))).toBe(says);
  });
});

describe('the issuer of tokens', () => {
  const issuer = (cluster: Cluster): Step => {
    const one = keptSettings(scene(cluster)).find(({ id }) => id === 'control-plane/token-issuer');
    if (one === undefined) throw new Error('there is no such step');
    return inRoot(root, one);
  };
  const runs = (name: string): void =>
    put(root, MANIFEST, `    - --service-account-issuer=${name}\n    - --x\n`);

  it('is the one the cluster was made with', () => {
    runs('https://kubernetes.default.svc.cluster.local');
    expect(read(issuer(HARBOUR))).toBe(issuer(HARBOUR).want);
    const other = withIssuer('https://tokens.example.com/harbour');
    expect(read(issuer(other))).not.toBe(issuer(other).want);
    runs('https://tokens.example.com/harbour');
    expect(read(issuer(other))).toBe(issuer(other).want);
    expect(apiServerFlags(other).map(({ name }) => name)).toContain('service-account-issuer');
  });
});

describe('the API server', () => {
  it('insists on the certificates of kubelets when its manifest says so and it is ready', () => {
    const [one] = insistingSteps(scene());
    if (one === undefined) throw new Error('there is no such step');
    const path = keeps('');
    put(root, MANIFEST, '    - --kubelet-certificate-authority=/etc/other.crt\n');
    expect(read(inRoot(root, one), path)).toBe('takes any');
    put(root, MANIFEST, `    - --kubelet-certificate-authority=${root}/etc/kubernetes/pki/ca.crt\n`);
    expect(read(inRoot(root, one), path)).toBe(one.want);
    standIn(root, 'kubectl', 'exit 1');
    expect(read(inRoot(root, one), path)).toBe('the API server is not ready');
  });

  it('ends watches in time when its manifest says so and it is ready', () => {
    const [, one] = insistingSteps(scene());
    if (one === undefined) throw new Error('there is no such step');
    const path = keeps('');
    put(root, MANIFEST, '    - --shutdown-delay-duration=10s\n');
    expect(read(inRoot(root, one), path)).toBe('ends watches at another time, or never');
    put(root, MANIFEST, '    - --shutdown-watch-termination-grace-period=10s\n');
    expect(read(inRoot(root, one), path)).toBe(one.want);
    standIn(root, 'kubectl', 'exit 1');
    expect(read(inRoot(root, one), path)).toBe('the API server is not ready');
  });
});

describe('super-admin.conf', () => {
  it('goes, and stays where it is wished for', () => {
    const [one] = superAdmin(scene());
    if (one === undefined) throw new Error('there is no such step');
    const own = inRoot(root, one);
    put(root, 'etc/kubernetes/super-admin.conf', 'x');
    expect(read(own)).toBe('lies there');
    for (let n = 0; n < 2; n++) expect(runPiece(own, 'make').status).toBe(0);
    expect(read(own)).toBe(own.want);
    const keep: Cluster = { ...HARBOUR, certificates: { ...HARBOUR.certificates, superAdmin: 'keep' } };
    expect(superAdmin(scene(keep))).toEqual([]);
  });
});

describe('a timer', () => {
  /** A systemctl that remembers which timers are on. */
  function systemctl(): string {
    const on = join(root, 'on');
    return standIn(
      root,
      'systemctl',
      `case "$1" in
  show) if [ -e '${on}' ]; then echo ActiveState=active; echo UnitFileState=enabled; else echo UnitFileState=; echo ActiveState=inactive; fi ;;
  enable) : >'${on}' ;;
  disable) rm -f '${on}' ;;
esac`,
    );
  }
  const renewal = (cluster: Cluster = HARBOUR): Step =>
    inRoot(root, step('control-plane/renewal', scene(cluster)));

  it('is put there, taken away by another choice, and taken back', () => {
    const path = systemctl();
    put(root, 'sbin/other', '');
    const byApply: Cluster = { ...HARBOUR, certificates: { ...HARBOUR.certificates, renewal: 'apply' } };
    const unit = join(root, 'etc/systemd/system/landfall-renew.timer');
    const here = (one: Step): Step => ({
      ...one,
      ...Object.fromEntries(
        (['read', 'make', 'undo'] as const).flatMap((piece) => {
          const shell = one[piece];
          return shell === undefined
            ? []
            : [
                [
                  piece,
                  {
                    ...shell,
                    text: shell.text.replaceAll(
                      /(?<![\w.])\/usr\/local\/sbin\/(?=\.?landfall)/g,
                      `${root}/sbin/`,
                    ),
                  },
                ],
              ];
        }),
      ),
    });
    for (let n = 0; n < 2; n++) expect(runPiece(here(renewal()), 'make', path)).toMatchObject({ status: 0 });
    expect(readFileSync(unit, 'utf8')).toContain('OnCalendar=*-*-* ');
    expect(read(here(renewal()), path)).toContain('ActiveState=active');
    expect(runPiece(here(renewal(byApply)), 'make', path).status).toBe(0);
    expect(existsSync(unit)).toBe(false);
    expect(read(here(renewal(byApply)), path)).toMatch(/ActiveState=inactive\nUnitFileState=$/);
    runPiece(here(renewal()), 'make', path);
    for (let n = 0; n < 2; n++) expect(runPiece(here(renewal()), 'undo', path).status).toBe(0);
    for (const left of [unit, unit.replace('.timer', '.service'), join(root, 'sbin/landfall-renew')])
      expect([left, existsSync(left)]).toEqual([left, false]);
  });
});
