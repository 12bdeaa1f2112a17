import {
  type Chapter,
  clue,
  command,
  done,
  field,
  file,
  item,
  otherwise,
  problem,
  step,
  test,
} from './item.ts';

/** The cluster is made, and waits for its network. */
export const CLUSTER: Chapter = {
  title: 'The cluster',
  items: [
    item(
      116,
      'Decide on two networks, of pods and of Services, before anything is made',
      done`${field('network.pods')} and ${field('network.services')}, each with a default, its reason, and that it cannot be changed later. A cluster that was made with others is told apart: ${step('control-plane/settings', 'podSubnet')}.`,
    ),
    item(
      117,
      'Look up the flags for them',
      done`Both stand in the file kubeadm reads: ${step('control-plane/kubeadm-config', 'serviceSubnet: 10.96.0.0/16')}.`,
    ),
    item(
      118,
      'Services: kubeadm’s default. Pods: 192.168.0.0/16, Calico’s default',
      otherwise`192.168.0.0/16 is what homes, offices and VPNs use, so pods have 10.244.0.0/16 unless told: ${field('network.pods')}. Calico is given whichever it is: ${step('network/calico', 'cidr: 10.244.0.0/16')}.`,
    ),
    item(
      119,
      'They must not overlap what pods or nodes want to reach',
      done`In cluster.yaml: ${problem('network/overlap')}. On the host, against its routes: ${clue('preflight/networks', 'route 10.244.7.0/24 overlaps the pods of 10.244.0.0/16', 'H55')}.`,
    ),
    item(
      120,
      'kubeadm init by flags, without an endpoint that can move; the log that is kept holds a token',
      done`${step('control-plane/init', '--skip-token-print')}, from ${step('control-plane/kubeadm-config', 'controlPlaneEndpoint: api.harbour.internal:6443')}, run again wherever it was cut short. No token is shown or kept: ${test('test/lab/interrupt.test.ts', 'are in nothing that was shown or written down here: events, plans, the lock, what was said in every manner')}.`,
    ),
    item(
      121,
      'See the certificates being made',
      done`${step('control-plane/init', 'pki/sa.pub')} looks for each of them; ${step('control-plane/no-torn-files')} for what a power cut has torn; ${step('control-plane/certificates', 'kubeadm certs check-expiration')} for how long they last.`,
    ),
    item(
      122,
      'See which names the API server’s certificate holds',
      done`${step('control-plane/kubeadm-config', 'certSANs:')}: the endpoint, the node’s addresses, and what it is called from outside, besides those kubeadm adds. One that is missing: ${clue('control-plane/api-ready', 'x509: certificate is valid for 10.96.0.1, 10.0.0.11, not 203.0.113.7', 'H68')}.`,
    ),
    item(
      123,
      'See the kubeconfigs being written',
      done`${step('control-plane/init', 'controller-manager.conf')} looks for each.`,
    ),
    item(
      124,
      'See kubelet’s files, and kubelet started',
      done`${step('control-plane/init', '/var/lib/kubelet/kubeadm-flags.env')}; ${step('control-plane/kubelet')} that it stays up, with the settings of now; ${step('runtime/kubelet-enabled')} that it starts at boot.`,
    ),
    item(
      125,
      'See the manifests of the control plane',
      done`${step('control-plane/init', 'manifests/kube-apiserver.yaml')} looks for all four.`,
    ),
    item(
      126,
      'The control plane is healthy after some seconds',
      done`${step('control-plane/api-ready', '/readyz')}, waited for up to four minutes. When it does not come: ${clue('control-plane/init', 'error: kube-apiserver is not healthy after 4m0s', 'H34')}.`,
    ),
    item(
      127,
      'kubeadm keeps its settings in the cluster',
      done`${step('control-plane/init', 'ConfigMap/kubeadm-config')} sees that they are there, ${step('control-plane/settings')} that they are those of cluster.yaml.`,
    ),
    item(
      128,
      'Certificates are not uploaded, as another control plane would need',
      otherwise`They are uploaded when a control plane is about to join, under a key that dies with its ticket, and only then: ${step('join/ticket')}.`,
    ),
    item(
      129,
      'The node is labelled and tainted as a control plane',
      done`Made as it should be for what the node is to carry: ${step('workloads/taint')}, ${step('workloads/load-balancers')}.`,
    ),
    item(
      130,
      'A token to join by, and the rights that go with it',
      done`A token nobody has asked for is worth little, so it lives a quarter of an hour and not a day: ${step('control-plane/kubeadm-config', 'ttl: 15m0s')}. What kubeadm writes for later nodes is looked for: ${step('control-plane/init', 'kubeadm:cluster-admins')}.`,
    ),
    item(
      131,
      'CoreDNS and kube-proxy are there',
      done`${step('network/dns')}, ${step('network/kube-proxy')}.`,
    ),
    item(
      132,
      'Copy the administrator’s kubeconfig to where kubectl looks',
      done`${command('kubeconfig --merge')} brings it to your own machine, beside those that are there: ${test('test/lab/create.test.ts', 'its kubeconfig works from an ordinary shell, and joins the ones there are')}. On the node it stays with root.`,
    ),
    item(
      133,
      'kubeadm’s own next steps: a network, and more nodes by a secret it prints',
      otherwise`The network comes next by itself: ${command('explain network')}. A node joins by being in cluster.yaml, ${field('nodes')}: its secret is made for it alone and never printed, ${step('join/ticket')}, and deleted afterwards, ${step('join/no-tokens')}.`,
    ),
    item(
      134,
      'Say where the kubeconfig is, in a variable that ends with the shell',
      otherwise`No step leans on a variable: each names its kubeconfig, ${step('control-plane/node', '--kubeconfig=/etc/kubernetes/admin.conf')}. For your own shell: ${command('kubeconfig --merge')}.`,
    ),
    item(
      135,
      'The node is not ready',
      done`${step('control-plane/node')} sees that it is there, with its address and version; that it is ready is asked once there is a network: ${step('network/nodes-ready')}.`,
    ),
    item(
      136,
      'Because no network plugin has written its configuration',
      done`The reading shows the node’s own words: ${clue('network/nodes-ready', 'cp-0: container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: No CNI configuration file in /etc/cni/net.d/. Has your network provider started?', 'H37')}.`,
    ),
    item(
      137,
      'CoreDNS waits, everything else runs',
      done`${step('network/dns', 'get events')} waits for it, says why it comes last, and tells what the scheduler or the runtime has to say of its pods; ${step('network/kube-proxy')} is looked at before.`,
    ),
    item(
      138,
      'It waits because of a taint of nodes that are not ready',
      done`${clue('network/dns', '0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }. preemption: 0/1 nodes are available', 'H38')}, and that this is a consequence, not a cause.`,
    ),
    item(
      139,
      'The others run as they share the network of their node',
      done`Said at ${step('network/dns')}; and where no other comes to run because the plugin gives none a network, that is ${clue('network/dns', 'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to create pod network sandbox k8s_coredns-589f44dc88-gl5rg_kube-system_353faa40-1937-4c58-8e61-5b7f7e503f95_0(b732e8be465b): error adding pod kube-system_coredns-589f44dc88-gl5rg to CNI network "cbr0": plugin type="flannel" failed (add): open /run/flannel/subnet.env: no such file or directory', 'H40')}. ${file('src/steps/calico.ts', 'Calico’s operator', 'It runs with the network of its node')} starts for the same reason: ${step('network/calico-operator')}.`,
    ),
  ],
};

