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
  const nodes = '{range .items[*]}node {.metadata.name} {.spec.taints[*].key}{"\\n"}{end}';
  const pods = '{range .items[*]}pod {.spec.nodeName}{"\\n"}{end}';
  return {
    id: 'network/dns-spread',
    title: 'Have CoreDNS on more than one node',
    why: 'Both pods of CoreDNS started on the first node, when there was no other. Were they to stay there, the death of that one node would take every name in the cluster along. A pod that runs is never moved, so they are started anew, one after the other.',
    see: ['https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/high-availability/'],
    after: ['network/dns'],
    within: 120,
    awaits: 'the new pods of CoreDNS',
    probes: [
      asked(
        scene,
        'dns_places',
        sh`${kube} get nodes -o jsonpath=${nodes} && ${kube} -n kube-system get pods -l k8s-app=kube-dns -o jsonpath=${pods} && echo answered`,
      ),
    ],
    read: sh`
      probe dns_places | awk '
        $1 == "node" { open = 1; for (i = 3; i <= NF; i++) if ($i != "node-role.kubernetes.io/control-plane") open = 0; nodes += open }
        $1 == "pod" && NF == 2 { pods++; if (!($2 in seen)) { seen[$2] = 1; places++; last = $2 } }
        $1 == "answered" { whole = 1 }
        END {
          if (!whole) print "the API server does not answer"
          else if (pods > 1 && nodes > 1 && places < 2) print "all on " last
          else print "spread as far as it can be"
        }'`,
    want: 'spread as far as it can be',
    make: sh`
      ${kube} -n kube-system rollout restart deployment coredns
      ${kube} -n kube-system rollout status deployment coredns --timeout=25s --request-timeout=0 || :`,
    clues: API_CLUES,
  };
}
