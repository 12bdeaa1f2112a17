import { overhead } from '../model/pod-path.ts';
import { sh } from '../shell/sh.ts';
import { check } from './kinds/check.ts';
import { nodeAddress } from './node.ts';
import type { Scene } from './phase.ts';
import { installed } from './plugin.ts';
import type { Step } from './step.ts';

/** On each host: the device that leads to the other nodes carries what the pods of all nodes send. */
export function podMtuSteps({ cluster, lock, node, facts }: Scene): readonly Step[] {
  const release = installed(cluster, lock);
  if (release === undefined) return [];
  const bytes = release.mtu + overhead(release.encapsulation);
  const fits = `carries ${bytes} bytes`;
  return [
    check(
      {
        id: 'preflight/pod-mtu',
        title: `Carry packets of ${bytes} bytes between nodes`,
        why: `Pods send packets of ${release.mtu} bytes${bytes === release.mtu ? '' : `, and encapsulation makes them ${bytes}`}. A device that carries less drops them without a word: connections open, and hang as soon as they carry more than a greeting.`,
        see: ['https://www.rfc-editor.org/rfc/rfc7348'],
        clues: [
          {
            match: /^\S+ carries \d+ bytes$/,
            means: `the device with this node's address carries smaller packets than those of the other nodes`,
            try: `raise its MTU, or write a smaller network.mtu into cluster.yaml: what the device carries${overhead(release.encapsulation) === 0 ? '' : `, less ${overhead(release.encapsulation)}`}`,
            diagnosis: 'H54',
          },
        ],
      },
      {
        read: sh`
          device=$(ip -o -4 address show | awk -v wanted=${nodeAddress(node, facts)} '{ split($4, a, "/"); if (a[1] == wanted) { print $2; exit } }')
          mtu=$(ip -o link show dev "$device" 2>/dev/null | sed -n 's/.* mtu \([0-9]*\) .*/\1/p')
          if [ -z "$device" ] || [ "\${mtu:-0}" -ge ${bytes} ]; then echo ${fits}; else echo "$device carries \${mtu:-0} bytes"; fi`,
        want: fits,
      },
    ),
  ];
}
