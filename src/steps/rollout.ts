import { sh } from '../shell/sh.ts';
import { check } from './kinds/check.ts';
import { asked, kubectl, rolloutsProbe, taints } from './node.ts';
import type { Scene } from './phase.ts';
import type { Clue, Probe, Step } from './step.ts';

/** What is to be asked of a workload. */
export interface RolledOut extends Pick<Step, 'id' | 'title' | 'why' | 'see' | 'after'> {
  /** `namespace/Kind/name`. */
  readonly what: `${string}/${'DaemonSet' | 'Deployment'}/${string}`;
  /** The label its pods carry: `k8s-app=kube-dns`. */
  readonly label: string;
  readonly clues: readonly Clue[];
}

/** A workload of which as many pods are ready, in its present form, as there should be; else what hinders them. */
export function rolledOut(scene: Scene, { what, label, ...about }: RolledOut): Step {
  const [namespace = '', , name = ''] = what.split('/');
  const away = scene.away?.length ?? 0;
  // The pods of nodes whose hosts do not answer still count, and are not ready; one pod must be all the same.
  const dead = away === 0 ? sh`` : sh`{ if ($6 + 0 > 0) $6 = $6 + ${away} < $4 ? $6 + ${away} : $4 }`;
  const pods = `${namespace}/${label.slice(label.indexOf('=') + 1)}`;
  return check(
    {
      ...about,
      within: 240,
      awaits: `the pods of ${name} to be ready`,
      probes: [rolloutsProbe(scene), hindrancesProbe(scene)],
    },
    {
      read: sh`
        said=$(probe rollouts | awk -F '|' -v what=${what} '
          $1 != what { next }${dead}
          { seen = 1; if ($2 == $3 && $4 + 0 > 0 && $5 + 0 == $4 && $6 + 0 == $4) print "all ready"; else print $6 + 0 " of " $4 + 0 " ready" }
          END { if (!seen) print "not there" }')
        echo "$said"
        case $said in *' of '*) probe hindrances | sed -n ${`s#^${pods}|##p`} ;; esac`,
      want: 'all ready',
    },
  );
}

/**
 * What hinders pods that are not ready: lines `namespace/app|words`, in the scheduler's words or the runtime's; of a pod of which
 * neither says anything, its last warning. Nothing when nobody has said anything yet.
 */
function hindrancesProbe(scene: Scene): Probe {
  const waiting = (of: string): string =>
    `{range .status.${of}[*]}{.state.waiting.reason} {.state.waiting.message} {end}`;
  const pod = [
    '{.metadata.namespace}/{.metadata.labels.app}{.metadata.labels.k8s-app}',
    '{.metadata.namespace}/{.metadata.name}',
    '{.status.conditions[?(@.type=="Ready")].status}',
    `{.status.conditions[?(@.type=="PodScheduled")].message}${waiting('initContainerStatuses')}${waiting('containerStatuses')}`,
  ].join('|');
  const warning = '{.involvedObject.namespace}/{.involvedObject.name}|{.message}';
  const each = (line: string): string => `jsonpath={range .items[*]}${line}{"\\n"}{end}`;
  const ask = kubectl(scene);
  return asked(
    scene,
    'hindrances',
    sh`
    {
      ${taints(scene)}
      ${ask} get events -A --field-selector type=Warning --sort-by=.lastTimestamp -o ${each(warning)}
      echo 'the pods'
      ${ask} get pods -A -o ${each(pod)}
    } | awk -F '|' '
      NR == 1 { taints = $0; next }
      $0 == "the pods" { pods = 1; next }
      !pods { if (NF > 1) last[$1] = substr($0, length($1) + 2); next }
      NF > 3 && $3 != "True" {
        words = $4; gsub(/ +/, " ", words); sub(/^ /, "", words); sub(/ $/, "", words)
        # A reason alone, such as ContainerCreating, says nothing.
        if (words ~ /^[A-Za-z ]*$/) words = last[$2]
        if (words ~ /untolerated taint[(]s[)]/) words = words " (taints of " taints ")"
        if (words != "") print $1 "|" substr(words, 1, 600)
      }' | sort -u`,
  );
}
