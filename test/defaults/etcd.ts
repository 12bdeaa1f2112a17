import { command, done, field, problem, step } from '../map/answer.ts';
import type { Subject } from './item.ts';

export const ETCD: Subject = {
  title: 'etcd',
  defaults: [
    {
      id: 'C29',
      byItself: 'A database of 2 GB at most',
      bites:
        'Once it is full nothing can be written any more, not even what would make room: the cluster can only be read. Events and custom resources come there within a year.',
      answer: done`${step('etcd/settings', '--quota-backend-bytes=8589934592')}, also on a cluster that runs, one control plane after the other. ${field('etcd.quota')} says another size; 8Gi is the most etcd was made for.`,
    },
    {
      id: 'C30',
      byItself: 'What was deleted leaves holes, and the file never becomes smaller',
      bites: 'The file meets its quota while most of it is empty.',
      answer: done`${step('etcd/upkeep', 'ask defrag')} writes a database anew that is mostly holes, on one member at a time and never on the leader, who hands over first; ${step('etcd/upkeep-timer')} starts it. ${field('etcd.defragment')} switches it off: each time costs the member some seconds.`,
    },
    {
      id: 'C31',
      byItself: 'Nobody writes etcd down',
      bites:
        'Whoever loses more than half of the control planes, or deletes a namespace by mistake, has nothing to go back to.',
      answer: done`${step('etcd/snapshot')} has the newest one be of today, each compared with the sum that etcd sends along. ${field('etcd.snapshots.every')}, ${field('etcd.snapshots.keep')} and ${field('etcd.snapshots.days')} say how many. They lie on the control planes themselves, readable by root alone, and outlive all disks but those: a copy elsewhere is yours to fetch.`,
    },
    {
      id: 'C32',
      byItself: 'On whatever disk there is, beside images and logs',
      bites:
        'Each write waits for the disk; above 10 ms members hold elections, and requests time out for no other reason.',
      answer: done`${step('preflight/etcd-disk')} measures before there is a cluster, and afterwards asks etcd itself. ${field('nodes[].slowDisk')} bears a slower one, knowingly. A disk of its own under /var/lib/etcd is taken as it is found.`,
    },
    {
      id: 'C33',
      byItself: 'A sign of life each 100 ms, an election after 1000 ms',
      bites: 'Between buildings or on a busy disk, members that are well are called dead.',
      answer: done`${field('etcd.heartbeat')} and ${field('etcd.election')} are told by ${step('etcd/settings', '--election-timeout=1000')}, with etcd’s own numbers written out. Two that do not go together are refused: ${problem('etcd/election')}.`,
    },
    {
      id: 'C34',
      byItself: 'kubeadm joins as many control planes as it is asked to',
      bites: 'Two bear no loss at all and die twice as often as one.',
      answer: done`One, three, five or seven in ${field('nodes[].role')}: ${problem('nodes/count')} refuses an even number, ${command('node remove worker-2')} counts votes before anybody leaves, and ${step('join/quorum')} before anybody comes.`,
    },
    {
      id: 'C35',
      byItself:
        'kubeadm chooses etcd’s version with Kubernetes’; whoever writes one into its file keeps it for ever',
      bites: 'After some upgrades an old etcd runs under a new API server.',
      answer: done`${step('control-plane/kubeadm-config')} names none, so ${field('kubernetes')} chooses both; ${step('control-plane/images')} pulls the one that kubeadm names.`,
    },
  ],
};
