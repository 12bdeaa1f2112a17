import type { Problem } from '../model/problem.ts';
import { API_PORT, splitEndpoint } from './defaults.ts';
import { type Draft, textAt, valueAt } from './draft.ts';
import { valueProblem } from './page.ts';
import type { Path } from './tree.ts';

const PATH: Path = ['host', 'ssh', 'port'];

/** What Kubernetes listens on, on some node or other; the port of the API server is found in the file. */
const TAKEN: Readonly<Record<number, string>> = {
  2379: 'etcd',
  2380: 'etcd',
  10250: 'the kubelet',
  10256: 'kube-proxy',
  10257: 'the controller manager',
  10259: 'the scheduler',
};

function holder(port: number, api: number): string | undefined {
  if (port === api || port === API_PORT) return 'the API server';
  if (port >= 30000 && port <= 32767) return 'NodePorts (30000 to 32767)';
  return TAKEN[port];
}

/** Checks that sshd is not to move to where Kubernetes listens. */
export function checkHostSsh(draft: Draft): readonly Problem[] {
  const port = valueAt(draft, PATH);
  if (typeof port !== 'number') return [];
  const { port: api } = splitEndpoint(textAt(draft, ['endpoint', 'address']) ?? '');
  const by = holder(port, api);
  if (by === undefined) return [];
  return [
    valueProblem(draft.page, PATH, {
      code: 'host/ssh-port',
      summary: `sshd cannot listen on port ${port}: it belongs to ${by}`,
      why: 'two programs cannot listen on one port, and Kubernetes chooses its ports by convention',
      try: 'port: another one, 22322 say',
    }),
  ];
}
