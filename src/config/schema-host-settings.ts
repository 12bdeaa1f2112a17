import * as z from 'zod';
import { ADDRESS, JOURNAL_SIZE, QUANTITY } from './format.ts';

const time = z.strictObject({
  service: z
    .enum(['chrony', 'keep'])
    .default('chrony')
    .meta({
      description:
        'The program that keeps the clock: `chrony`, which takes the place of another one, or `keep` for whichever the host has. How well it does is judged either way.',
      why: 'Certificates, tokens and leases all compare clocks. chrony follows several servers, throws out the one that is wrong, and tells how far off it is; systemd-timesyncd follows one and does not.',
      examples: ['chrony', 'keep'],
    }),
  servers: z
    .array(
      z
        .string()
        .regex(ADDRESS)
        .meta({
          description: 'A name or an IPv4 address.',
          wanted: 'a name or an IPv4 address',
          format: 'letters, digits, `.`, `_` and `-`, not beginning with a hyphen or dot',
          examples: ['ntp.example.com', '10.0.0.1'],
        }),
    )
    .max(16)
    .default([])
    .meta({
      description:
        'The time servers chrony follows, in place of those the distribution comes with. Only with `service: chrony`.',
      why: 'Hosts that do not reach the internet need some of their own. Three or more let chrony tell which one is wrong.',
      byDefault: 'those of the distribution',
      wanted: 'a list of 16 names at most',
      examples: [['ntp1.example.com', 'ntp2.example.com', 'ntp3.example.com']],
    }),
  maxOffset: z
    .int()
    .min(1)
    .max(10_000)
    .default(100)
    .meta({
      description: 'How far the clock may be off, in milliseconds.',
      why: 'etcd warns of members whose clocks differ by a second; a tenth of that is found early, and a healthy clock keeps within a few milliseconds.',
      wanted: 'a whole number from 1 to 10000',
      examples: [100],
    }),
});

const journal = z.strictObject({
  maxUse: z
    .string()
    .regex(JOURNAL_SIZE)
    .default('1G')
    .meta({
      description: 'How much room the journal of the host may take.',
      why: 'Left to itself it takes a tenth of the disk, 4 GB at most, on the disk whose last tenth makes kubelet evict pods. 1 GB holds weeks of a quiet node.',
      wanted: 'a size as journald writes it',
      format: 'a whole number and K, M, G or T: 500M, 2G',
      examples: ['1G'],
    }),
  maxDays: z
    .int()
    .min(1)
    .max(3650)
    .optional()
    .meta({
      description: 'The days after which the journal forgets, however much room there is.',
      why: 'Some rules ask for logs to be gone after a time.',
      byDefault: 'only room counts',
      wanted: 'a whole number from 1 to 3650',
      examples: [30],
    }),
});

const containerLogs = z.strictObject({
  maxSize: z
    .string()
    .regex(QUANTITY)
    .default('50Mi')
    .meta({
      description:
        'How long the log of a container grows before kubelet begins a new file. Taken over when a node is made.',
      why: "kubelet's own 10Mi is minutes of a busy container: what was written before is gone before it was shipped, and before anybody has asked `kubectl logs`.",
      wanted: 'a size as Kubernetes writes it',
      format: 'a whole number and Ki, Mi or Gi: 50Mi',
      examples: ['50Mi'],
    }),
  maxFiles: z
    .int()
    .min(2)
    .max(100)
    .default(5)
    .meta({
      description: 'How many such files are kept of each container, the newest among them.',
      why: 'This many times the size is what one container can take of the disk.',
      wanted: 'a whole number from 2 to 100',
      examples: [5],
    }),
});

const limits = z.strictObject({
  inotifyInstances: z
    .int()
    .min(128)
    .max(1_048_576)
    .default(8192)
    .meta({
      description:
        'How many watchers of files one user may have (`fs.inotify.max_user_instances`), at least.',
      why: 'The usual 128 are shared by kubelet and every container that runs as root: soon `kubectl logs -f` and log shippers end with "too many open files".',
      wanted: 'a whole number from 128 to 1048576',
      examples: [8192],
    }),
  inotifyWatches: z
    .int()
    .min(8192)
    .max(16_777_216)
    .default(1_048_576)
    .meta({
      description: 'How many files one user may watch (`fs.inotify.max_user_watches`), at least.',
      why: 'A log shipper watches every log of the node. An unused watch costs nothing, a used one about 1 KB.',
      wanted: 'a whole number from 8192 to 16777216',
      examples: [1_048_576],
    }),
  mapCount: z
    .int()
    .min(65_530)
    .max(2_147_483_647)
    .default(262_144)
    .meta({
      description: 'How many areas of memory one process may map (`vm.max_map_count`), at least.',
      why: 'Search engines and databases such as OpenSearch refuse to start below 262144, and a pod cannot raise it without being privileged.',
      wanted: 'a whole number from 65530 to 2147483647',
      examples: [262_144],
    }),
});

/** The fields of `host` that are the host's own settings. */
export const hostSettings = {
  hostname: z
    .enum(['node-name', 'keep'])
    .default('node-name')
    .meta({
      description: 'The hostname: `node-name` makes it the name of the node, `keep` leaves it.',
      why: 'Logs, metrics and prompts speak of the hostname, Kubernetes of the node. One name for both is one thing less to look up at night. A domain behind the name is left alone.',
      examples: ['node-name', 'keep'],
    }),
  nodeNames: z
    .boolean()
    .default(true)
    .meta({
      description: 'Whether the name of every node is kept in /etc/hosts of every node.',
      why: 'Nodes then find each other, and themselves, while DNS is away; and a node’s own name leads to the address the cluster knows it by, not to 127.0.1.1.',
      examples: [true],
    }),
  swap: z
    .enum(['disable', 'refuse'])
    .default('disable')
    .meta({
      description:
        'What becomes of swap: `disable` turns it off, now and at boot; `refuse` touches nothing and stops while any is on.',
      why: 'kubelet does not start while swap is on, and it is back after the next boot unless everything that turns it on is told not to.',
      examples: ['disable', 'refuse'],
    }),
  ipv6: z
    .enum(['keep', 'disabled', 'absent'])
    .default('keep')
    .meta({
      description:
        'What becomes of IPv6: `keep` leaves it as the host has it, `disabled` turns it off by kernel settings, `absent` by the kernel’s command line. The last two also take it out of netplan.',
      why: 'A cluster of IPv4 does not mind it. Turned off, no name leads to an IPv6 address by surprise; but programs that listen on [::] fail, and a dual-stack cluster is out of the question. `disabled` can be taken back without a reboot.',
      examples: ['keep', 'disabled', 'absent'],
    }),
  time: time.prefault({}).meta({ description: 'The clock of the host.' }),
  journal: journal.prefault({}).meta({ description: "The journal of the host's own services." }),
  containerLogs: containerLogs
    .prefault({})
    .meta({ description: 'What containers write, which kubelet keeps in files.' }),
  limits: limits.prefault({}).meta({
    description:
      'Limits of the kernel that many containers share. Where one is higher already it is left so.',
  }),
};
