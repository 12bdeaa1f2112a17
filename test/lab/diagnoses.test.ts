import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allSteps } from '../../src/cli/list.ts';
import { writeLock } from '../../src/config/lock-text.ts';
import { breakLab } from '../../src/lab/break.ts';
import type { Fault } from '../../src/lab/fault.ts';
import type { Lab } from '../../src/lab/spec.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { clueOf, type Failure } from '../../src/run/failure.ts';
import { BREAKS } from './breaks.ts';
import { HANDS } from './hands.ts';
import { DIAGNOSES } from './diagnoses.ts';
import {
  cleared,
  clusterYaml,
  type Desk,
  desk,
  events,
  freshLab,
  landfall,
  onHost,
  put,
  well,
  wellOnHost,
} from './harness.ts';
import { eventually } from './live.ts';

/*
 * The diagnoses a lab host can show, provoked on one: what Landfall then says names the cause by its number. They share rounds
 * as far as they let each other be seen. What programs say, real kubeadm's own checks above all, is shown to the clues as it
 * was said here and now.
 */

const NAME = 'test-diagnoses';
const HOST = 'cp-0';

let lab: Lab;
let place: Desk;
const shown = new Set<string>();

beforeAll(async () => {
  lab = await freshLab(NAME);
  place = desk();
  put(place, 'cluster.yaml', clusterYaml(lab));
  // Versions and the size of packets are known, as on a new host of a cluster that was planned: a network that carries less is found
  // by the host's own check then, and not when a size is chosen.
  const { lock } = JSON.parse((await well(place, 'plan', '--json')).stdout) as Plan;
  writeLock(join(place.dir, 'landfall.lock'), lock);
});

afterAll(() => cleared(NAME, place));

const byHand = (script: string): Promise<string> => wellOnHost(lab, HOST, `${HANDS}\n${script}`);

/** Whether the machine has the old cgroups, and its lab hosts with it. */
const hasOldCgroups = async (): Promise<boolean> =>
  (await byHand('grep -c ^cgroup-v1 /etc/landfall-lab || :')).trim() !== '0';

/** A trouble, how a hand makes it and takes it away, and the step whose message names it. */
interface Trouble {
  readonly diagnosis: string;
  readonly step: string;
  readonly by: string;
  readonly mend: string;
}

/** A trouble as the hands of the break test make it. */
function broken(diagnosis: string, step: string, how: RegExp = /./): Trouble {
  const entry = BREAKS[step];
  const all = entry === undefined ? [] : 'cannot' in entry ? (entry.fresh ?? []) : entry;
  const one = all.find((b) => how.test(b.how) && b.ends !== undefined && 'mend' in b.ends);
  if (one?.ends === undefined || !('mend' in one.ends)) throw new Error(`nobody breaks ${step} like that`);
  return { diagnosis, step, by: one.by, mend: one.ends.mend };
}

/** Makes the troubles, runs landfall, and finds each named by its number in the message of its step. */
async function named(troubles: readonly Trouble[], ...args: readonly string[]): Promise<void> {
  try {
    for (const { by } of troubles) await byHand(by);
    const ended = await landfall(place, ...args, '--json');
    expect(ended.status, ended.stderr).toBe(1);
    const problems = events(ended).flatMap((e) => (e.is === 'problem' ? [e.problem] : []));
    for (const { step, diagnosis } of troubles) {
      const problem = problems.find((p) => p.code === step);
      expect([step, problem?.why], JSON.stringify(problems)).toEqual([
        step,
        expect.stringMatching(`\\(${diagnosis}\\)$`),
      ]);
      expect(problem?.try).toMatch(/\S/);
      shown.add(diagnosis);
    }
  } finally {
    for (const { mend } of troubles) await onHost(lab, HOST, `${HANDS}\n${mend}`);
  }
}

/** The number a step gives to what was printed, or read. */
function number(id: string, told: Partial<Pick<Failure, 'output' | 'reading'>>): string | undefined {
  const found = allSteps().find(({ step }) => step.id === id);
  if (found === undefined) throw new Error(`there is no step ${id}`);
  const nothing = { reading: '', note: '', output: [], run: '' };
  return clueOf({ ...nothing, ...told, host: HOST, step: found.step, state: 'failed' })?.diagnosis;
}

