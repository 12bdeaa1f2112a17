import { sh } from '../shell/sh.ts';
import { DISK_CLUES } from './clues.ts';
import { findEtcdutl } from './etcd-local.ts';
import { draft, inPlace } from './kinds/file.ts';
import { nodeAddress } from './node.ts';
import type { Scene } from './phase.ts';
import { FILES, RECOVERY } from './places.ts';
import type { Step } from './step.ts';

/** How etcd is begun anew. */
export interface Recovering {
  /** A snapshot on the host, in place of what its etcd has. */
  readonly snapshot?: string;
  /** The highest revision anybody who answers has; 0 when nobody has any. */
  readonly known: number;
  /** The other control planes: none of them is a member any more. */
  readonly others: readonly string[];
}

/** Where to read on. */
export const RECOVERING = 'https://etcd.io/docs/latest/op-guide/recovery/';

/** Where etcd keeps everything. */
export const DATA = '/var/lib/etcd';

/** Where the data etcd had go: `/var/lib/etcd/kept-20261126T094206Z`. */
export const KEPT = `${DATA}/kept-`;

/** Sets `$stamp` to the recovery's own, empty when none is under way, and `$kept` to where the old data go. */
export const stamp = sh`
  stamp=$(cat ${RECOVERY.begun} 2>/dev/null) || :
  kept=${KEPT}$stamp`;

/** The note by which everything else is kept off the host, and by which it is known how to go on. */
export function begun(): Step {
  return {
    id: 'recover/begun',
    title: 'Note that a recovery has begun here',
    why: 'From here on this host is the one the cluster is made of. Cut short anywhere, the same command sees the note and goes on from where it stopped, on this host and on no other.',
    see: [RECOVERING],
    read: sh`if [ -s ${RECOVERY.begun} ]; then echo noted; else echo 'not noted'; fi`,
    want: 'noted',
    make: sh`
      umask 077
      mkdir -p ${RECOVERY.folder}
      date -u +%Y%m%dT%H%M%SZ >${draft(RECOVERY.begun)}
      ${inPlace(RECOVERY.begun)}`,
    clues: DISK_CLUES,
  };
}

/** The old data, beside the new. */
export function kept(): Step {
  return {
    id: 'recover/kept',
    title: 'Keep the data etcd had',
    why: 'Whatever comes of the recovery, the data it is made from stay on the disk as they were, beside the new ones. Nothing removes them but you, or a reset of the host.',
    see: [RECOVERING],
    disturbs: 'data',
    read: sh`
      ${stamp}
      if [ -n "$stamp" ] && [ -d "$kept" ]; then echo kept; else echo 'not kept'; fi`,
    want: 'kept',
    make: sh`
      ${stamp}
      if [ -z "$stamp" ]; then echo 'no recovery is under way here'; exit 1; fi
      umask 077
      mkdir -p "$kept.part"
      if [ -d ${DATA}/member ]; then mv -T ${DATA}/member "$kept.part/member"; fi
      sync -f ${DATA}
      # What is in place under this name is the old data, whole; what is called member from now on is the new.
      mv -T "$kept.part" "$kept"
      echo "the data etcd had are in $kept"`,
    clues: DISK_CLUES,
  };
}

/** The new data, in the place of the old. */
export function restored(scene: Scene, { snapshot, known }: Pick<Recovering, 'snapshot' | 'known'>): Step {
  const { node, facts } = scene;
  const peer = `https://${nodeAddress(node, facts)}:2380`;
  const source = snapshot === undefined ? sh`"$kept"/member/snap/db` : sh`${snapshot}`;
  // A file that was not saved as a snapshot has no checksum.
  const unsigned = snapshot === undefined ? ['--skip-hash-check'] : [];
  const fresh = `${DATA}/fresh`;
  return {
    id: 'recover/data',
    title: snapshot === undefined ? 'Make one member out of the data' : 'Make one member out of the snapshot',
    why: 'The new member has every object there was, under its old UID, and is all of its cluster: it decides alone. The cluster’s identity is new, so what is left of the old one can never join it. Revisions are raised above every one that was ever seen and marked as compacted, so that whoever watches lists everything anew. Left as they were they would come a second time with other contents, and who waits for the next one would miss them.',
    see: [RECOVERING],
    disturbs: 'data',
    read: sh`
      ${stamp}
      if [ -n "$stamp" ] && [ -d "$kept" ] && [ -d ${DATA}/member ]; then echo 'one member'; else echo 'no member yet'; fi`,
    want: 'one member',
    make: sh`
      ${stamp}
      ${findEtcdutl}
      if [ -z "$stamp" ] || ! [ -d "$kept" ]; then echo 'the old data are not kept yet'; exit 1; fi
      revision() { timeout 300 "$etcdutl" snapshot status "$1" -w fields | sed -n 's/^"Revision" : //p'; }
      own=$(revision ${source})
      if [ -z "$own" ]; then echo 'the data cannot be read'; exit 1; fi
      newest=${known}
      if [ -e "$kept"/member/snap/db ]; then
        old=$(revision "$kept"/member/snap/db) || :
        if [ "\${old:-0}" -gt "$newest" ]; then newest=$old; fi
      fi
      if [ "$own" -gt "$newest" ]; then newest=$own; fi
      # What nobody here has seen cannot be known; that a cluster has written less than once a millisecond since 1970 can.
      raise=$((newest - own + $(date +%s) * 1000))
      rm -rf ${fresh}
      "$etcdutl" snapshot restore ${unsigned} ${source} --data-dir ${fresh} --name ${node.name} --initial-cluster ${`${node.name}=${peer}`} --initial-advertise-peer-urls ${peer} --initial-cluster-token landfall-"$stamp" --bump-revision "$raise" --mark-compacted
      chmod 0700 ${[fresh, `${fresh}/member`]}
      sync -f ${DATA}
      # Older than every join that follows, younger than every one before.
      date -u +%FT%TZ >${draft(RECOVERY.done)}
      ${inPlace(RECOVERY.done)}
      # A snapshot may be of a cluster this host has not known.
      rm -f ${FILES.clusterUid}
      mv -T ${fresh}/member ${DATA}/member
      rm -rf ${fresh}`,
    clues: [
      {
        match:
          /^the data cannot be read|invalid database|page .* (already freed|invalid)|integrity check failed|file size too small|no such file or directory/,
        means: 'the data on this host are damaged, or not there',
        try: 'another control plane’s data: landfall recover --from; or a snapshot: landfall recover --snapshot. What was here is kept in /var/lib/etcd/kept-*',
        diagnosis: 'H81',
      },
      ...DISK_CLUES,
    ],
  };
}
