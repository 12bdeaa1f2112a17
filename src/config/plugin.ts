import { type Encapsulation, ENCAPSULATIONS, NETWORK_PLUGINS, type NetworkPlugin } from '../model/cluster.ts';
import { PLUGIN_RELEASES } from '../model/plugin-release.ts';
import type { Problem } from '../model/problem.ts';
import { DEFAULT_MINOR, formatMinor, parseVersion } from '../model/version.ts';
import { type Draft, isWritten, textAt, valueAt } from './draft.ts';
import { withLine } from './networks.ts';
import { keyProblem, valueProblem } from './page.ts';
import { clusterFile } from './schema.ts';
import type { Path } from './tree.ts';

const PLUGIN: Path = ['network', 'plugin'];

/** Checks that what is wished of the network plugin is something it does, on the Kubernetes that is wished for. */
export function checkPlugin(draft: Draft): readonly Problem[] {
  const plugin = pluginOf(draft);
  if (plugin === undefined) return [];
  return plugin === 'none'
    ? unread(draft)
    : [
        ...minors(draft, plugin),
        ...encapsulation(draft, plugin),
        ...mtu(draft, plugin),
        ...kubeProxy(draft, plugin),
      ];
}

function pluginOf(draft: Draft): NetworkPlugin | undefined {
  const text = isWritten(draft, PLUGIN) ? valueAt(draft, PLUGIN) : clusterFile.shape.network.parse({}).plugin;
  return NETWORK_PLUGINS.find((plugin) => plugin === text);
}

/** With `none` nobody reads what is said about the plugin. */
function unread(draft: Draft): readonly Problem[] {
  return ['encapsulation', 'mtu', 'kubeProxy'].flatMap((key) => {
    const path = ['network', key];
    if (!isWritten(draft, path) || valueAt(draft, path) === 'keep') return [];
    const parts = {
      code: `network/${key === 'kubeProxy' ? 'kube-proxy' : key}`,
      summary: `network.${key} is said of a plugin, and Landfall installs none`,
      why: 'a plugin of your own is told such things in its own configuration; here nobody would read it',
      try: `leave ${key} out, or name a plugin: ${NETWORK_PLUGINS.filter((one) => one !== 'none').join(', ')}`,
    };
    return [keyProblem(draft.page, path, parts, `plugin: ${withLine(draft, PLUGIN, 'none')}`)];
  });
}

function minors(draft: Draft, plugin: Exclude<NetworkPlugin, 'none'>): readonly Problem[] {
  const wish = parseVersion(textAt(draft, ['kubernetes']) ?? '');
  const { title, version, minors: tested } = PLUGIN_RELEASES[plugin];
  if (wish === undefined || tested === undefined || tested.includes(wish.minor)) return [];
  const written = formatMinor(wish.minor);
  const parts = {
    code: 'network/plugin-version',
    summary: `${title} ${version} was not tried with Kubernetes ${written}`,
    why: `its project tests it with ${tested.map(formatMinor).join(', ')}; what a newer minor has changed shows in pods that get no network`,
    try: `kubernetes: "${formatMinor(DEFAULT_MINOR)}", or plugin: flannel, which keeps to no minor`,
  };
  return [
    valueProblem(draft.page, PLUGIN, parts, `with kubernetes: ${withLine(draft, ['kubernetes'], written)}`),
  ];
}

function encapsulation(draft: Draft, plugin: Exclude<NetworkPlugin, 'none'>): readonly Problem[] {
  const path = ['network', 'encapsulation'];
  const wish = ENCAPSULATIONS.find((one) => one === valueAt(draft, path));
  const { title, encapsulations } = PLUGIN_RELEASES[plugin];
  const able: readonly Encapsulation[] = encapsulations;
  if (wish === undefined || able.includes(wish)) return [];
  const parts = {
    code: 'network/encapsulation',
    summary: `${title} does not know the encapsulation ${wish}`,
    why: `it carries packets ${able.map((one) => WORDS[one]).join(', or ')}`,
    try: `encapsulation: ${able.join(' or ')}`,
  };
  return [valueProblem(draft.page, path, parts)];
}

const WORDS: Readonly<Record<Encapsulation, string>> = {
  vxlan: 'always inside UDP',
  'cross-subnet': 'inside UDP only between subnets',
  none: 'as they are, within one subnet',
};

/** flannel without a tunnel takes the MTU of each node's own device, and cannot be told another. */
function mtu(draft: Draft, plugin: Exclude<NetworkPlugin, 'none'>): readonly Problem[] {
  const path = ['network', 'mtu'];
  const direct = valueAt(draft, ['network', 'encapsulation']) === 'none';
  if (plugin !== 'flannel' || !direct || valueAt(draft, path) === undefined) return [];
  const parts = {
    code: 'network/mtu',
    summary: 'flannel cannot be told an MTU when packets travel as they are',
    why: "each node's pods then get the MTU of that node's own network device",
    try: 'leave mtu out, or encapsulation: vxlan or cross-subnet',
  };
  return [keyProblem(draft.page, path, parts)];
}

function kubeProxy(draft: Draft, plugin: Exclude<NetworkPlugin, 'none'>): readonly Problem[] {
  const path = ['network', 'kubeProxy'];
  const { title, replacesKubeProxy } = PLUGIN_RELEASES[plugin];
  if (valueAt(draft, path) !== 'replace' || replacesKubeProxy) return [];
  const parts = {
    code: 'network/kube-proxy',
    summary: `${title} does not stand in for kube-proxy`,
    why: 'without kube-proxy, and with nothing in its place, no Service would have an address that answers',
    try: 'kubeProxy: keep, or plugin: cilium',
  };
  return [valueProblem(draft.page, path, parts)];
}
