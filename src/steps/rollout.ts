import { type Shell, sh } from '../shell/sh.ts';
import { check } from './kinds/check.ts';
import { kubectl, rolloutsProbe } from './node.ts';
import type { Scene } from './phase.ts';
import type { Clue, Step } from './step.ts';

/** What is to be asked of a workload, and of whom. */
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
  return check(
    {
      ...about,
      within: 240,
      awaits: `the pods of ${name} to be ready`,
      probes: [rolloutsProbe(scene)],
    },
    {
      read: sh`
        said=$(probe rollouts | awk -F '|' -v what=${what} '
          $1 != what { next }
          { seen = 1; if ($2 == $3 && $4 + 0 > 0 && $5 + 0 == $4 && $6 + 0 == $4) print "all ready"; else print $6 + 0 " of " $4 + 0 " ready" }
          END { if (!seen) print "not there" }')
        echo "$said"
        case $said in *' of '*) ${hindrances(sh`${kubectl(scene)} -n ${namespace}`, label)} ;; esac`,
      want: 'all ready',
    },
  );
}

/**
 * What hinders pods that are not ready, a line each: in the scheduler's words, or the runtime's; of a pod that has none, its last
 * warning. Nothing when nobody has said anything yet.
 */
function hindrances(ask: Shell, label: string): Shell {
  const waiting = (of: string): string =>
    `{range .status.${of}[*]}{.state.waiting.reason} {.state.waiting.message} {end}`;
  const pods = [
    '{.metadata.name}',
    '{.status.conditions[?(@.type=="Ready")].status}',
    `{.status.conditions[?(@.type=="PodScheduled")].message}${waiting('initContainerStatuses')}${waiting('containerStatuses')}`,
  ].join('|');
  const warnings = '{range .items[*]}{.involvedObject.name}|{.message}{"\\n"}{end}';
  return sh`
    pods=$(${ask} get pods -l ${label} -o ${`jsonpath={range .items[*]}${pods}{"\\n"}{end}`} | awk -F '|' '
      NF < 3 || $2 == "True" { next }
      { gsub(/ +/, " ", $3); sub(/^ /, "", $3); sub(/ $/, "", $3); print ($3 ~ /^[A-Za-z ]*$/ ? "silent " $1 : "says " $3) }')
    silent=$(printf '%s\n' "$pods" | sed -n 's/^silent //p' | tr '\n' ' ')
    {
      printf '%s\n' "$pods" | sed -n 's/^says //p'
      if [ -n "$silent" ]; then
        ${ask} get events --field-selector type=Warning --sort-by=.lastTimestamp -o ${`jsonpath=${warnings}`} | awk -F '|' -v silent=" $silent" '
          NF > 1 && index(silent, " " $1 " ") { last[$1] = substr($0, length($1) + 2) }
          END { for (pod in last) print last[pod] }'
      fi
    } | cut -c 1-500 | sort -u`;
}
