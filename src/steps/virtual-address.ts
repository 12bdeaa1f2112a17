import { isFirstControlPlane } from '../model/cluster.ts';
import type { VirtualAddress } from '../model/cluster.ts';
import { type Shell, sh } from '../shell/sh.ts';
import { balanceSteps } from './balance.ts';
import { DISK_CLUES } from './clues.ts';
import { deviceOf, HEAD, keepalivedText, MEMBER_BEGINS } from './keepalived-text.ts';
import { check } from './kinds/check.ts';
import { distributionPackage } from './kinds/distribution-package.ts';
import { file, lookAtFile } from './kinds/file.ts';
import { ownFile } from './kinds/own-file.ts';
import { reloaded } from './kinds/reloaded.ts';
import { apiPort, nodeAddress } from './node.ts';
import type { Scene } from './phase.ts';
import { ENDPOINT_FILES, FILES } from './places.ts';
import type { Clue, Step } from './step.ts';

const VRRP = 'https://www.rfc-editor.org/rfc/rfc5798';
const MANUAL = 'https://www.keepalived.org/manpage.html';

/** What the node is asked to hold with the others, when it is asked to. */
export function virtualOf({ cluster, node }: Scene): VirtualAddress | undefined {
  return node.role === 'control-plane' ? cluster.endpoint.virtual : undefined;
}

/** keepalived on a control plane: it runs before there is a cluster, and needs nothing of one. */
export function virtualAddressSteps(scene: Scene): readonly Step[] {
  const virtual = virtualOf(scene);
  if (virtual === undefined) return [];
  return [
    distributionPackage(
      {
        id: 'endpoint/keepalived',
        title: 'Have keepalived, which moves the address',
        why: 'The address must be somewhere before there is a cluster, and stay so while etcd or the API server is broken. keepalived has done nothing else for twenty years: hosts tell each other twice a second that they live, and when the one with the address falls silent another takes it. It asks no cluster.',
        see: [MANUAL],
      },
      'keepalived',
    ),
    distributionPackage(
      {
        id: 'endpoint/curl',
        title: 'Have curl, which asks the API server',
        why: 'Whether an API server is ready it says itself, over TLS. Not every server has a program that can ask it.',
        see: ['man 1 curl'],
      },
      'curl',
    ),
    ...balanceSteps(scene, virtual),
    apiReadyScript(scene, virtual),
    settings(scene, virtual),
    startedAgain(),
    running(virtual),
  ];
}

/** The address is where somebody answers under it: from here on kubeadm and kubelet ask for the API server there. */
export function heldSteps(scene: Scene): readonly Step[] {
  const virtual = virtualOf(scene);
  if (virtual === undefined) return [];
  const { address } = virtual;
  return [
    check(
      {
        id: 'endpoint/held',
        title: `See that ${address} is held`,
        why: 'kubeadm writes the endpoint into everything it makes, and speaks to the API server through it at once. So the address is there first, and the API server behind it later.',
        see: [VRRP],
        after: ['endpoint/running'],
        within: 20,
        awaits: `a control plane to take ${address}`,
        clues: [
          {
            match: /^held by nobody/,
            means: `no host answers for ${address}: keepalived does not run where it should, or has just lost its network`,
            try: 'on each control plane: systemctl status keepalived; journalctl -u keepalived -n 30',
          },
        ],
      },
      {
        read: sh`
          if ${heldHere(address)}; then echo held
          else
            ${neighbour(address, deviceOf(scene, virtual))}
            if [ -n "$mac" ]; then echo held; else echo 'held by nobody'; fi
          fi`,
        want: 'held',
      },
    ),
  ];
}

/** A command that succeeds where the host has the address by now. */
export function heldHere(address: string): Shell {
  return sh`ip -4 -o addr show to ${`${address}/32`} | grep -q .`;
}

/** `$mac` becomes the hardware address of whoever answers for an address, if anybody does. */
export function neighbour(address: string, device: string): Shell {
  return sh`
    timeout 1 bash -c ': </dev/tcp/$0/6443' ${address} 2>/dev/null || :
    mac=$(ip -4 neigh show ${address} dev ${device} 2>/dev/null | sed -n 's/.*lladdr \([^ ]*\).*/\1/p')`;
}

