import { controlPlanes, type VirtualAddress } from '../model/cluster.ts';
import { sh } from '../shell/sh.ts';
import { DISK_CLUES } from './clues.ts';
import { HEAD } from './keepalived-text.ts';
import { distributionPackage } from './kinds/distribution-package.ts';
import { file } from './kinds/file.ts';
import { onlyOurs } from './kinds/ours.ts';
import { ownFile } from './kinds/own-file.ts';
import { reloaded } from './kinds/reloaded.ts';
import { apiPort, nodeAddress } from './node.ts';
import type { Scene } from './phase.ts';
import { ENDPOINT_FILES } from './places.ts';
import type { Step } from './step.ts';

const MANUAL = 'https://docs.haproxy.org/';

/** What HAProxy is told: whoever asks the endpoint is led to any API server that calls itself ready. */
export function balanceText({ cluster, hosts }: Scene): string {
  // In an order that does not depend on who leads.
  const servers = controlPlanes(cluster)
    .map((node) => `  server ${node.name} ${nodeAddress(node, hosts[node.name])}:${apiPort(cluster)}\n`)
    .toSorted();
  return `${HEAD}: the API servers of ${cluster.name}, behind one port.
global
  log /dev/log local0 notice
  user haproxy
  group haproxy

defaults
  log global
  mode tcp
  option dontlognull
  # Who cannot be reached at once is not asked a second time: another is.
  option redispatch 1
  retries 2
  timeout connect 500ms
  timeout check 2s
  # Who watches an object, or a log, says nothing for hours.
  timeout client 4h
  timeout server 4h

listen api
  bind *:${cluster.endpoint.port}
  balance leastconn
  option httpchk GET /readyz
  http-check expect status 200
  # Whether it is ready is asked here; whether it is the right one, whoever connects asks for himself.
  default-server check check-ssl verify none inter 1s fastinter 250ms fall 2 rise 2 on-marked-down shutdown-sessions
${servers.join('')}`;
}

function program(): Step {
  const step = distributionPackage(
    {
      id: 'endpoint/haproxy',
      title: 'Have HAProxy, which spreads the requests',
      why: 'An address is on one host at a time, and all requests with it: of three API servers two would have nothing to do. HAProxy on the host with the address hands each connection to the one that has the fewest.',
      see: [MANUAL],
    },
    'haproxy',
  );
  return {
    ...step,
    // Of what it makes while it runs, and of the folder its unit mounts the journal into, the package takes nothing along.
    undo: sh`
      ${step.undo ?? sh``}
      if ! [ -e /usr/sbin/haproxy ]; then
        rm -rf /run/haproxy /run/haproxy.pid /run/haproxy-master.sock
        rm -f /var/lib/haproxy/dev/log
        rmdir /var/lib/haproxy/dev /var/lib/haproxy 2>/dev/null || :
      fi`,
  };
}

/** HAProxy on a control plane whose virtual address is to lead to all API servers. */
export function balanceSteps(scene: Scene, { balance = false }: VirtualAddress): readonly Step[] {
  if (!balance) return [];
  return [
    program(),
    file(
      {
        id: 'endpoint/servers',
        title: 'Say which API servers there are',
        why: 'Each is asked once a second whether it is ready, and gets nobody while it is not. One that dies takes its connections with it at once, so that nobody waits for an answer that never comes.',
        see: [MANUAL],
        after: ['endpoint/haproxy'],
      },
      { path: ENDPOINT_FILES.haproxy, content: balanceText(scene) },
    ),
    ownFile(
      {
        id: 'endpoint/balancer-restart',
        title: 'Have HAProxy started again when it dies',
        why: 'systemd gives up after five starts in ten seconds, and waits a minute and a half for what an HAProxy that was killed has left running, before it starts the next. So long this host would be no good for the address.',
        see: ['man 5 systemd.service'],
        after: ['endpoint/haproxy'],
      },
      {
        path: ENDPOINT_FILES.haproxyUnit,
        content: `${HEAD}: HAProxy is started again whenever it ends unasked.
[Unit]
StartLimitIntervalSec=0
[Service]
Restart=always
RestartSec=1
TimeoutStopSec=5
`,
      },
    ),
    reloaded(
      {
        id: 'endpoint/balancing',
        title: 'Run HAProxy, now and after every boot',
        why: 'The address comes to a host within seconds; what answers behind it must be there by then.',
        see: ['man 1 haproxy'],
        after: ['endpoint/haproxy', 'endpoint/servers', 'endpoint/balancer-restart'],
        within: 10,
        awaits: 'HAProxy',
        clues: [
          {
            match: /^ActiveState=/,
            means: 'HAProxy does not start, or was stopped',
            try: 'haproxy -c -f /etc/haproxy/haproxy.cfg; journalctl -u haproxy -n 30 --no-pager: mostly another program listens on its port',
          },
          ...DISK_CLUES,
        ],
      },
      { unit: 'haproxy', reads: ['/etc/haproxy', '/etc/default/haproxy', ENDPOINT_FILES.haproxyUnit] },
    ),
  ];
}

/** Nobody else uses the program: it reads one file. */
export function ownHaproxy({ balance = false }: VirtualAddress): readonly Step[] {
  if (!balance) return [];
  return [
    onlyOurs(
      {
        id: 'preflight/haproxy',
        title: 'Have no other use for HAProxy',
        why: 'HAProxy reads one file. Where a host balances something of yours by it already, Landfall would have to put its own in place of it.',
        see: [MANUAL],
      },
      ENDPOINT_FILES.haproxy,
      HEAD,
      'take another host; or, when that file is needed no more, move it away and stop haproxy; or leave balance out and give endpoint.address the name of your own balancer',
    ),
  ];
}
