import * as z from 'zod';
import { RUNTIMES } from '../model/runtime.ts';
import { ADDRESS, HOST_KEY, IPV4, LABEL_KEY, LABEL_VALUE, NAME, PATH, TAINT, USER } from './format.ts';

declare module 'zod' {
  /** What Landfall says of a field beside its description and examples. */
  interface GlobalMeta {
    /** Why the field is there, or why its default is what it is. */
    why?: string;
    /** The default in words or as written, when the field may be left out. */
    byDefault?: string;
    /** What the value is to be, short, behind "is not". */
    wanted?: string;
    /** The format in words, where `wanted` does not tell it. */
    format?: string;
  }
}

/** What is said of a text that is no name. */
export const LABEL = {
  wanted: 'a name Kubernetes takes',
  format: 'lower-case letters, digits and hyphens, a letter or digit at both ends, 63 at most',
};
/** What is said of a text that is no path. */
export const PATH_WORDS = {
  wanted: 'the path of a file',
  format: 'one line that does not begin with a hyphen, without " $ % \\ ` and control characters',
};

/** How hosts are reached. */
export const ssh = z.strictObject({
  user: z
    .string()
    .regex(USER)
    .optional()
    .meta({
      description: 'The user to log in as: root, or one whose sudo asks for no password.',
      byDefault: 'what your ssh_config says',
      wanted: 'a user name',
      format: 'letters, digits, `_`, `.` and `-`, not beginning with a hyphen, 32 at most',
      examples: ['root', 'ops'],
    }),
  port: z
    .int()
    .min(1)
    .max(65535)
    .optional()
    .meta({
      description:
        'The port ssh connects to. To move sshd to another, say so in `host.ssh.port`: this one follows.',
      byDefault: 'what your ssh_config says, else 22',
      wanted: 'a whole number from 1 to 65535',
      examples: [22],
    }),
  config: z
    .string()
    .regex(PATH)
    .optional()
    .meta({
      description: 'An ssh_config to use in place of your own; a path relative to cluster.yaml.',
      why: 'For a team that keeps its jump hosts and aliases beside the cluster.',
      byDefault: '`~/.ssh/config`',
      ...PATH_WORDS,
      examples: ['./ssh_config'],
    }),
  identityFile: z
    .string()
    .regex(PATH)
    .optional()
    .meta({
      description: 'The private key to log in with; a path relative to cluster.yaml.',
      why: 'Only the path is written here; the key itself stays where it is, in an agent or hardware too.',
      byDefault: 'what your ssh_config and agent offer',
      ...PATH_WORDS,
      examples: ['~/.ssh/id_ed25519'],
    }),
});

/** One entry of `nodes`. */
export const node = z.strictObject({
  name: z
    .string()
    .regex(NAME)
    .meta({
      description: 'The name of the node in Kubernetes.',
      why: 'It is in the certificates of the node and cannot be changed without joining it afresh.',
      ...LABEL,
      examples: ['cp-0'],
    }),
  role: z.enum(['control-plane', 'worker']).meta({
    description:
      '`control-plane` runs the API server, its scheduler and controllers, and etcd; `worker` runs workloads alone.',
    examples: ['control-plane'],
  }),
  address: z
    .string()
    .regex(ADDRESS)
    .meta({
      description: 'How ssh reaches the host: an IPv4 address, a DNS name, or an alias of your ssh_config.',
      wanted: 'an IPv4 address, a DNS name or an ssh alias',
      format: 'letters, digits, `.`, `_` and `-`, not beginning with a hyphen or dot',
      examples: ['10.0.0.11', 'cp-0.example.com'],
    }),
  internalAddress: z
    .string()
    .regex(IPV4)
    .optional()
    .meta({
      description: 'The IPv4 address of the host that members of the cluster use between themselves.',
      why: 'For hosts with several addresses, or reached by ssh under another one.',
      byDefault: "`address` when it is an IP address, else the source address of the host's default route",
      wanted: 'an IPv4 address',
      format: 'four decimal numbers from 0 to 255, with dots between them',
      examples: ['10.0.0.11'],
    }),
  workloads: z
    .boolean()
    .optional()
    .meta({
      description: 'Whether a control-plane node takes ordinary workloads too.',
      why: 'Workloads compete with etcd for disk and memory; but when there is no other node, nothing could run anywhere.',
      byDefault: '`true` on a worker and on the only node, else `false`',
      examples: [true],
    }),
  labels: z
    .record(
      z.string().regex(LABEL_KEY),
      z
        .string()
        .regex(LABEL_VALUE)
        .meta({
          description: 'The value of a label.',
          wanted: 'the value of a label, in quotes when it looks like a number or a truth value',
          format:
            'up to 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit; or nothing',
          examples: ['nvme'],
        }),
    )
    .optional()
    .meta({
      description:
        'Labels the node has in the cluster, each a key with a value. Others it has stay; one that is taken out here stays until you take it off.',
      why: 'By them workloads choose their nodes, and spread over zones and racks.',
      byDefault: 'none of its own',
      examples: [{ disk: 'nvme', 'topology.kubernetes.io/zone': 'hall-2' }],
    }),
  taints: z
    .array(
      z
        .string()
        .regex(TAINT)
        .meta({
          description: 'A taint, as kubectl takes it.',
          wanted: 'a taint',
          format:
            '`KEY=VALUE:EFFECT` or `KEY:EFFECT`, the effect `NoSchedule`, `PreferNoSchedule` or `NoExecute`',
          examples: ['dedicated=database:NoSchedule'],
        }),
    )
    .optional()
    .meta({
      description:
        'Taints the node has in the cluster: it keeps away pods that do not tolerate them. A host that joins has them from its first moment. One that is taken out here stays until you take it off.',
      why: 'A node with rare hardware, or one kept for one team, must not fill up with pods that could run anywhere.',
      byDefault: 'none of its own',
      examples: [['dedicated=database:NoSchedule']],
    }),
  runtime: z
    .enum(RUNTIMES)
    .optional()
    .meta({
      description: 'The container runtime of this node, when it is to be another than that of the others.',
      why: 'To try another one on a few nodes first, and for tools that run with one of them alone.',
      byDefault: '`runtime` of the cluster',
      examples: ['containerd'],
    }),
  slowDisk: z
    .boolean()
    .optional()
    .meta({
      description: "Whether etcd's disk on this control-plane node may be slower than etcd asks for.",
      why: 'Every change of the cluster waits until etcd has it on the disk. `landfall plan` measures that before there is a cluster, and on a disk slower than 10 ms it refuses; with `true` it bears up to 100 ms, which is etcd’s own heartbeat.',
      byDefault: '`false`',
      examples: [true],
    }),
  hostKey: z
    .string()
    .regex(HOST_KEY)
    .optional()
    .meta({
      description: 'The public host key this host must show, as `ssh-keyscan` prints it, without the host.',
      why: 'Pinned here, it holds for everybody who uses this file, from the first connection on.',
      byDefault: 'your known_hosts decides',
      wanted: 'a public host key',
      format: 'its type and the key in base64, as in known_hosts but without the host: `ssh-ed25519 AAAA…`',
      examples: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGFuIGV4YW1wbGUsIG5vdCBhbnlib2R5J3Mgb3duIGtl'],
    }),
});
