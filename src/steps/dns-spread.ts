import { sh } from '../shell/sh.ts';
import { API_CLUES } from './clues.ts';
import { asked, kubectl } from './node.ts';
import type { Scene } from './phase.ts';
import type { Step } from './step.ts';

/**
 * CoreDNS on more than one node. Both its pods start while there is one node alone, and the scheduler never moves a pod that runs.
 * Nodes that take no pods at the moment, or not these, do not count.
 */
export function dnsSpread(scene: Scene): Step {
  const kube = kubectl(scene);
  const nodes = '{range .items[*]}node|{.metadata.name}|{.spec.taints[*].key}{"\\n"}{end}';
  const pods =
    '{range .items[*]}pod|{.spec.nodeName}|{.metadata.deletionTimestamp}|{.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}';
  const ask = sh`${kube} -n kube-system`;
  return {
    id: 'network/dns-spread',
    title: 'Have CoreDNS on more than one node',
    why: 'Both pods of CoreDNS started on the first node, when there was no other. Were they to stay there, the death of that one node would take every name in the cluster along. A pod that runs is never moved, so one of the two is ended, and the one that takes its place keeps away from the other.',
    see: ['https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/high-availability/'],
    after: ['network/dns'],
    within: 120,
    awaits: 'a new pod of CoreDNS on another node',
    probes: [
      asked(
        scene,
        'dns_places',
        sh`${kube} get nodes -o jsonpath=${nodes} && ${ask} get pods -l k8s-app=kube-dns -o jsonpath=${pods} && echo answered`,
      ),
    ],
    read: sh`
      probe dns_places | awk -F '|' '
        $1 == "node" && ($3 == "" || $3 == "node-role.kubernetes.io/control-plane") { nodes++ }
        $1 == "pod" && $3 == "" { pods++; ready += $4 == "True"; if ($2 != "" && !($2 in seen)) { seen[$2] = 1; places++; last = $2 } }
        $1 == "answered" { whole = 1 }
        END {
          if (!whole) print "the API server does not answer"
          else if (ready < pods) print ready + 0 " of " pods " ready"
          else if (pods > 1 && nodes > 1 && places < 2) print "all on " last
          else print "spread as far as it can be"
        }'`,
    want: 'spread as far as it can be',
    make: sh`
      one=$(${ask} get pods -l k8s-app=kube-dns --field-selector status.phase=Running -o ${'jsonpath={.items[0].metadata.name}'})
      ${ask} delete pod "$one" --wait=false`,
    clues: API_CLUES,
  };
}
