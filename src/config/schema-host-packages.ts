import * as z from 'zod';
import { PACKAGE, UPGRADE } from './format.ts';

/** The fields of `host:` that are about packages and the kernel. */
export const packageFields = {
  upgrade: z
    .string()
    .regex(UPGRADE)
    .default('once')
    .meta({
      description:
        'When all packages of a host are upgraded: `once`, before anything else is installed; `never`; or whenever the last time is more than so many days ago, `30d`.',
      why: 'A host should begin with everything that has been mended since its image was made. From then on security updates come by themselves, and everything else moves when you say so: with `once` a plan stays empty however often the archive changes.',
      wanted: 'once, never or a number of days',
      format: 'one of the two words, or a number from 1 to 999 and the letter d',
      examples: ['30d', 'never'],
    }),
  purge: z
    .array(
      z
        .string()
        .regex(PACKAGE)
        .meta({
          description: 'The name of a package.',
          wanted: 'the name of a package',
          format: 'lower-case letters, digits, `+`, `.` and `-`',
          examples: ['multipath-tools'],
        }),
    )
    .default(['multipath-tools', 'packagekit', 'polkitd', 'udisks2'])
    .meta({
      description:
        'Packages that are purged, with what came only for them. What is in use, or what another package needs, stays.',
      why: 'multipath-tools takes hold of disks that Longhorn, Rook or iSCSI want to use: take it off the list when your disks come over several paths. The others serve desktops and run as root. An empty list, `[]`, purges nothing.',
      byDefault: '`[multipath-tools, packagekit, polkitd, udisks2]`',
      wanted: 'a list of packages',
    }),
  kernel: z
    .enum(['distribution', 'newer'])
    .default('distribution')
    .meta({
      description:
        "The kernel: the `distribution`'s own, or the `newer` one it offers for the same release: HWE on Ubuntu, backports on Debian.",
      why: "The distribution's own gets security updates for as long as the release does and does everything Kubernetes asks for; a newer one is for hardware that is too new. Kernels from elsewhere are unsigned and get no updates: they are refused.",
      examples: ['distribution', 'newer'],
    }),
  reboot: z
    .enum(['before-joining', 'when-needed', 'never'])
    .default('before-joining')
    .meta({
      description:
        'When apply reboots a host whose updates wait for that: only `before-joining` the cluster, also later `when-needed`, or `never`. Each one is in the plan.',
      why: 'A new kernel that does not run mends nothing. On a member a reboot takes the pods down with it, and the whole cluster when it is the only control plane; so there the moment is yours.',
      examples: ['before-joining', 'when-needed', 'never'],
    }),
  unattended: z
    .enum(['security', 'nothing'])
    .default('security')
    .meta({
      description:
        'What is installed at night, with nobody there: `security` updates, or `nothing`. Kubernetes and the runtime never move in this way, and no host reboots by itself.',
      why: 'Holes are mended within a day. With `nothing` they stay open until you upgrade: for those who patch by a plan of their own.',
      examples: ['security', 'nothing'],
    }),
  needrestart: z
    .enum(['quiet', 'as-is'])
    .default('quiet')
    .meta({
      description:
        'Whether needrestart, which Ubuntu runs after every installation, is kept `quiet`: it tells which services run old libraries, asks nobody and restarts none.',
      why: 'It would restart kubelet, the runtime and the network under running pods, on all nodes in the same night.',
      examples: ['quiet', 'as-is'],
    }),
  completion: z
    .boolean()
    .default(true)
    .meta({
      description: 'Whether bash on the hosts completes words, also those of kubectl, kubeadm and crictl.',
      why: 'Who looks for a fault on a node at night types less, and fewer things wrong.',
      examples: [true],
    }),
};
