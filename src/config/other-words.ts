/** Words other tools use, and the field that is meant; of keys of nodes the last part. */
const OTHER_WORDS: Readonly<Record<string, string>> = {
  cidr: 'pods',
  cluster: 'name',
  clustername: 'name',
  clusterdomain: 'domain',
  cni: 'plugin',
  containerruntime: 'runtime',
  controlplaneendpoint: 'endpoint',
  dnsdomain: 'domain',
  host: 'address',
  hostname: 'name',
  hosts: 'nodes',
  ip: 'address',
  k8s: 'kubernetes',
  key: 'identityFile',
  keyfile: 'identityFile',
  keypath: 'identityFile',
  kubernetesversion: 'kubernetes',
  machines: 'nodes',
  networking: 'network',
  podcidr: 'pods',
  podsubnet: 'pods',
  privateaddress: 'internalAddress',
  privateip: 'internalAddress',
  internalip: 'internalAddress',
  privatekey: 'identityFile',
  schedulable: 'workloads',
  servers: 'nodes',
  servicecidr: 'services',
  servicesubnet: 'services',
  sshconfig: 'config',
  sshkey: 'identityFile',
  sshport: 'port',
  sshuser: 'user',
  networkplugin: 'plugin',
  kubeproxyreplacement: 'kubeProxy',
  tunnel: 'encapsulation',
  type: 'role',
  username: 'user',
  vip: 'virtualIP',
  virtualaddress: 'virtualIP',
  virtualrouterid: 'routerId',
  vrid: 'routerId',
  version: 'kubernetes',
};

/** Takes an unknown key; gives the word Landfall has for it, when another tool's word was used. */
export function ownWord(key: string): string | undefined {
  const plain = key.toLowerCase().replace(/[-_ ]/g, '');
  return Object.hasOwn(OTHER_WORDS, plain) ? OTHER_WORDS[plain] : undefined;
}

const OTHER_VALUES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'nodes[].role': {
    master: 'control-plane',
    server: 'control-plane',
    controller: 'control-plane',
    agent: 'worker',
    node: 'worker',
  },
  'network.plugin': { cni: 'none', null: 'none', tigera: 'calico', canal: 'flannel' },
  'network.encapsulation': {
    crosssubnet: 'cross-subnet',
    vxlancrosssubnet: 'cross-subnet',
    geneve: 'vxlan',
    tunnel: 'vxlan',
    native: 'none',
    'host-gw': 'none',
  },
  'network.kubeProxy': { false: 'keep', true: 'replace', none: 'replace', strict: 'replace' },
};

/** Takes a field and a value that is not one of its own; gives the one another tool's word stands for. */
export function ownValue(field: string, value: string): string | undefined {
  return Object.hasOwn(OTHER_VALUES, field) ? OTHER_VALUES[field]?.[value.toLowerCase()] : undefined;
}
