import type { Facts } from '../../src/model/facts.ts';
import type { Lock } from '../../src/model/lock.ts';
import { PLUGIN_RELEASES } from '../../src/model/plugin-release.ts';
import type { Finding, HostPlan, Plan } from '../../src/plan/plan.ts';
import type { RunEvent, StepState } from '../../src/run/event.ts';
import type { Step } from '../../src/steps/step.ts';
import { sh } from '../../src/shell/sh.ts';

/** A host as its facts tell. */
export const FACTS: Facts = {
  os: 'debian',
  osVersion: '12',
  codename: 'bookworm',
  osName: 'Debian GNU/Linux 12 (bookworm)',
  architecture: 'amd64',
  kernel: '6.1.0-28-amd64',
  hostname: 'cp-0',
  cpus: 4,
  memory: 8 * 1024 ** 3,
  cgroup: 2,
  bootId: '5e0f6a3e-6f0c-4e1b-9d51-1f0d6b1a2c3d',
  machineId: '0123456789abcdef0123456789abcdef',
  productUuid: '4c4c4544-0042-3510-8052-b4c04f564432',
  addresses: [{ device: 'eth0', address: '10.0.0.11', prefix: 24 }],
  links: [{ device: 'eth0', mac: '52:54:00:00:00:11', mtu: 1500 }],
  virtualization: 'none',
  routes: [{ to: 'default', device: 'eth0' }],
  defaultAddress: '10.0.0.11',
  ssh: { by: 'service', login: 'root' },
  lab: [],
  available: { kubeadm: ['1.36.3-1.1'] },
  keys: { 'https://pkgs.k8s.io': 'a'.repeat(64) },
};

/** What a cluster resolved to. */
export const LOCK: Lock = {
  kubernetes: '1.36.3',
  packages: {
    kubeadm: '1.36.3-1.1',
    kubelet: '1.36.3-1.1',
    kubectl: '1.36.3-1.1',
    'cri-tools': '1.36.0-1.1',
    'kubernetes-cni': '1.9.0-1.1',
    'cri-o': '1.36.1-1.1',
    'containerd.io': '2.3.5-1',
  },
  keys: { kubernetes: 'a'.repeat(64), crio: 'b'.repeat(64), docker: 'd'.repeat(64) },
  network: {
    plugin: 'flannel',
    version: PLUGIN_RELEASES.flannel.version,
    encapsulation: 'vxlan',
    mtu: 1450,
    files: {},
    images: PLUGIN_RELEASES.flannel.images,
  },
  images: {},
};

const KUBEADM = Array.from({ length: 74 }, (_, i) => `line ${i + 1} of the kubeadm file`).join('\n');

function right(n: number, phase: string): Finding[] {
  return Array.from({ length: n }, (_, i) => ({
    phase,
    step: `${phase}/right-${i}`,
    title: `Right already ${i}`,
    forecast: 'right' as const,
    reading: 'ok',
    want: 'ok',
  }));
}

/** The findings of a host that is half made. */
export const FINDINGS: readonly Finding[] = [
  ...right(3, 'prepare'),
  {
    phase: 'prepare',
    step: 'kernel/ip-forward',
    title: 'Let the kernel forward packets',
    forecast: 'make',
    reading: '0',
    want: '1',
  },
  {
    phase: 'packages',
    step: 'packages/hold',
    title: 'Keep Kubernetes packages where they are',
    forecast: 'make',
    reading: '',
    want: 'kubelet\nkubeadm\nkubectl\ncri-tools\nkubernetes-cni\ncri-o\nconntrack\nethtool\nsocat\nebtables',
  },
  {
    phase: 'runtime',
    step: 'runtime/storage',
    title: 'Where images and containers are kept',
    forecast: 'make',
    reading:
      '0644 root:root\n[crio]\nroot = "/var/lib/containers"\nlog_dir = "/var/log"\nx = 1\ny = 2\nz = 3\nlast = 1',
    want: '0644 root:root\n[crio]\nroot = "/data/containers"\nlog_dir = "/var/log"\nx = 1\ny = 2\nz = 3\nlast = 2',
    disturbs: 'service',
  },
  {
    phase: 'control-plane',
    step: 'cluster/kubeadm-config',
    title: 'The file kubeadm reads',
    forecast: 'make',
    reading: 'absent',
    want: `0600 root:root\n${KUBEADM}`,
    long: true,
  },
  ...['init', 'api-server', 'node-ready', 'network'].map(
    (name): Finding => ({
      phase: 'control-plane',
      step: `cluster/${name}`,
      title: `What ${name} asks for`,
      forecast: 'unknown',
      reading: '',
      want: 'ok',
      until: ['runtime/crio-running'],
    }),
  ),
];

