import { KEPT_ENTRIES } from '../model/applied.ts';
import { specText } from '../model/spec-text.ts';
import { heredoc, sh } from '../shell/sh.ts';
import { API_CLUES } from './clues.ts';
import { appliedProbe, entriesProbe, RECORD } from './kept.ts';
import { kubectl } from './node.ts';
import type { Scene } from './phase.ts';
import type { Slot, Step, StepId } from './step.ts';

/** Who applies, in words: the run, Landfall's version, `user@machine`. */
export const SIGNATURE: Slot = 'signature';

/** The step that compares what was applied last with what is to be applied now, and tells who applied what. */
export const APPLIED = 'record/applied' satisfies StepId;

/** On the seat, last of all: the cluster knows what was applied to it, and by whom. */
export function recordSteps(scene: Scene): readonly Step[] {
  const kube = sh`${kubectl(scene)} -n kube-system`;
  const text = specText(scene.cluster);
  return [
    {
      id: APPLIED,
      title: 'Write down in the cluster what was applied',
      why: 'Whoever comes next with another cluster.yaml, an older one above all, would undo what this one brought and not know it. The cluster itself keeps the file as it was applied, without comments and with every default, and who applied it and when; nothing secret is in it.',
      after: ['control-plane/api-ready'],
      probes: [appliedProbe(scene)],
      tells: entriesProbe(scene),
      secrets: [
        {
          slot: SIGNATURE,
          is: 'who you are, in three words: a name for what you do now, the version of Landfall, USER@MACHINE',
        },
      ],
      read: sh`probe applied_spec`,
      want: text.trimEnd(),
      make: sh`
        at=$(mktemp -d "\${tmp:-/tmp}/applied.XXXXXX")
        cat >"$at/cluster.yaml" ${heredoc(text)}
        digest=$(sha256sum <"$at/cluster.yaml")
        before=$(${kube} get configmap ${RECORD} --ignore-not-found -o jsonpath='{.data.history}')
        printf '%s\n' "\${digest%% *} $(date -u +%FT%TZ) $(slot ${SIGNATURE})" "$before" | sed '/^$/d' | head -n ${KEPT_ENTRIES} >"$at/history"
        ${kube} create configmap ${RECORD} --from-file="$at" --dry-run=client -o yaml >"$at.yaml"
        ${kube} apply --server-side --force-conflicts --field-manager=landfall -f "$at.yaml"
        rm -r "$at" "$at.yaml"`,
      long: true,
      clues: API_CLUES,
    },
  ];
}
