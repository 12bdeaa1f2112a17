import { sh } from '../shell/sh.ts';
import { DISK_CLUES } from './clues.ts';
import { check } from './kinds/check.ts';
import { concedes } from './node.ts';
import type { Scene } from './phase.ts';
import type { Step } from './step.ts';

const QUIET = 'no sign of a slow disk';

interface Limits {
  /** Milliseconds that 99 of 100 small writes may take on a host without etcd. */
  readonly fresh: number;
  /** Seconds that 99 of 100 of a living etcd's writes may have taken; a bound of its own histogram, as etcd prints it. */
  readonly living: string;
  /** Said in the title when it is not what etcd asks for. */
  readonly conceded?: string;
}

/** What etcd asks for before there is anything to lose, and what its own alarm bears once it runs. */
function limits({ node, facts }: Scene): Limits {
  if (concedes(facts, 'disk'))
    return { fresh: 4096, living: '4.096', conceded: 'judged mildly here: the disk of a lab host is shared' };
  if (node.slowDisk === true)
    return { fresh: 100, living: '0.512', conceded: 'slowDisk in cluster.yaml: up to 100 ms' };
  return { fresh: 10, living: '0.512' };
}

/**
 * How fast the disk that will hold etcd's log writes: measured where there is no etcd yet, by 200 small writes, a second of
 * them at most, into a file without a name; where there is one it is asked, and left in peace.
 */
export function etcdDiskSteps(scene: Scene): readonly Step[] {
  return scene.node.role === 'control-plane' ? [etcdDisk(scene)] : [];
}

function etcdDisk(scene: Scene): Step {
  const { fresh, living, conceded } = limits(scene);
  return check(
    {
      id: 'preflight/etcd-disk',
      title: `Write to the disk as fast as etcd needs${conceded === undefined ? '' : ` (${conceded})`}`,
      why: 'etcd says yes to a change only when it is on the disk, and so does every request of the cluster. 99 of 100 small writes should be there within 10 ms: NVMe or a good SSD, which is what control planes deserve. On a slower one requests time out and members hold elections for no other reason.',
      see: ['https://etcd.io/docs/latest/op-guide/hardware/#disks'],
      clues: [
        {
          match: /^1 in 100 writes takes/,
          means:
            'the disk that holds /var/lib/etcd is slower than etcd asks for: a hard disk, a network volume, an SSD that keeps no promise at a power cut, or one that somebody else keeps busy at the moment',
          try: 'iostat -x 1 shows who writes; give /var/lib/etcd an NVMe or SSD of its own; or bear it, with slowDisk: true at this node in cluster.yaml',
          diagnosis: 'H76',
        },
        {
          match: /^1 in 100 of etcd's writes/,
          means:
            'the disk of this control plane has made etcd wait again and again since etcd was started; so long that others take it for dead',
          try: 'iostat -x 1 shows who writes; move /var/lib/etcd to an NVMe or SSD of its own, or what keeps the disk busy away from it',
          diagnosis: 'H76',
        },
        ...DISK_CLUES,
      ],
    },
    {
      read: sh`
        measure() { # FOLDER: as etcd writes its log, small and each on the disk before the next
          file=$(mktemp "$1/.landfall.XXXXXX") || return 0
          case $(uname -m) in x86_64) clock=228 ;; *) clock=113 ;; esac
          perl -e '
            use Fcntl;
            my ($file, $clock, $limit, $quiet) = @ARGV;
            sysopen(my $out, $file, O_WRONLY | O_DSYNC) or die "$file: $!\n";
            unlink $file;
            sub now { my $t = "\0" x 16; syscall(0 + $clock, 1, $t); my ($s, $n) = unpack "qq", $t; return 1e3 * $s + $n / 1e6 }
            my ($begun, @took) = (now());
            while (@took < 200 && now() - $begun < 1000) {
              my $from = now();
              syswrite($out, "\0" x 2300) or die "$!\n";
              push @took, now() - $from;
            }
            @took = sort { $a <=> $b } @took;
            my ($most, $half) = ($took[@took * 0.99 - 0.5], $took[@took / 2]);
            if ($most <= $limit) { print "$quiet\n" }
            else { printf "1 in 100 writes takes %.0f ms or longer, half of them %.1f ms; etcd asks for 10 ms\n", $most, $half }
          ' "$file" "$clock" ${fresh} ${QUIET}
          rm -f "$file"
        }
        at=/var/lib/etcd
        if [ -d "$at/member" ]; then
          timeout 5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/2381 && printf "GET /metrics HTTP/1.0\r\n\r\n" >&3 && cat <&3' 2>/dev/null | awk -v limit=${living} -v quiet=${QUIET} '
            index($0, "etcd_disk_wal_fsync_duration_seconds_bucket{le=\"" limit "\"}") == 1 { within = $2 }
            $1 == "etcd_disk_wal_fsync_duration_seconds_count" { all = $2 }
            END { if (all >= 1000 && within < 0.99 * all) print "1 in 100 of etcd\047s writes took longer than " limit " s"; else print quiet }'
        else
          while ! [ -d "$at" ]; do at=$(dirname "$at"); done
          said=$(measure "$at")
          # One bad second proves nothing.
          if [ "$said" != ${QUIET} ]; then said=$(measure "$at"); fi
          # What takes nothing at all is full, or read-only: others tell of that.
          [ -n "$said" ] || said=${QUIET}
          echo "$said"
        fi`,
      want: QUIET,
    },
  );
}
