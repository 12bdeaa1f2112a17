import { describe, expect, it } from 'vitest';
import type { PairAnswer } from '../model/pair.ts';
import type { Stranger } from '../model/stranger.ts';
import { look } from './look.ts';
import { pairsLines } from './pairs.ts';
import { strangersLines } from './strangers.ts';

const LOOK = look();

describe('whom a firewall has met', () => {
  const met = (n: number, packets = 1): Stranger => ({
    host: 'cp-0',
    from: `203.0.113.${n}`,
    protocol: 'tcp',
    port: 10250,
    packets,
  });

  it('is a table, the most busy first, and of many the rest is counted', () => {
    expect(strangersLines([met(1), met(22, 7)], 'audit', LOOK)).toEqual([
      'Would have been kept out within a day: where, from, to',
      '  cp-0   203.0.113.22   tcp 10250   7 packets',
      '  cp-0   203.0.113.1    tcp 10250   1 packet',
    ]);
    const many = strangersLines(
      Array.from({ length: 25 }, (_, n) => met(n)),
      'enforce',
      LOOK,
    );
    expect([many.length, many[0], many.at(-1)]).toEqual([
      22,
      'Kept out within a day: where, from, to',
      '  and 5 others',
    ]);
  });

  it('is nobody where there was nobody', () => {
    expect(strangersLines([], 'enforce', LOOK)).toEqual(['Nobody was kept out within a day']);
    expect(strangersLines([], 'audit', LOOK)).toEqual(['Nobody would have been kept out within a day']);
  });
});

describe('the ways between nodes', () => {
  const told = (
    from: string,
    to: string,
    kind: PairAnswer['kind'],
    what: number,
    is: string,
  ): PairAnswer => ({ from, to, kind, what, is });
  const answers = [
    told('cp-0', 'cp-1', 'tcp', 2380, 'silent'),
    told('cp-0', 'cp-1', 'udp', 8472, 'untold'),
    told('cp-0', 'cp-1', 'size', 1500, 'passes'),
    told('cp-0', 'cp-1', 'rtt', 0, '61.5'),
    told('cp-0', 'worker-0', 'tcp', 10250, 'open'),
    told('cp-0', 'worker-0', 'size', 1500, 'lost'),
    told('cp-0', 'worker-0', 'rtt', 0, '80'),
    told('cp-0', 'cp-1', 'clock', 0, '-3'),
    told('cp-0', 'worker-0', 'clock', 0, '-2400'),
    told('worker-0', 'cp-0', 'clock', 0, 'untold'),
    told('worker-0', 'cp-0', 'tcp', 6443, 'refused'),
  ];

  it('are a row a node, and each trouble with its remedy; what was not told is no trouble', () => {
    const lines = pairsLines(answers, ['cp-0', 'cp-1'], LOOK);
    expect(lines.slice(1, 3)).toEqual([
      '  cp-0       asked 2 nodes   1 of 2 ports reached   1500 bytes pass to 1 of 2   an answer takes 80 ms at most   clocks are 2400 ms apart at most',
      '  worker-0   asked 1 node    1 of 1 port reached    no packet was told of',
    ]);
    const troubles = lines
      .filter((line) => /^ {2}\S+ \S+ to /.test(line))
      .map((line) => line.trim().slice(2));
    expect(troubles).toEqual([
      'cp-0 to cp-1: tcp port 2380 is silent',
      'cp-0 to cp-1: an answer takes 61.5 ms',
      'cp-0 to worker-0: packets of 1500 bytes do not arrive',
      'cp-0 to worker-0: its clock is 2400 ms behind',
    ]);
    expect(lines.filter((line) => line.startsWith('    try: '))).toHaveLength(troubles.length);
  });
});