/** Calico. */
export const NETWORK: Chapter = {
  title: 'The network plugin',
  items: [
    item(
      140,
      'Calico by its one manifest; nothing is said of encapsulation, MTU and which address of a node it takes',
      otherwise`${field('network.plugin')} chooses among flannel, which is the default, Calico and Cilium; Calico comes by its operator, ${file('docs/decisions/0006-network-plugins.md', 'for these reasons')}. ${field('network.encapsulation')} and ${field('network.mtu')} are chosen from what the hosts are and kept; the address is the one kubelet has registered: ${step('network/calico', 'NodeInternalIP')}.`,
    ),
    item(
      141,
      'Download the manifest of a release',
      done`${step('network/calico-operator-file', 'https://raw.githubusercontent.com/projectcalico/calico/')} and ${step('network/calico-crds-file')}, taken only with the sum landfall.lock has.`,
    ),
    item(
      142,
      'Read it before you apply it',
      done`Said at ${step('network/calico-operator-file')}. ${command('runbook')} prints what Landfall has written itself, whole, before it is applied, and where upstream’s files lie, with their sums.`,
    ),
    item(
      143,
      'Apply it, and mind the variable',
      done`${step('network/calico', 'apply --server-side')}, or ${step('network/flannel', 'apply --server-side')}: applied by the server, so that a second time is no accident.`,
    ),
    item(
      144,
      'It pulls images, and takes its time',
      done`What is waited for is shown, and for how long: ${step('network/calico-runs')}, ${step('network/calico-available', 'tigerastatuses')}; with flannel ${step('network/flannel-runs')}. An image that does not come is told of: ${clue('network/calico-runs', 'Failed to pull image: toomanyrequests: You have reached your pull rate limit', 'H26')}.`,
    ),
    item(
      145,
      'The node is ready; its address and versions',
      done`${step('network/nodes-ready')}; address and version at ${step('control-plane/node')}.`,
    ),
    item(
      146,
      'All pods run, both of CoreDNS on one node',
      done`Each part by itself: ${step('network/dns')}, ${step('network/kube-proxy')}, ${step('network/calico-runs')}, ${step('control-plane/api-ready')}. On one node there is nowhere else for the second CoreDNS.`,
    ),
    item(
      147,
      'One says what should be, and the cluster gets there: better than scripts',
      done`The whole of Landfall is built so: ${file('docs/architecture.md', 'a step', 'Being right is two texts being equal')} says what should be read, and a second ${command('apply')} makes nothing: ${test('test/lab/create.test.ts', 'apply again makes nothing, and what only looks changes nothing')}.`,
    ),
  ],
};