function apiReadyScript({ cluster, node, facts }: Scene, { balance = false }: VirtualAddress): Step {
  const own = `https://${nodeAddress(node, facts)}:${apiPort(cluster)}/readyz`;
  const balanced = balance ? `\nask https://127.0.0.1:${cluster.endpoint.port}/readyz` : '';
  return file(
    {
      id: 'endpoint/api-ready',
      title: 'Write down how the API server is asked',
      why: 'The address belongs to a host whose API server is ready, not to one that merely runs. So it is asked for that, on this very host, with its certificate checked; two seconds without an answer are a no.',
      see: ['https://kubernetes.io/docs/reference/using-api/health-checks/'],
      after: ['endpoint/keepalived', 'endpoint/curl'],
    },
    {
      path: ENDPOINT_FILES.apiReady,
      content: `#!/bin/sh
${HEAD}: whether this host's own API server is ready${balance ? ', and HAProxy leads to one' : ''}. keepalived asks it every second.
${balance ? `set -e\nask() { curl -fs -o /dev/null -m 1 --noproxy '*' --cacert /etc/kubernetes/pki/ca.crt "$1"; }\nask ${own}${balanced}` : `exec curl -fs -o /dev/null -m 2 --noproxy '*' --cacert /etc/kubernetes/pki/ca.crt ${own}`}
`,
      mode: '0755',
    },
  );
}

/**
 * Who leads is the control plane that came first, and another one while that is silent. What that one's file holds it back by until it
 * has joined changes nothing any more: it is read past, so that a host that is silent for a while changes no other's file.
 */
function settings(scene: Scene, virtual: VirtualAddress): Step {
  const path = ENDPOINT_FILES.keepalived;
  const step = file(
    {
      id: 'endpoint/settings',
      title: `Say who holds ${virtual.address}, and when`,
      why: 'The hosts agree by one rule: whose API server is ready outbids all whose is not, and among equals the address stays where it is. They call each other by address, not the whole network, which many networks do not pass on. There is no password: it would travel as plain text, and what is believed comes from these addresses alone.',
      see: [MANUAL, VRRP],
      after: ['endpoint/api-ready'],
    },
    { path, content: keepalivedText(scene, virtual) },
  );
  if (!isFirstControlPlane(scene.cluster, scene.node)) return step;
  const past = `/^${MEMBER_BEGINS}/,/^$/d; /^    member$/d`;
  return {
    ...step,
    read: sh`
      { ${lookAtFile(path)}; } |
        if [ -e ${FILES.initialised} ]; then sed ${past}; else cat; fi`,
  };
}

/** As the distribution has the unit, one that has died stays dead. */
function startedAgain(): Step {
  return ownFile(
    {
      id: 'endpoint/restart',
      title: 'Have keepalived started again when it dies',
      why: 'A keepalived that was killed, for want of memory say, may leave the address on a host that no longer knows of it, while another host takes it too. Started again it first gives back what it does not hold, and then takes its part.',
      see: ['man 5 systemd.service'],
      after: ['endpoint/keepalived'],
    },
    {
      path: ENDPOINT_FILES.unit,
      content: `${HEAD}: keepalived is started again whenever it ends unasked.
[Unit]
StartLimitIntervalSec=0
[Service]
Restart=always
RestartSec=1
TimeoutStopSec=5
`,
    },
  );
}

const RUNNING: readonly Clue[] = [
  {
    match: /^ActiveState=/,
    means: 'keepalived does not start, or was stopped',
    try: 'journalctl -u keepalived -n 50 --no-pager says why: a device that is not there, or a line of its file',
  },
  ...DISK_CLUES,
];

/** A holder that stops gives the address away, or nobody has it: so it is never started anew. */
function running(virtual: VirtualAddress): Step {
  return reloaded(
    {
      id: 'endpoint/running',
      title: 'Run keepalived, now and after every boot',
      why: 'A host without it never takes the address over, and that shows only in the hour in which it should. It starts with the host, before and without Kubernetes.',
      see: ['man 8 keepalived'],
      after: [
        'endpoint/keepalived',
        'endpoint/settings',
        'endpoint/restart',
        ...(virtual.balance === true ? (['endpoint/balancing'] as const) : []),
      ],
      within: 10,
      awaits: 'keepalived',
      clues: RUNNING,
    },
    { unit: 'keepalived', reads: ['/etc/keepalived', '/etc/default/keepalived', ENDPOINT_FILES.unit] },
  );
}
