import type { EtcdFound } from '../model/recovery.ts';
import { count, listed } from '../report/words.ts';
import type { RecoverPlan } from '../run/recover.ts';
import { KEPT } from '../steps/recover-data.ts';

/** `revision 5012, index 6120, member 8e9e05c52164694d of cdf818194e3a8c32`, as far as it is known. */
function dataText({ data, anew, index, revision, member, cluster, runs }: EtcdFound): string {
  if (anew) return 'no data of the cluster: etcd was started without them, and has begun anew, empty';
  if (!data) return 'no data of etcd';
  const parts = [
    ...(revision === undefined ? [] : [`revision ${revision}`]),
    ...(index === undefined ? [] : [`index ${index}`]),
    ...(member === undefined ? [] : [`member ${member} of ${cluster}`]),
    ...(runs ? [] : ['etcd does not run']),
  ];
  return parts.length === 0 ? 'data that nothing could read' : parts.join(', ');
}

/** What a recovery means, as it is shown before anything is done. */
export function recoverForecast(plan: RecoverPlan): string {
  const { survivor, others, loss, found, isAgain, away, snapshot, undos } = plan;
  const { voting, needed, well } = loss.ballot;
  const names = others.map(({ name }) => name);
  const newest = loss.survivors[0];
  const own = found.find(({ name }) => name === survivor.name);
  const isOlder =
    snapshot === undefined &&
    newest !== undefined &&
    newest.name !== survivor.name &&
    own?.data === true &&
    newest.revision !== own.revision;
  const source = snapshot === undefined ? `the data of ${survivor.name}` : `${snapshot} on ${survivor.name}`;
  const rows: readonly (readonly [string, string])[] = [
    ...(isAgain
      ? [['again', `a recovery that was cut short goes on (begun ${own?.begun ?? ''})`] as const]
      : [
          [
            'etcd',
            `${voting} voting, ${needed} needed, ${well} left with ${well === 1 ? 'its' : 'their'} data`,
          ] as const,
        ]),
    ...found.map((one) => [one.name, dataText(one)] as const),
    ...away.map(({ host = '', summary }) => [host, summary] as const),
    ['from', source],
    ...(isOlder ? [['beware', `${newest.name} knows more: its data are newer`] as const] : []),
    [
      'lost',
      snapshot === undefined
        ? `what had not reached ${survivor.name} when the others went, also what they had acknowledged in the last moment; and what they write from now on`
        : 'all that was written after the snapshot was taken; pods of it may go on until their node is asked',
    ],
    ...(names.length === 0
      ? []
      : [
          [
            'no more',
            `${listed(names, 6)}: ${names.length === 1 ? 'its data are' : 'their data are'} never used again, and must not come back beside the new`,
          ] as const,
        ]),
    ...(undos.length === 0
      ? []
      : [
          [
            'cleared',
            `${listed([...new Set(undos.map(({ host }) => host))], 6)}, once the new etcd answers`,
          ] as const,
        ]),
    ['kept', `the data on ${survivor.name}, in ${KEPT}…`],
  ];
  const wide = Math.max(...rows.map(([label]) => label.length)) + 2;
  return [
    `${plan.plan.cluster} is begun anew out of ${source}${names.length === 0 ? '' : `; ${count(names.length, 'control plane joins', 'control planes join')} it afresh`}:`,
    ...rows.map(([label, text]) => `  ${label.padEnd(wide)}${text}`),
  ].join('\n');
}
