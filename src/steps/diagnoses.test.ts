import { describe, expect, it } from 'vitest';
import { DIAGNOSES } from '../../test/lab/diagnoses.ts';
import { allSteps, step } from '../../test/steps/scene.ts';
import { PHASES } from './phases.ts';
import { clueOf } from '../run/failure.ts';
import { PREFLIGHT_ERRORS, PREFLIGHT_WARNINGS } from './preflight-clues.ts';

const failure = (id: string, line: string) =>
  ({
    host: 'cp-0',
    step: step(id),
    state: 'failed',
    reading: '',
    note: '',
    output: [line],
    run: '',
  }) as const;

describe('the diagnoses before, during and after an installation', () => {
  it('are all there', () => {
    expect(Object.keys(DIAGNOSES)).toEqual(
      Array.from({ length: 60 }, (_, i) => `H${`${i + 1}`.padStart(2, '0')}`),
    );
  });

  const cases = Object.entries(DIAGNOSES).flatMap(([id, { told, as }]) =>
    told === undefined ? [] : [[id, told.step, told.line, as ?? id] as const],
  );
  it.each(cases)('%s is named by %s: %s', (_id, at, line, number) => {
    const clue = clueOf(failure(at, line));
    expect([clue?.diagnosis, clue?.try]).toEqual([number, expect.stringMatching(/\S/)]);
  });

  it('are told by a message, or it is said why not', () => {
    for (const { told, lab } of Object.values(DIAGNOSES)) {
      expect(lab).toMatch(/\S/);
      if (lab === 'here') expect(told).toBeDefined();
    }
  });
});

/** What kubeadm's own checks are called; those of a path or port stand for all of their kind. */
const CHECKS = [
  'IsPrivilegedUser',
  'NumCPU',
  'Mem',
  'KubernetesVersion',
  'KubeletVersion',
  'Port-6443',
  'FileAvailable--etc-kubernetes-manifests-etcd.yaml',
  'DirAvailable--var-lib-etcd',
  'HTTPProxy',
  'HTTPProxyCIDR',
  'CRI',
  'Swap',
  'SystemVerification',
  'Hostname',
  'Service-kubelet',
  'FileContent--proc-sys-net-bridge-bridge-nf-call-iptables',
  'FileContent--proc-sys-net-ipv4-ip_forward',
  'FileContent--proc-sys-net-ipv6-conf-default-forwarding',
  'FileExisting-crictl',
  'ExternalEtcdVersion',
  'ImagePull',
];

describe("kubeadm's own checks", () => {
  it.each(CHECKS)('%s leads back to a step', (name) => {
    const clue = clueOf(failure('control-plane/init', `\t[ERROR ${name}]: something`));
    expect(PREFLIGHT_ERRORS).toContain(clue);
  });

  it.each(['Firewalld', 'Hostname', 'HTTPProxy', 'ContainerRuntimeVersion'])(
    'a warning of %s is the cause only when there is no error',
    (name) => {
      const line = `\t[WARNING ${name}]: something`;
      expect(PREFLIGHT_WARNINGS).toContain(clueOf(failure('control-plane/init', line)));
      const both = { ...failure('control-plane/init', line), output: [line, '\t[ERROR Swap]: swap is on'] };
      expect(clueOf(both)?.diagnosis).toBe('H19');
    },
  );
});

describe('remedies', () => {
  it('name only steps and phases that exist', () => {
    const names = new Set<string>([
      ...PHASES.map((p) => p.id),
      ...allSteps().flatMap((s) => [s.id, s.id.split('/')[0] ?? '']),
    ]);
    const clues = allSteps().flatMap((s) => s.clues ?? []);
    const named = clues.flatMap((c) =>
      [...c.try.matchAll(/--only ([a-z0-9/-]+)/g)].map((m) => m[1] as string),
    );
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !names.has(name))).toEqual([]);
  });
});
