import * as z from 'zod';
import { DEFRAGMENTS, SNAPSHOT_PACES } from '../model/etcd.ts';
import { ETCD_QUOTA } from './format.ts';

const wholeNumber = (least: number, most: number) => ({
  wanted: `a whole number from ${least} to ${most}`,
});

const snapshots = z.strictObject({
  every: z
    .enum(SNAPSHOT_PACES)
    .default('hourly')
    .meta({
      description:
        'How often each control plane writes etcd down into /var/backups/landfall/etcd, the minute differing from one to the next.',
      why: 'Whoever loses more than half of the control planes has what was written down, or nothing. Copies on the same disk do not outlive it: take them elsewhere.',
      examples: ['hourly', 'daily', 'never'],
    }),
  keep: z
    .int()
    .min(1)
    .max(1000)
    .default(24)
    .meta({
      description: 'How many of the newest snapshots are kept.',
      why: 'What was deleted by mistake is mostly missed within a day.',
      ...wholeNumber(1, 1000),
      examples: [24],
    }),
  days: z
    .int()
    .min(0)
    .max(366)
    .default(7)
    .meta({
      description: 'Of how many days before those the last snapshot of the day is kept, too.',
      why: 'Some mistakes show only after the weekend.',
      ...wholeNumber(0, 366),
      examples: [7],
    }),
});

/** The section `etcd`. */
export const etcd = z.strictObject({
  quota: z
    .string()
    .regex(ETCD_QUOTA)
    .default('8Gi')
    .meta({
      description: 'How large etcd’s database may grow.',
      why: 'At its limit etcd takes nothing new any more, and the cluster can only be read. Its own 2Gi are soon full of events and custom resources; 8Gi are the most it was made for, and take up disk only as they fill.',
      wanted: 'a size',
      format: 'a whole number from 2 to 16, and Gi',
      examples: ['8Gi'],
    }),
  heartbeat: z
    .int()
    .min(10)
    .max(1000)
    .default(100)
    .meta({
      description: 'Milliseconds between two signs of life of etcd’s leader.',
      why: 'About as long as a packet takes to the farthest control plane and back. Within one building 100 are plenty; between cities take 250.',
      ...wholeNumber(10, 1000),
      examples: [100, 250],
    }),
  election: z
    .int()
    .min(50)
    .max(50_000)
    .default(1000)
    .meta({
      description:
        'Milliseconds of silence after which etcd’s other members elect another leader, at least five times `heartbeat`.',
      why: 'While there is no leader nothing is written. Too short, a busy disk already counts as a death and the cluster stumbles from one election into the next; ten times `heartbeat` is the rule.',
      ...wholeNumber(50, 50_000),
      examples: [1000, 2500],
    }),
  defragment: z
    .enum(DEFRAGMENTS)
    .default('when-needed')
    .meta({
      description:
        'Whether etcd’s database is written anew where more than half of it, and 100 MB, is room nobody uses: `when-needed`, each control plane in an hour’s own minute and the leader only after it has handed over; or `never`.',
      why: 'What is deleted leaves holes, and the file never becomes smaller by itself: it grows until it meets its quota.',
      examples: ['when-needed', 'never'],
    }),
  snapshots: snapshots
    .prefault({})
    .meta({ description: 'What is written down of etcd, on each control plane.' }),
});
