import { sh } from '../shell/sh.ts';
import { findEtcdutl } from './etcd-local.ts';
import { check } from './kinds/check.ts';
import { DATA, RECOVERING, stamp } from './recover-data.ts';
import type { Step } from './step.ts';

/** What must be so before anything is touched. @param snapshot a file on the host, in place of what its etcd has. */
export function recoverChecks(snapshot: string | undefined): readonly Step[] {
  return [tool(), ...(snapshot === undefined ? [] : [whole(snapshot)]), room(snapshot)];
}

function tool(): Step {
  return check(
    {
      id: 'recover/tool',
      title: 'Have the program that makes a new member out of old data',
      why: 'etcdutl writes a new member with a new identity around the old data, so that nobody of the old cluster can mistake it for one of its own. It must be of the same minor as etcd, and comes with its image.',
      see: [RECOVERING],
      clues: [
        {
          match: /^no etcdutl of /,
          means: 'the image of this etcd has no etcdutl with it, or is not on this host any more',
          try: 'put the etcdutl of that minor, from https://github.com/etcd-io/etcd/releases, at /usr/local/bin/etcdutl on this host, then landfall recover',
        },
        {
          match: /^no manifest says/,
          means: 'this host has lost the file by which kubelet runs etcd',
          try: 'put /etc/kubernetes/manifests/etcd.yaml back from a backup, or take another control plane: landfall recover --from',
        },
      ],
    },
    {
      read: sh`
        ${findEtcdutl}
        if [ -z "$minor" ]; then echo 'no manifest says which etcd runs here'
        elif [ -z "$etcdutl" ]; then echo "no etcdutl of $minor"
        else echo 'at hand'; fi`,
      want: 'at hand',
    },
  );
}

/** A snapshot ends with the sum of what is before it. */
function whole(snapshot: string): Step {
  return check(
    {
      id: 'recover/snapshot',
      title: 'Have a snapshot that is whole',
      why: 'etcd appends a checksum to what it saves. A snapshot that was cut short or changed on its way is found now, while nothing has been touched.',
      see: [RECOVERING],
      clues: [
        {
          match: /^(there is no|not whole)/,
          means: 'the file is not there on this host, or is no snapshot as etcdctl snapshot save writes it',
          try: 'copy it to the host anew and compare its sha256sum; a copy of member/snap/db alone has no checksum and is not taken',
        },
      ],
    },
    {
      read: sh`
        ${findEtcdutl}
        if ! [ -s ${snapshot} ]; then echo ${`there is no ${snapshot}`}
        elif [ "$(head -c -32 ${snapshot} | sha256sum | cut -c 1-64)" != "$(tail -c 32 ${snapshot} | od -An -v -tx1 | tr -d ' \n')" ]; then echo 'not whole: its checksum differs'
        elif ! timeout 120 "\${etcdutl:-etcdutl}" snapshot status ${snapshot} >/dev/null 2>&1; then echo 'not whole: etcdutl cannot read it'
        else echo whole; fi`,
      want: 'whole',
    },
  );
}

function room(snapshot: string | undefined): Step {
  const source = snapshot === undefined ? sh`"$db"` : sh`${snapshot}`;
  return check(
    {
      id: 'recover/room',
      title: 'Have room for the data a second time',
      why: 'The old data stay as they are, and the new member has a copy. A disk that fills in the middle would leave neither.',
      see: ['https://etcd.io/docs/latest/op-guide/hardware/'],
      clues: [
        {
          match: /^too little room/,
          means: 'the disk that holds /var/lib/etcd has no room for one more copy of the data',
          try: 'df -h /var/lib/etcd; remove what fills it (old kept-* folders there, images, logs), or give it more',
          diagnosis: 'H89',
        },
      ],
    },
    {
      read: sh`
        ${stamp}
        db=$(ls -d "$kept"/member/snap/db ${DATA}/member/snap/db 2>/dev/null | head -n 1)
        size=$(stat -c %s ${source} 2>/dev/null || echo 0)
        free=$(df -PB1 ${DATA} | awk 'NR == 2 { print $4 }')
        if [ -n "$stamp" ] && [ -d "$kept" ] && [ -d ${DATA}/member ]; then echo enough
        elif [ "$free" -gt $((size + size / 4 + 134217728)) ]; then echo enough
        else echo "too little room: $((free / 1048576)) MiB free, $(((size + size / 4) / 1048576 + 128)) MiB needed"; fi`,
      want: 'enough',
    },
  );
}
