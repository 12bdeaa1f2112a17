import { command, done, field, otherwise, step } from '../map/answer.ts';
import type { Subject } from './item.ts';

export const IDENTITY: Subject = {
  title: 'Identity, endpoints, certificates',
  defaults: [
    {
      id: 'C01',
      byItself: 'Everything is told the address of the first node',
      bites:
        'No second control plane can be added in a supported way, and the first node cannot be replaced.',
      answer: done`Each cluster has a name for its API server from its first day: ${step('control-plane/kubeadm-config', 'controlPlaneEndpoint: api.harbour.internal:6443')}, kept by ${step('prepare/endpoint-name')}. ${field('endpoint.address')} makes it one of yours; ${field('endpoint.virtualIP')} puts an address behind it that moves between control planes. A cluster that was made without one, or is to have another, is moved: ${step('endpoint/kept')}, ${step('endpoint/cluster-info')}, ${step('endpoint/kubelet')}, ${step('endpoint/kubeconfigs')} and ${step('endpoint/kube-proxy')}, when ${command('apply')} is given the new one with --move-endpoint.`,
    },
    {
      id: 'C02',
      byItself: 'The API server’s certificate names the host and the inside of the cluster',
      bites:
        'Called by a public address, through a tunnel or by way of a balancer, it is refused by every client.',
      answer: done`The endpoint, the addresses of the node and what ${field('endpoint.names')} adds: ${step('control-plane/api-names')}. A name that is added later comes into the certificates of all control planes, and nothing is started anew.`,
    },
    {
      id: 'C03',
      byItself: 'All certificates end a year after they were made, in the same minute',
      bites: 'The whole control plane stops on one day, and it is the one thing nobody has thought of.',
      answer: done`${step('control-plane/certificates')} renews them, and ${step('control-plane/renewal')} does so on each control plane without anybody there. ${field('certificates.validity')}, ${field('certificates.renewBefore')} and ${field('certificates.renewal')} say for how long, when and by whom.`,
    },
    {
      id: 'C04',
      byItself: 'The authorities end after ten years, and kubeadm exchanges none',
      bites: 'Whoever runs the cluster then did not make it.',
      answer: done`${step('workloads/authorities')} tells of it a year before (${field('certificates.authorityNotice')}); ${field('certificates.authorityValidity')} says how long they are to live. Landfall exchanges none either.`,
    },
    {
      id: 'C05',
      byItself: 'kubelets show certificates they have signed themselves',
      bites:
        'Whoever asks a kubelet, for logs, a shell or metrics, cannot tell it from somebody who has taken its address.',
      answer: done`Kubelets ask the cluster for theirs: ${step('control-plane/serving')}. ${field('certificates.kubelets')} leaves it as it was.`,
    },
    {
      id: 'C06',
      byItself: 'Nobody grants what kubelets ask for',
      bites: 'logs and exec fail with a TLS error, and again a year later.',
      answer: done`${step('serving/granted')} grants a request whose name and address are exactly those cluster.yaml has for the node, and no other; ${field('certificates.approval')} says whether control planes go on doing so by themselves.`,
    },
    {
      id: 'C07',
      byItself: 'The API server takes any certificate of a kubelet',
      bites: 'What is typed into kubectl exec goes to whoever answers at that address.',
      answer: done`${step('serving/insisted')}, when every node has a certificate of the cluster’s authority; ${field('certificates.kubelets')}.`,
    },
    {
      id: 'C08',
      byItself: 'super-admin.conf stays on the first node',
      bites:
        'A copy of it may do everything for a year, whatever the rules of the cluster say, and cannot be taken back.',
      answer: done`${step('control-plane/super-admin')}; ${field('certificates.superAdmin')} keeps it. ${command('kubeconfig')} hands out admin.conf, which a rule of the cluster allows and can disallow.`,
    },
    {
      id: 'C09',
      byItself: 'A token to join with lives for a day, the sealed keys for two hours',
      bites: 'Joins fail on the third day; or somebody makes a token that never ends.',
      answer: done`${step('join/ticket')} makes one for each join, for a quarter of an hour, and ${step('join/no-tokens')} takes it back; there is nothing to choose but who joins: ${field('nodes')}.`,
    },
    {
      id: 'C10',
      byItself: 'Everybody may read where the cluster is and who its authority is',
      bites: 'An API server on a public address tells a little more than it must.',
      answer: otherwise`It stays: the same stands in every TLS handshake, and a join reads it. What should not be public is the port: ${field('firewall.mode')} and ${step('firewall/rules')}.`,
    },
    {
      id: 'C11',
      byItself: 'All clusters sign the tokens of service accounts in the same name',
      bites: 'A cloud or a vault that is to trust them cannot tell one cluster from another.',
      answer: done`${field('certificates.tokenIssuer')} gives the cluster a name of its own, when it is made; ${step('control-plane/token-issuer')} sees that it stays. The key itself is not exchanged by Landfall.`,
    },
  ],
};