/** What a plan reads of a step is soon understood as this. */
async function readAs(diagnosis: string, step: string): Promise<void> {
  let reading = '';
  const look = async (): Promise<true | undefined> => {
    const plan = JSON.parse((await well(place, 'plan', '--json', '--only', step)).stdout) as Plan;
    reading = plan.hosts[0]?.findings.find((f) => f.step === step)?.reading ?? '';
    return number(step, { reading }) === diagnosis ? true : undefined;
  };
  await eventually(`${step} tells of ${diagnosis}`, look, 120_000).catch((cause: unknown) => {
    throw new Error(`${step} reads: ${reading}`, { cause });
  });
  shown.add(diagnosis);
}

const fault = (one: Fault): Promise<string> => breakLab(NAME, one);

describe('before anything is made', () => {
  test('all that is wrong with the host is named at once', async () => {
    const hasV1 = await hasOldCgroups();
    await named(
      [
        broken('H03', 'preflight/clock'),
        broken('H12', 'preflight/other-runtime'),
        broken('H19', 'preflight/swap'),
        broken('H20', 'preflight/cpus'),
        broken('H21', 'preflight/other-cluster', /k3s/),
        ...(hasV1 ? [broken('H22', 'preflight/cgroup')] : []),
        broken('H25', 'preflight/registries'),
        broken('H51', 'preflight/resolver'),
        broken('H54', 'preflight/mtu'),
        broken('H55', 'preflight/networks'),
        broken('H102', 'preflight/identity'),
      ],
      'apply',
      '--yes',
    );
  });
});

describe('packages', () => {
  const apply = ['apply', '--yes', '--only', 'prepare', '--only', 'packages'] as const;

  test.each<[string, string, Fault]>([
    ['H07', 'packages/known', { is: 'depot-unsigned', pattern: 'pkgs.k8s.io' }],
    ['H06', 'packages/installed', { is: 'depot-missing', pattern: 'pkgs.k8s.io/*kubelet*' }],
  ])('%s, from %s', async (diagnosis, step, wrong) => {
    await fault(wrong);
    try {
      await named([{ diagnosis, step, by: ':', mend: ':' }], ...apply);
    } finally {
      await fault({ is: 'heal' });
    }
  });
});

/** Undoes on a prepared host what kubeadm looks for, and puts it back. */
const UNDONE: readonly (readonly [diagnosis: string, by: string, mend: string])[] = [
  [
    'H10',
    `sed /^kubernetesVersion:/d $config >/root/any.yaml; config=/root/any.yaml; keep /etc/hosts; sed -i 's/^[0-9.]* dl[.]k8s[.]io/127.0.0.1 dl.k8s.io/' /etc/hosts`,
    'config=$own; back /etc/hosts',
  ],
  ['H11', 'systemctl stop crio', 'systemctl start crio'],
  ['H18', 'sysctl -qw net.ipv4.ip_forward=0', 'sysctl -qw net.ipv4.ip_forward=1'],
  ['H20', 'few="taskset 1"', 'few='],
  [
    'H21',
    'mkdir -p /etc/kubernetes/manifests; echo x >/etc/kubernetes/manifests/etcd.yaml',
    'rm -r /etc/kubernetes/manifests',
  ],
  [
    'H23',
    `sed 's/^  name: .*/  name: nowhere.invalid/' $config >/root/nowhere.yaml; config=/root/nowhere.yaml`,
    'config=$own',
  ],
  [
    'H24',
    `printf '[Service]\\nExecStart=/usr/bin/sleep infinity\\n' >/run/systemd/system/firewalld.service; systemctl daemon-reload; systemctl start firewalld`,
    'systemctl stop firewalld; rm /run/systemd/system/firewalld.service; systemctl daemon-reload',
  ],
  [
    'H28',
    `keep /etc/crio/crio.conf.d/20-landfall.conf; sed -i 's/pause:[0-9.]*/pause:3.1/' /etc/crio/crio.conf.d/20-landfall.conf; systemctl restart crio`,
    'back /etc/crio/crio.conf.d/20-landfall.conf; systemctl restart crio',
  ],
  ['H30', `sed 's/v1beta4/v1beta1/' $config >/root/old.yaml; config=/root/old.yaml`, 'config=$own'],
];

