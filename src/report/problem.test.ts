import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ProblemParts } from '../model/problem.ts';
import { COLOURED } from './colour.ts';
import { look } from './look.ts';
import { fileFooter, problemText } from './problem.ts';
import { width } from './width.ts';

const LOOK = look();

const OVERLAP: ProblemParts = {
  code: 'network/overlap',
  summary: 'the pod network contains the address of node cp-0',
  where: {
    file: 'cluster.yaml',
    line: 9,
    column: 10,
    length: 11,
    text: '  pods:  10.0.0.0/16',
    label: 'contains 10.0.0.11 (line 13)',
  },
  why: 'replies to that node would be routed into the cluster and lost',
  try: 'pods: 10.244.0.0/16',
  exit: 2,
};

function unreachable(host: string, address: string): ProblemParts {
  return {
    code: 'ssh/unreachable',
    host,
    summary: `${host} (${address}) does not answer`,
    saw: `ssh: connect to host ${address} port 22: Connection refused`,
    try: `ssh root@${host}`,
    exit: 4,
  };
}

describe('a problem', () => {
  test('of a file shows its line and underlines the words', () => {
    expect(problemText([OVERLAP], LOOK)).toBe(
      [
        'error[network/overlap]: the pod network contains the address of node cp-0',
        '  ┌ cluster.yaml:9:10',
        '9 │   pods:  10.0.0.0/16',
        '  │          ^^^^^^^^^^^ contains 10.0.0.11 (line 13)',
        '  why: replies to that node would be routed into the cluster and lost',
        '  try: pods: 10.244.0.0/16',
        '',
      ].join('\n'),
    );
  });

  test('of several hosts is told once', () => {
    const workers = Array.from({ length: 12 }, (_, i) => `worker-${i}`);
    const problems = workers.slice(0, 7).map((host, i) => unreachable(host, `10.0.0.${20 + i}`));
    const text = problemText(problems, LOOK, { crowds: [{ noun: 'workers', hosts: workers }] });
    expect(text.split('\n')[0]).toBe('error[ssh/unreachable]: 7 of 12 workers: does not answer');
    expect(text.match(/error\[/g)).toHaveLength(1);
    expect(text).toContain('worker-0, worker-1, worker-2, worker-3, worker-4, worker-5 and worker-6');
  });

  test('of another sort is told apart', () => {
    const problems = [unreachable('a', '10.0.0.1'), { ...unreachable('b', '10.0.0.2'), code: 'ssh/refused' }];
    expect(problemText(problems, LOOK).match(/error\[/g)).toHaveLength(2);
  });

  test('underlines the very words, whatever the line', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 300 }),
        fc.stringMatching(/^[a-zé日]{1,20}$/),
        fc.string({ maxLength: 50 }),
        (before, meant, after) => {
          const text = `${before}${meant}${after}`;
          const where = { file: 'f', line: 1, column: before.length + 1, length: meant.length, text };
          const lines = problemText([{ code: 'a/b', summary: 's', where }], LOOK).split('\n');
          const [line = '', under = ''] = [lines[2], lines[3]];
          const at = under.indexOf('^');
          let column = 0;
          let found = '';
          for (const character of line) {
            if (column >= at && column < at + width(meant)) found += character;
            column += width(character);
          }
          expect(found.normalize()).toBe(meant.normalize());
          expect(width(line)).toBeLessThanOrEqual(LOOK.columns);
        },
      ),
    );
  });

  test('is the same without colours, which stand never alone', () => {
    const coloured = problemText([OVERLAP], look({ paint: COLOURED }));
    expect(coloured).not.toBe(problemText([OVERLAP], LOOK));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are escapes
    expect(coloured.replace(/\u001b\[\d+m/g, '')).toBe(problemText([OVERLAP], LOOK));
  });

  test('obeys nothing that a program printed', () => {
    const text = problemText(
      [{ code: 'a/b', summary: '\u001b[2Jx', saw: '\u001b]0;t\u0007', try: '\u009b2J' }],
      LOOK,
    );
    expect(text).not.toMatch(/[\u0007\u001b\u009b]/);
  });

  test('its prose keeps to the window; a command is never broken', () => {
    const command = `landfall hosts trust ${'x'.repeat(200)} --yes --and so on`;
    const text = problemText(
      [{ code: 'a/b', summary: 's', why: 'word, '.repeat(60), try: command }],
      look({ columns: 60 }),
    );
    expect(text).toContain(command);
    for (const line of text.split('\n')) expect(line.includes('try') || width(line) <= 60).toBe(true);
  });

  test('several of one file are counted last', () => {
    expect(fileFooter([OVERLAP])).toBeUndefined();
    expect(fileFooter([OVERLAP, OVERLAP])).toBe('\n2 problems in cluster.yaml.');
  });
});
