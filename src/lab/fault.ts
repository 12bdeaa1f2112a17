import { Problem } from '../model/problem.ts';
import { requireHost } from './lab.ts';
import type { Lab } from './spec.ts';

/** Something that goes wrong in a lab because it was told to, or is put right again. */
export type Fault =
  | {
      readonly is: 'power-cut' | 'power-loss' | 'stop' | 'start' | 'reboot' | 'new-machine';
      readonly host: string;
    }
  | { readonly is: 'link-down' | 'link-up'; readonly host: string }
  | { readonly is: 'partition'; readonly a: string; readonly b: string }
  | { readonly is: 'loss'; readonly host: string; readonly percent: number }
  | { readonly is: 'disk-full' | 'disk-free'; readonly host: string }
  | { readonly is: 'depot-down' | 'depot-up' }
  | { readonly is: DepotFaultName; readonly pattern: string }
  | { readonly is: 'heal' };

/** The faults of the depot that are said of a pattern. */
export type DepotFaultName = 'depot-missing' | 'depot-corrupt' | 'depot-unsigned' | 'depot-unavailable';

/** Every fault: how it is written, and what it does. What `landfall lab break --help` lists. */
export const FAULTS: readonly {
  readonly is: Fault['is'];
  readonly takes: readonly ('host' | 'percent' | 'pattern' | 'end')[];
  readonly does: string;
}[] = [
  { is: 'power-cut', takes: ['host'], does: 'the host is off at once; its address answers nothing' },
  {
    is: 'power-loss',
    takes: ['host'],
    does: 'the same, and what the host had not synced to its disk is lost',
  },
  { is: 'stop', takes: ['host'], does: 'the host shuts down cleanly' },
  { is: 'start', takes: ['host'], does: 'a host that is off boots from the disk it had' },
  { is: 'reboot', takes: ['host'], does: 'the host reboots cleanly' },
  {
    is: 'new-machine',
    takes: ['host'],
    does: 'the host is gone for good; another, as fresh as it once was, answers in its place',
  },
  { is: 'link-down', takes: ['host'], does: 'the host’s network cable is pulled; it runs on' },
  { is: 'link-up', takes: ['host'], does: 'the cable is put back' },
  {
    is: 'partition',
    takes: ['end', 'end'],
    does: 'two hosts (or a host and operator or depot) no longer hear each other',
  },
  {
    is: 'loss',
    takes: ['host', 'percent'],
    does: 'so many percent of the host’s packets are lost, each way; 0 ends it',
  },
  { is: 'disk-full', takes: ['host'], does: 'the host’s disk is filled to the last block' },
  { is: 'disk-free', takes: ['host'], does: 'what filled the disk is removed' },
  { is: 'depot-down', takes: [], does: 'packages and images: connection refused' },
  { is: 'depot-up', takes: [], does: 'the depot answers again' },
  {
    is: 'depot-missing',
    takes: ['pattern'],
    does: 'not found: HOST/PATH, an image HOST/NAME:TAG, a whole HOST; * is any text',
  },
  { is: 'depot-corrupt', takes: ['pattern'], does: 'one byte is wrong: checksums and digests do not match' },
  { is: 'depot-unsigned', takes: ['pattern'], does: 'a package repository whose signature does not match' },
  { is: 'depot-unavailable', takes: ['pattern'], does: 'answers 503' },
  { is: 'heal', takes: [], does: 'all of it is put right, hosts that are off boot' },
];

/** Ends of the lab's network that are no hosts and can be cut off from hosts. */
export const OTHER_ENDS = ['operator', 'depot'] as const;

/**
 * Reads a fault as it is written on the command line, e.g. `['loss', 'cp-0', '30']`. Throws `lab/fault`, which shows how
 * it is written, and `lab/no-host`.
 */
export function parseFault(lab: Pick<Lab, 'name' | 'hosts'>, words: readonly string[]): Fault {
  const [is = '', ...rest] = words;
  const known = FAULTS.find((one) => one.is === is);
  if (known === undefined)
    throw new Problem({
      code: 'lab/fault',
      summary: is === '' ? 'no fault was named' : `there is no fault called ${is}`,
      try: FAULTS.map((one) => one.is).join(' '),
      exit: 2,
    });
  if (rest.length !== known.takes.length)
    throw new Problem({
      code: 'lab/fault',
      summary: `${is} takes ${known.takes.length === 0 ? 'nothing more' : known.takes.map((one) => one.toUpperCase()).join(' ')}`,
      why: known.does,
      exit: 2,
    });
  for (const [index, word] of rest.entries()) {
    const takes = known.takes[index];
    if (takes === 'host' || (takes === 'end' && !isOtherEnd(word))) requireHost(lab, word);
  }
  return faultFrom(known.is, rest[0] ?? '', rest[1] ?? '');
}

const isOtherEnd = (word: string): boolean => (OTHER_ENDS as readonly string[]).includes(word);

function faultFrom(is: Fault['is'], first: string, second: string): Fault {
  switch (is) {
    case 'partition':
      if (first === second || (isOtherEnd(first) && isOtherEnd(second)))
        throw new Problem({
          code: 'lab/fault',
          summary: 'a partition needs a host and another end',
          exit: 2,
        });
      return { is, a: first, b: second };
    case 'loss': {
      const percent = Number(second.replace(/%$/, ''));
      if (!Number.isInteger(percent) || percent < 0 || percent > 100)
        throw new Problem({
          code: 'lab/fault',
          summary: `${second} is not a whole number from 0 to 100`,
          exit: 2,
        });
      return { is, host: first, percent };
    }
    case 'depot-missing':
    case 'depot-corrupt':
    case 'depot-unsigned':
    case 'depot-unavailable':
      return { is, pattern: first };
    case 'depot-down':
    case 'depot-up':
    case 'heal':
      return { is };
    default:
      return { is, host: first };
  }
}
