import { sh } from '../shell/sh.ts';
import { check } from './kinds/check.ts';
import type { Scene } from './phase.ts';
import type { Step } from './step.ts';
import { swapCheck } from './swap.ts';

const BEFORE_YOU_BEGIN =
  'https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/install-kubeadm/#before-you-begin';

/** MiB; kubeadm's own limit for a control plane. */
const MEMORY = 1700;

/** How much the machine must have of everything. */
export function capacitySteps(scene: Scene): readonly Step[] {
  return [
    check(
      {
        id: 'preflight/cpus',
        title: 'Have two CPUs',
        why: 'etcd, the API server and their companions starve each other on a single CPU, and kubeadm refuses it. For a node that also carries workloads count on four.',
        see: [BEFORE_YOU_BEGIN],
        clues: [
          { match: /^1 CPU/, means: 'the machine has one CPU', try: 'give it two or more', diagnosis: 'H20' },
        ],
      },
      {
        read: sh`n=$(nproc); if [ "$n" -ge 2 ]; then echo 'two or more'; else echo "$n CPU"; fi`,
        want: 'two or more',
      },
    ),
    check(
      {
        id: 'preflight/memory',
        title: 'Have 1700 MiB of memory',
        why: 'An idle control plane takes about one GiB. Below this kubeadm refuses, and what would start would be killed again under the first load. Count on 8 GiB for a node that also carries workloads, and on 4 GiB for each of several.',
        see: [BEFORE_YOU_BEGIN],
        clues: [
          {
            match: /^\d+ MiB/,
            means: 'the machine has too little memory',
            try: 'give it 2 GiB at least; 8 GiB for a node that also carries workloads',
            diagnosis: 'H20',
          },
        ],
      },
      {
        read: sh`awk '/^MemTotal:/ { m = int($2 / 1024); if (m >= ${MEMORY}) print "enough"; else print m " MiB" }' /proc/meminfo`,
        want: 'enough',
      },
    ),
    swapCheck(scene),
    check(
      {
        id: 'preflight/disk',
        title: 'Have room on the disk',
        why: 'Images, logs and etcd live below /var/lib. kubelet begins to throw images away when less than 15 % is free and pods when less than 10 % is; etcd stops writing when nothing is.',
        see: ['https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/'],
        clues: [
          {
            match: /MiB free/,
            means: 'the disk that holds /var/lib is too full or too small',
            try: 'du -xh -d 2 /var | sort -h | tail shows what fills it; a node wants 20 GiB or more',
            diagnosis: 'H89',
          },
        ],
      },
      {
        read: sh`
          df -Pm /var/lib | awk 'NR == 2 {
            share = $2 ? int(100 * $4 / $2) : 0
            if ($4 >= 2048 && share >= 15) print "enough"; else print $4 " MiB free of " $2 " (" share " %)"
          }'`,
        want: 'enough',
      },
    ),
  ];
}