/** A check that does not hold. */
export const IN_THE_WAY: Finding = {
  phase: 'prepare',
  step: 'host/swap',
  title: 'Swap is off',
  forecast: 'wrong',
  reading: '/dev/sda2 partition 2097148',
  want: '',
  note: 'read from /proc/swaps',
};

function hostPlan(host: string, address: string, findings: readonly Finding[]): HostPlan {
  return { host, address, facts: { ...FACTS, hostname: host }, findings };
}

/** A plan of these hosts. */
export function planOf(hosts: readonly HostPlan[], more: Partial<Plan> = {}): Plan {
  return {
    format: '1.0',
    cluster: 'harbour',
    lock: LOCK,
    source: 'c'.repeat(64),
    hosts,
    at: '2026-11-23T09:12:00.000Z',
    ms: 900,
    trips: 2,
    ...more,
  };
}

/** The plan of a one-node cluster that is half made. */
export const PLAN: Plan = planOf([hostPlan('cp-0', '10.0.0.11', FINDINGS)]);

/** A plan with nothing in it. */
export const EMPTY_PLAN: Plan = planOf([hostPlan('cp-0', '10.0.0.11', right(63, 'prepare'))]);

/** Three alike workers and a control plane with a check in the way. */
export const CROWD_PLAN: Plan = planOf([
  hostPlan('cp-0', '10.0.0.11', [IN_THE_WAY, ...right(5, 'prepare')]),
  ...[0, 1, 2].map((i) => hostPlan(`worker-${i}`, `10.0.0.2${i}`, FINDINGS.slice(0, 4))),
]);

const START = Date.parse('2026-11-23T09:12:00.000Z');

/** Tells a story second by second. */
export class Teller {
  readonly events: RunEvent[] = [];
  #now = START;

  get now(): number {
    return this.#now;
  }

  wait(seconds: number): void {
    this.#now += seconds * 1000;
  }