describe('a host that is prepared', () => {
  beforeAll(async () => {
    await well(
      place,
      'apply',
      '--yes',
      '--only',
      'prepare',
      '--only',
      'packages',
      '--only',
      'runtime',
      '--only',
      'control-plane/kubeadm-config',
      '--only',
      'control-plane/images',
    );
  });

  test('kubeadm init phase preflight passes', async () => {
    const said = await onHost(
      lab,
      HOST,
      'kubeadm init phase preflight --config /etc/kubernetes/landfall/kubeadm.yaml 2>&1',
    );
    expect([said.status, said.stdout]).toEqual([0, expect.not.stringContaining('[ERROR')]);
  });

  test.each(UNDONE)('what kubeadm says of %s is understood', async (diagnosis, by, mend) => {
    const said = await byHand(`own=/etc/kubernetes/landfall/kubeadm.yaml; config=$own; few=
${by}
$few kubeadm init phase preflight --config "$config" 2>&1 || :
${mend}`);
    const lines = said.split('\n').filter((line) => /ERROR|WARNING|inconsistent|could not/i.test(line));
    // Each line by itself, too: what else this host is warned of does not hide it.
    const numbers = [
      number('control-plane/init', { output: lines }),
      ...lines.map((line) => number('control-plane/init', { output: [line] })),
      ...lines.map((line) => number('control-plane/config-valid', { output: [line] })),
    ];
    expect(numbers, said).toContain(diagnosis);
    shown.add(diagnosis);
  });
});

