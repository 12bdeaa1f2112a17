import type { EtcdFound } from '../model/recovery.ts';
import { parseRecords } from '../shell/parse.ts';
import { lines, type Shell, sh } from '../shell/sh.ts';
import { findEtcdutl, localEtcdctl } from './etcd-local.ts';
import type { Scene } from './phase.ts';
import { DATA } from './recover-data.ts';
import { ETCD_MANIFEST, FILES, RECOVERY } from './places.ts';

/** What each control plane is asked before anything is recovered; read-only, for `plainScript`. */
export function recoverScript({ node }: Pick<Scene, 'node'>): Shell {
  const etcdctl = localEtcdctl(node.name);
  const questions: Readonly<Record<string, Shell>> = {
    // An etcd that refuses to start without data leaves a file for them, but no log.
    data: sh`if [ -s ${DATA}/member/snap/db ] && ls ${DATA}/member/wal/*.wal; then echo data; fi`,
    begun: sh`cat ${RECOVERY.begun}`,
    plane: sh`if [ -e ${ETCD_MANIFEST} ] || [ -e ${RECOVERY.manifests}/etcd.yaml ]; then echo yes; fi`,
    // One that cannot decide has not begun anew. What is encrypted on the disk cannot be compared, and is taken for the cluster's own.
    anew: sh`
      known=$(cat ${FILES.clusterUid})
      if [ -z "$known" ]; then exit; fi
      said=$(${etcdctl} get /registry/namespaces/kube-system -w json) || exit
      printf '%s\n' "$said" | sed -n 's/.*"value":"\([^"]*\)".*/\1/p' | base64 -d | grep -qaF -e "$known" -e k8s:enc: || echo yes`,
    status: sh`${etcdctl} endpoint status -w fields`,
    // From what this member knows itself: the others are not asked.
    members: sh`${etcdctl} member list --consistency=s`,
    health: sh`${etcdctl} endpoint health`,
    // Where etcd runs it has the file to itself; where it does not, nobody else can say how new the data are.
    file: sh`
      ${findEtcdutl}
      if [ -n "$etcdutl" ]; then timeout 60 "$etcdutl" snapshot status ${DATA}/member/snap/db -w fields; fi`,
  };
  const ask = (word: string, question: Shell): Shell => sh`
    text=$( {
      ${question}
    } </dev/null 2>/dev/null) && say answer "$(b64 ${word})" "$(b64 "$text")" || :`;
  const { file, ...rest } = questions;
  return lines(
    ...Object.entries(rest).map(([word, question]) => ask(word, question)),
    sh`if [ -z "$(${etcdctl} endpoint status 2>/dev/null)" ]; then`,
    ask('file', file ?? sh`:`),
    sh`fi`,
  );
}

const field = (text: string, name: string): string | undefined =>
  new RegExp(`^"${name}" : (\\d+)$`, 'm').exec(text)?.[1];

const hexadecimal = (id: string): string => BigInt(id).toString(16);

/** Reads what {@link recoverScript} printed; what was not answered is absent. @param name of the node asked. */
export function parseRecover(output: string, name: string): EtcdFound {
  const answers = new Map<string, string>();
  for (const r of parseRecords(output))
    if (r.is === 'said' && r.word === 'answer') answers.set(r.texts[0] ?? '', r.texts[1] ?? '');
  const text = (word: string): string => (answers.get(word) ?? '').trim();
  const status = text('status');
  const index = field(status, 'RaftAppliedIndex');
  const revision = field(status, 'Revision') ?? field(text('file'), 'Revision');
  const member = field(status, 'MemberID');
  const cluster = field(status, 'ClusterID');
  const isAnew = answers.has('health') && text('anew') === 'yes';
  return {
    name,
    plane: text('plane') !== '',
    data: text('data') !== '' && !isAnew,
    runs: status !== '',
    well: answers.has('health') && !isAnew,
    ...(isAnew ? { anew: true as const } : {}),
    ...(index === undefined ? {} : { index: Number(index) }),
    ...(revision === undefined ? {} : { revision: Number(revision) }),
    ...(member === undefined ? {} : { member: hexadecimal(member) }),
    ...(cluster === undefined ? {} : { cluster: hexadecimal(cluster) }),
    members: (isAnew ? '' : text('members')).split('\n').flatMap((line) => {
      const [id = '', state, of = '', peer = '', , learner] = line.split(', ');
      return state === 'started' || state === 'unstarted'
        ? [{ id, name: of, peer, learner: learner === 'true' }]
        : [];
    }),
    ...(text('begun') === '' ? {} : { begun: text('begun') }),
  };
}
