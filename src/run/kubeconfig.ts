import { isIP } from 'node:net';
import { isMap, isSeq, parseDocument, stringify } from 'yaml';
import type { Cluster } from '../model/cluster.ts';
import { Problem } from '../model/problem.ts';
import { sh } from '../shell/sh.ts';
import type { Host } from '../ssh/host.ts';
import { plainScript } from './script.ts';

/** A kubeconfig as text; it holds a private key, so it goes to its owner's file or to standard output and nowhere else. */
export type Kubeconfig = string;

/** Where the API server answers those outside of the cluster. */
export interface Outside {
  /** An IP address or a name. */
  readonly address: string;
  /** The endpoint's port when absent. */
  readonly port?: number;
}

const ADMIN_CONF = '/etc/kubernetes/admin.conf';

interface Parts {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

function partsOf(text: string): Parts | undefined {
  const doc = parseDocument(text);
  const ca = doc.getIn(['clusters', 0, 'cluster', 'certificate-authority-data']);
  const certificate = doc.getIn(['users', 0, 'user', 'client-certificate-data']);
  const key = doc.getIn(['users', 0, 'user', 'client-key-data']);
  const all = [ca, certificate, key];
  return all.every((x): x is string => typeof x === 'string')
    ? { ca: String(ca), certificate: String(certificate), key: String(key) }
    : undefined;
}

/**
 * Rewrites a node's admin.conf for use elsewhere: named after the cluster, and pointed at an address that can be reached from
 * outside while the certificate is still checked against the endpoint's name.
 * @param text admin.conf as kubeadm wrote it.
 * @param at where the API server answers from here; the endpoint itself when absent.
 * @throws Problem `kubeconfig/unreadable` when the text is not an admin.conf.
 */
export function rewrite(text: string, cluster: Cluster, at?: Outside): Kubeconfig {
  const parts = partsOf(text);
  if (parts === undefined) {
    throw new Problem({
      code: 'kubeconfig/unreadable',
      summary: `${ADMIN_CONF} is not a kubeconfig with an embedded certificate and key`,
      why: 'kubeadm writes it so; somebody has changed it',
      try: `kubeadm init phase kubeconfig admin --config /etc/kubernetes/landfall/kubeadm.yaml   writes it again, after ${ADMIN_CONF} is moved away`,
    });
  }
  const name = cluster.name;
  const user = `${name}-admin`;
  const { host } = cluster.endpoint;
  const server = at?.address ?? host;
  const port = at?.port ?? cluster.endpoint.port;
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name,
        cluster: {
          server: `https://${isIP(server) === 6 ? `[${server}]` : server}:${port}`,
          ...(server === host ? {} : { 'tls-server-name': host }),
          'certificate-authority-data': parts.ca,
        },
      },
    ],
    users: [
      { name: user, user: { 'client-certificate-data': parts.certificate, 'client-key-data': parts.key } },
    ],
    contexts: [{ name, context: { cluster: name, user } }],
    'current-context': name,
  });
}

/**
 * Fetches the administrator's kubeconfig from a control-plane node.
 * @throws Problem `kubeconfig/none` when the node has none yet.
 */
export async function fetchKubeconfig(host: Host, cluster: Cluster, at?: Outside): Promise<Kubeconfig> {
  const out = await host.run(
    plainScript(sh`if [ -e ${ADMIN_CONF} ]; then cat ${ADMIN_CONF}; else exit 3; fi`),
  );
  if (out.status === 3) {
    throw new Problem({
      code: 'kubeconfig/none',
      host: host.name,
      summary: `${host.name} has no ${ADMIN_CONF}: there is no cluster on it yet`,
      try: 'landfall apply',
    });
  }
  return rewrite(out.stdout.replace(/^\u001e.*\n/gm, ''), cluster, at);
}

/**
 * Merges a kubeconfig into another: entries of the same name are replaced, all else and its comments stay, and the merged
 * cluster becomes the current context.
 * @throws Problem `kubeconfig/broken` (exit 2) when the file to merge into cannot be parsed.
 */
export function merge(into: string, addition: Kubeconfig): Kubeconfig {
  if (into.trim() === '') return addition;
  const doc = parseDocument(into);
  const added = parseDocument(addition);
  if (doc.errors.length > 0 || !isMap(doc.contents)) {
    throw new Problem({
      code: 'kubeconfig/broken',
      summary: 'the kubeconfig to merge into is not valid YAML',
      ...(doc.errors[0] === undefined ? {} : { saw: doc.errors[0].message }),
      try: 'mend it, or write the new one elsewhere: landfall kubeconfig >FILE',
      exit: 2,
    });
  }
  for (const list of ['clusters', 'users', 'contexts']) {
    const entry = added.getIn([list, 0], true);
    const name = added.getIn([list, 0, 'name']);
    const existing = doc.get(list, true);
    if (!isSeq(existing)) {
      doc.set(list, doc.createNode([]));
    }
    const seq = doc.get(list, true);
    if (!isSeq(seq)) continue;
    const at = seq.items.findIndex((item) => isMap(item) && item.get('name') === name);
    if (at >= 0) seq.items[at] = entry;
    else seq.items.push(entry);
  }
  doc.set('current-context', added.get('current-context'));
  return doc.toString();
}
