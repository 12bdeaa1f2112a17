import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { read, scene, standIn, step } from '../../test/steps/scene.ts';
import { clueOf } from '../run/failure.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'landfall-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const DNS = 'kube-system/Deployment/coredns|2|2|2|2';
const TAINT =
  '0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }. preemption: 0/1 nodes are available.';
const SANDBOX =
  'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to create pod network sandbox k8s_coredns-589f44dc88-gl5rg_kube-system_353faa40-1937-4c58-8e61-5b7f7e503f95_0(b732e8be465b): error adding pod kube-system_coredns-589f44dc88-gl5rg to CNI network "cbr0": plugin type="flannel" failed (add): open /run/flannel/subnet.env: no such file or directory';

/** Of another workload, and so nobody's business here. */
const OTHER = 'default/web|default/web-1|False|0/1 nodes are available: 1 Insufficient cpu.';

/** What network/dns reads when the cluster says this of CoreDNS, of its pods, and of what has happened. */
function reading(
  rollout: string,
  pods: readonly string[],
  events: readonly string[] = [],
  away: readonly string[] = [],
): string {
  const say = (lines: readonly string[]): string => `cat <<'END'\n${lines.join('\n')}\nEND\n`;
  return read(
    step('network/dns', away.length === 0 ? scene() : { ...scene(), away }),
    standIn(
      root,
      'kubectl',
      `case "$*" in *readyz*) echo ok ;;
*daemonsets,deployments*) ${say([`rollout|${rollout}`])} ;;
*'get nodes'*) ${say(['cp-0: node.kubernetes.io/not-ready', 'worker-0:'])} ;;
*'get pods -A '*) ${say([OTHER, ...pods.map((line) => `kube-system/kube-dns|kube-system/${line}`)])} ;;
*'get events -A '*) ${say(events.map((line) => `kube-system/${line}`))} ;;
*) exit 9 ;; esac`,
    ),
  );
}

const why = (text: string): string | undefined =>
  clueOf({
    host: 'cp-0',
    step: step('network/dns'),
    state: 'wrong',
    reading: text,
    note: '',
    output: [],
    run: '',
  })?.diagnosis;

describe('a workload', () => {
  it('is ready when all its pods are, in their present form', () => {
    expect(reading(`${DNS}|2`, ['a|False|no one asks'])).toBe('all ready');
    expect(reading(DNS.replace('|2|2|2|2', '|3|2|2|2|2'), [])).toBe('2 of 2 ready');
    expect(reading('kube-system/DaemonSet/coredns|1|1|1|1|1', [])).toBe('not there');
  });

  it('does without the pods of nodes whose hosts do not answer, but not without any', () => {
    expect(reading(`${DNS}|1`, [], [], ['worker-0'])).toBe('all ready');
    expect(reading(`${DNS}|0`, [], [], ['worker-0', 'worker-1'])).toBe('0 of 2 ready');
    expect(reading('kube-system/Deployment/coredns|2|2|5|5|3', [], [], ['worker-0'])).toBe('4 of 5 ready');
  });

  it('tells what the scheduler says of those that are not, once', () => {
    const said = reading(`${DNS}|0`, [`a|False|${TAINT}`, `b|False|${TAINT}`]);
    expect([said, why(said)]).toEqual([`0 of 2 ready\n${TAINT}`, 'H38']);
  });

  it('tells which taints are in the way where the scheduler does not', () => {
    const words = '0/1 nodes are available: 1 node(s) had untolerated taint(s). no new claims to deallocate';
    const said = reading(`${DNS}|0`, [`a|False|${words}`, `b|False|${words}`]);
    const full = `${words} (taints of cp-0: node.kubernetes.io/not-ready;worker-0:)`;
    expect([said, why(said)]).toEqual([`0 of 2 ready\n${full}`, 'H38']);
  });

  it('tells what the runtime says of their images', () => {
    const words = 'ErrImagePull reading manifest latest in registry.k8s.io/coredns/coredns: manifest unknown';
    const said = reading(`${DNS}|1`, ['a|True|', `b|False|${words} `]);
    expect([said, why(said)]).toEqual([`1 of 2 ready\n${words}`, 'H42']);
  });

  it('tells the last warning of those of which nobody says anything, and of no others', () => {
    const said = reading(
      `${DNS}|1`,
      ['a|True|', 'b|False|ContainerCreating  '],
      ['a|Readiness probe failed', 'b|an older one', 'gone|its own', `b|${SANDBOX}`, 'of more lines'],
    );
    expect([said, why(said)]).toEqual([`1 of 2 ready\n${SANDBOX}`, 'H40']);
    expect(reading(`${DNS}|1`, ['b|False|ContainerCreating  '])).toBe('1 of 2 ready');
  });
});