  tell(event: Record<string, unknown>): void {
    this.events.push({ at: new Date(this.#now).toISOString(), ...event } as unknown as RunEvent);
  }

  step(phase: string, host: string, step: string, title: string, state: StepState, more: object = {}): void {
    this.tell({ is: 'step', phase, host, step, title, state, ...more });
  }
}

const PHASES = [
  ['prepare', 'Prepare the host'],
  ['packages', 'Packages'],
  ['runtime', 'Container runtime'],
  ['control-plane', 'Control plane'],
  ['proof', 'Proof'],
] as const;

/** Begins a run of these hosts. */
export function begin(teller: Teller, hosts: readonly string[], command = 'apply'): void {
  teller.events.push({ is: 'version', format: '1.0', landfall: '0.1.0' });
  teller.tell({
    is: 'run',
    run: '20261123-091200-ab12',
    command,
    cluster: 'harbour',
    phases: PHASES.map(([id, title]) => ({ id, title, hosts })),
  });
}

/** A one-node create that goes well. */
export function goodStory(): Teller {
  const t = new Teller();
  begin(t, ['cp-0']);
  t.tell({ is: 'phase', phase: 'prepare', title: 'Prepare the host', hosts: ['cp-0'] });
  t.step('prepare', 'cp-0', 'host/swap', 'Swap is off', 'right', { ms: 12 });
  t.step('prepare', 'cp-0', 'kernel/ip-forward', 'Let the kernel forward packets', 'making', {
    reading: '0',
    want: '1',
  });
  t.wait(2);
  t.step('prepare', 'cp-0', 'kernel/ip-forward', 'Let the kernel forward packets', 'made', { ms: 2000 });
  t.tell({ is: 'phase-end', phase: 'prepare', made: 1, right: 1, failed: 0, left: 0, ms: 2000 });
  t.tell({ is: 'phase', phase: 'packages', title: 'Packages', hosts: ['cp-0'] });
  t.step('packages', 'cp-0', 'packages/kubelet', 'Install the packages', 'making', {
    reading: '',
    want: 'kubelet 1.36.3-1.1',
  });
  t.tell({
    is: 'output',
    phase: 'packages',
    host: 'cp-0',
    step: 'packages/kubelet',
    text: 'Unpacking kubelet (1.36.3-1.1) ...',
  });
  t.wait(21);
  t.step('packages', 'cp-0', 'packages/kubelet', 'Install the packages', 'made', { ms: 21000 });
  t.tell({ is: 'phase-end', phase: 'packages', made: 6, right: 0, failed: 0, left: 0, ms: 21000 });
  t.tell({
    is: 'notice',
    code: 'run/lost',
    host: 'cp-0',
    text: 'lost cp-0; the work goes on there, looking for it again',
  });
  t.tell({ is: 'phase', phase: 'control-plane', title: 'Control plane', hosts: ['cp-0'] });
  t.step('control-plane', 'cp-0', 'cluster/init', 'Create the cluster', 'making', {
    reading: 'no cluster',
    want: 'initialised',
  });
  t.wait(8);
  t.step('control-plane', 'cp-0', 'cluster/api-server', 'The API server answers', 'waiting', {
    reading: 'connection refused\nto 10.0.0.11:6443',
    awaits: 'the API server',
    within: 240,
  });
  t.wait(6);
  return t;
}

/** The rest of it, to the end. */
export function goodEnd(t: Teller): Teller {
  t.step('control-plane', 'cp-0', 'cluster/api-server', 'The API server answers', 'right', { ms: 14000 });
  t.tell({ is: 'phase-end', phase: 'control-plane', made: 9, right: 1, failed: 0, left: 0, ms: 14000 });
  t.tell({ is: 'phase', phase: 'proof', title: 'Proof', hosts: ['cp-0'] });
  t.step('proof', 'cp-0', 'proof/pod', 'a pod runs from a pinned image', 'made', { ms: 2100 });
  t.step('proof', 'cp-0', 'proof/node', 'the node reaches the pod', 'right', { ms: 90 });
  t.step('proof', 'here', 'proof/nodeport', 'from here, through its NodePort', 'right', { ms: 31 });
  t.tell({ is: 'phase-end', phase: 'proof', made: 1, right: 2, failed: 0, left: 0, ms: 3000 });
  t.wait(3);
  t.tell({ is: 'end', exit: 0, made: 31, ms: 72_000 });
  return t;
}

/** A run in which CRI-O does not start. */
export function badStory(): Teller {
  const t = new Teller();
  begin(t, ['cp-0']);
  t.tell({ is: 'phase', phase: 'runtime', title: 'Container runtime', hosts: ['cp-0'] });
  t.step('runtime', 'cp-0', 'runtime/crio-running', 'Run CRI-O', 'making', {
    reading: 'inactive',
    want: 'active',
  });
  for (let i = 0; i < 30; i += 1) {
    t.tell({
      is: 'output',
      phase: 'runtime',
      host: 'cp-0',
      step: 'runtime/crio-running',
      text: `crio[2114]: line ${i}`,
    });
  }
  t.wait(3);
  t.step('runtime', 'cp-0', 'runtime/crio-running', 'Run CRI-O', 'failed', {
    reading: 'failed',
    want: 'active',
    status: 1,
    ms: 3000,
  });
  for (const name of ['crictl', 'kubelet']) {
    t.step('runtime', 'cp-0', `runtime/${name}`, `Set up ${name}`, 'skipped');
  }
  t.tell({ is: 'phase-end', phase: 'runtime', made: 0, right: 0, failed: 1, left: 2, ms: 3000 });
  t.tell({
    is: 'problem',
    problem: {
      code: 'runtime/crio-running',
      host: 'cp-0',
      summary: 'CRI-O does not start on cp-0',
      saw: 'crio[2114]: validating runtime config: invalid runtime_path for runtime \'runc\':\n"stat /usr/lib/cri-o-runc/sbin/runc: no such file or directory"',
      why: 'a drop-in left by an old package points to a program that is gone (H14)',
      try: 'landfall apply --only runtime      it removes /etc/crio/crio.conf.d/01-crio-runc.conf and starts CRI-O',
      more: 'landfall explain H14               the run: landfall runs show 20261123-091200-ab12',
      exit: 1,
    },
  });
  t.tell({ is: 'end', exit: 1, made: 0, ms: 3500 });
  return t;
}

/** A phase on many workers, some slow, some failed. */
export function crowdStory(hosts: readonly string[]): Teller {
  const t = new Teller();
  begin(t, hosts);
  t.tell({ is: 'phase', phase: 'packages', title: 'Packages', hosts });
  for (const [i, host] of hosts.entries()) {
    t.step('packages', host, 'packages/kubelet', 'Install the packages', 'making', {
      reading: '',
      want: 'x',
    });
    if (i % 3 === 0) {
      t.step('packages', host, 'packages/kubelet', 'Install the packages', i % 9 === 0 ? 'failed' : 'made', {
        reading: '',
        want: 'x',
        status: 100,
        ms: 9,
      });
    }
    if (i % 4 === 0) t.wait(1);
  }
  return t;
}

/** Steps with everything a step can have. */
export const STEPS: readonly Step[] = [
  {
    id: 'kernel/ip-forward',
    title: 'Let the kernel forward packets',
    why: 'A packet for a pod comes in on one interface and leaves on another. With forwarding off the kernel drops it, and kubeadm refuses to start.',
    see: ['https://kubernetes.io/docs/setup/production-environment/container-runtimes/', 'man 5 sysctl.d'],
    read: sh`sysctl -n net.ipv4.ip_forward; probe sysctl_files | tail -n1`,
    want: '1\nnet.ipv4.ip_forward = 1',
    make: sh`
      printf '%s\n' 'net.ipv4.ip_forward = 1' >/etc/sysctl.d/99-zz-landfall.conf
      sysctl -p /etc/sysctl.d/99-zz-landfall.conf`,
    undo: sh`rm -f /etc/sysctl.d/99-zz-landfall.conf`,
    probes: [{ name: 'sysctl_files', run: sh`cat /etc/sysctl.d/*.conf 2>/dev/null` }],
    clues: [
      {
        match: /ip_forward.*(Read-only|permission denied)/i,
        means: 'this machine may not change its own kernel settings: it is a container',
        try: 'use a real server or a virtual machine',
        diagnosis: 'H18',
      },
      {
        match: /cannot stat \/proc\/sys|No such file/,
        means: 'the kernel has no such setting',
        try: 'look at uname -r',
      },
    ],
  },
  {
    id: 'cluster/api-server',
    title: 'The API server answers',
    why: 'Everything after this asks the API server.',
    read: sh`kubectl get --raw /readyz`,
    want: 'ok',
    after: ['kernel/ip-forward'],
    disturbs: 'service',
    within: 240,
    awaits: 'the API server',
  },
];