describe('a living cluster', () => {
  beforeAll(async () => {
    await well(place, 'apply', '--yes', '--no-proof');
  });

  test('what its checks and its runtime find', async () => {
    await named(
      [broken('H16', 'runtime/no-stray-networks', /somebody else/)],
      'apply',
      '--yes',
      '--only',
      'runtime/no-stray-networks',
    );
    await named(
      [broken('H14', 'runtime/programs', /own drop-in/)],
      'apply',
      '--yes',
      '--only',
      'runtime/programs',
    );
    await named(
      [broken('H30', 'control-plane/config-valid')],
      'apply',
      '--yes',
      '--only',
      'control-plane/config-valid',
    );
  });

  test('what its workloads wait for is read from them', async () => {
    const dns = 'kube -n kube-system get deployment coredns -o';
    const image = (await byHand(`${dns} 'jsonpath={.spec.template.spec.containers[0].image}'`)).trim();
    const becomes = (name: string): Promise<string> =>
      byHand(`kube -n kube-system set image deployment/coredns coredns=${name}`);
    const conflist = '/etc/cni/net.d/10-flannel.conflist';
    try {
      await byHand(`kube -n kube-system scale deployment coredns --replicas=0
kube -n kube-system wait --for=delete pod -l k8s-app=kube-dns --timeout=60s
keep ${conflist}; rm ${conflist}`);
      await readAs('H37', 'network/nodes-ready');
      await byHand('kube -n kube-system scale deployment coredns --replicas=2');
      await readAs('H38', 'network/dns');
      // flannel has written its file, but does not tell which addresses are its own: the node is ready, and still no pod starts.
      await byHand(`keep /run/flannel/subnet.env; rm /run/flannel/subnet.env; back ${conflist}`);
      await readAs('H40', 'network/dns');
    } finally {
      await onHost(
        lab,
        HOST,
        `${HANDS}\n[ -e ${conflist} ] || back ${conflist}; back /run/flannel/subnet.env; kube -n kube-system delete pods -l k8s-app=kube-dns --wait=false`,
      );
    }
    try {
      // The taint first: a pod that tolerates nothing would find its place before it.
      await byHand(`kube taint node --all node-role.kubernetes.io/control-plane:NoSchedule
kube -n kube-system patch deployment coredns --type=json -p '[{"op":"remove","path":"/spec/template/spec/tolerations"}]'`);
      await readAs('H39', 'network/dns');
      await becomes(image.replace(/:[^:]*$/, ''));
      await byHand('kube taint node --all node-role.kubernetes.io/control-plane-');
      await readAs('H42', 'network/dns');
    } finally {
      await onHost(
        lab,
        HOST,
        `${HANDS}\nkube taint node --all node-role.kubernetes.io/control-plane-; kube -n kube-system rollout undo deployment coredns --to-revision=1`,
      );
    }
    await byHand('kube -n kube-system rollout status deployment coredns --timeout=120s --request-timeout=0');
  });

  test('a pod that does not heed the signal is told from a node that does not end it', async () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'deaf' },
      spec: {
        hostNetwork: true,
        containers: [
          {
            name: 'deaf',
            image: 'registry.k8s.io/e2e-test-images/agnhost:2.63.0',
            args: ['netexec', '--http-port=18080', '--udp-port=-1', '--delay-shutdown=60'],
          },
        ],
      },
    };
    const kube = 'kube -n landfall-proof';
    await byHand(`kube create namespace landfall-proof; await ${kube} get serviceaccount default
${kube} create -f - <<'END'
${JSON.stringify(pod)}
END
${kube} wait --for=condition=Ready pod/deaf --timeout=60s
kube delete namespace landfall-proof --wait=false`);
    await readAs('H41', 'workloads/no-proof');
    await byHand(
      `${kube} delete pod deaf --grace-period=0 --force; kube wait --for=delete namespace/landfall-proof --timeout=60s`,
    );
  });

  test('why kubelet stops again is in what it said last', async () => {
    const again = 'systemctl daemon-reload; systemctl reset-failed kubelet; systemctl restart kubelet || :';
    const given = (args: string): string =>
      `echo 'KUBELET_EXTRA_ARGS=${args}' >/etc/default/kubelet; ${again}`;
    try {
      await byHand(given('--no-such-flag'));
      await readAs('H32', 'control-plane/kubelet');
      await byHand(given('--feature-gates=Gone=true'));
      await readAs('H33', 'control-plane/kubelet');
    } finally {
      await byHand(`rm /etc/default/kubelet; ${again}`);
    }
    // Later than the lab's own.
    const silent = '/run/systemd/system/kubelet.service.d/zz-hand.conf';
    await named(
      [
        {
          diagnosis: 'H31',
          step: 'control-plane/kubelet',
          by: `mkdir -p "$(dirname ${silent})"; printf '[Service]\\nExecStart=\\nExecStart=/bin/false\\n' >${silent}; ${again}`,
          mend: `rm ${silent}; ${again}`,
        },
      ],
      'apply',
      '--yes',
      '--only',
      'control-plane/kubelet',
    );
  });

  /** Waits until nothing is left to do: only then is anything proven. */
  async function settled(): Promise<void> {
    const limit = Date.now() + 120_000;
    while ((await landfall(place, 'plan', '--exit-code')).status !== 0)
      if (Date.now() > limit) throw new Error('something is still to be made');
  }

  /** What a firewall is told in the way of the proof, and the steps of it that then name a cause. */
  const FIREWALLS: readonly (readonly [
    how: string,
    rules: string,
    told: Readonly<Record<string, string>>,
  ])[] = [
    [
      'what comes from outside',
      'nft add rule inet hand i iifname eth0 tcp dport 30000-32767 drop',
      { 'proof/from-outside': 'H43' },
    ],
    [
      'pods, and questions for names',
      `nft add rule inet hand f ip saddr 10.244.0.0/16 ip daddr 10.244.0.0/16 tcp dport 80 drop
nft add rule inet hand f meta l4proto '{ tcp, udp }' th dport 53 reject`,
      { 'proof/pod-to-pod': 'H44', 'proof/dns-short': 'H52' },
    ],
  ];

  test.each(FIREWALLS)('what only the proof finds, behind a firewall against %s', async (_, rules, told) => {
    await settled();
    try {
      await byHand(`nft add table inet hand
nft add chain inet hand f '{ type filter hook forward priority -10; }'
nft add chain inet hand i '{ type filter hook prerouting priority -310; }'
${rules}`);
      const ended = await landfall(place, 'status', '--prove');
      expect(ended.status).toBe(1);
      const said = ended.stderr.split(/^(?=error\[)/m);
      for (const [step, diagnosis] of Object.entries(told)) {
        const one = said.find((text) => text.startsWith(`error[${step}]`)) ?? '';
        expect(one.replace(/\s+/g, ' '), ended.stderr).toContain(`(${diagnosis})`);
        shown.add(diagnosis);
      }
    } finally {
      await byHand('nft delete table inet hand');
    }
    // It took itself away all the same.
    expect((await byHand('kube get pods -n landfall-proof -o name')).trim()).toBe('');
  });

  test('kubelet is well again, and the proof holds', async () => {
    await well(place, 'apply', '--yes', '--prove');
  });
});

test('everything that can be shown here was', async () => {
  const here = Object.entries(DIAGNOSES).flatMap(([id, { lab: where, as }]) =>
    where === 'here' ? [as ?? id] : [],
  );
  // A machine with the new cgroups alone cannot be made to show the old ones.
  if (!(await hasOldCgroups())) shown.add('H22');
  expect(here.filter((id) => !shown.has(id))).toEqual([]);
});
