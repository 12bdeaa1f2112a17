import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../run/event.ts';
import { crowdStory, goodEnd, goodStory, Teller, begin } from '../../test/report/sample.ts';
import { COLOURED } from './colour.ts';
import { look } from './look.ts';
import { plainView } from './plain.ts';
import { liveLines } from './progress.ts';
import { NOTHING_TOLD, reduce } from './state.ts';
import { terminalView } from './terminal.ts';
import { width } from './width.ts';

const LOOK = look({ paint: COLOURED, columns: 100 });

/** A small terminal: knows the escapes the view uses, wraps long lines, scrolls. */
function screen(columns: number, rows: number) {
  const lines: string[] = [''];
  let row = 0;
  let column = 0;
  let top = 0;
  let isCursorShown = true;
  const put = (c: string): void => {
    if (column >= columns) newline();
    const line = (lines[row] ?? '').padEnd(column, ' ');
    lines[row] = line.slice(0, column) + c + line.slice(column + 1);
    column += 1;
  };
  const newline = (): void => {
    row += 1;
    column = 0;
    lines[row] ??= '';
    top = Math.max(top, row - rows + 1);
  };
  const write = (text: string): void => {
    for (const part of text.split(/(\u001b\[\??\d*[A-Za-z]|\n|\r)/)) {
      const escape = /^\u001b\[(\??)(\d*)([A-Za-z])$/.exec(part);
      if (part === '\n') newline();
      else if (part === '\r') column = 0;
      else if (escape === null) for (const c of part) put(c);
      else if (escape[3] === 'A') row = Math.max(top, row - Number(escape[2]));
      else if (escape[3] === 'K') lines[row] = (lines[row] ?? '').slice(0, column);
      else if (escape[3] === 'J') lines.splice(row, lines.length, (lines[row] ?? '').slice(0, column));
      else if (escape[3] === 'h') isCursorShown = true;
      else if (escape[3] === 'l') isCursorShown = false;
      else expect(escape[3]).toBe('m');
    }
  };
  return {
    write,
    text: () =>
      lines
        .map((l) => l.trimEnd())
        .join('\n')
        .trimEnd(),
    isCursorShown: () => isCursorShown,
  };
}

/** Plays events into a view, its clock running between them. */
function play(events: readonly RunEvent[], size: { columns: number; rows: number }, until?: number) {
  const shown = screen(size.columns, size.rows);
  const writes: { at: number; text: string }[] = [];
  let now = 0;
  const timers: { every: number; next: number; call: () => void }[] = [];
  const tickTo = (end: number): void => {
    for (;;) {
      const due = timers.filter((t) => t.next <= end).sort((a, b) => a.next - b.next)[0];
      if (due === undefined) break;
      now = due.next;
      due.next += due.every;
      due.call();
    }
    now = end;
  };
  const times = events.flatMap((e) => ('at' in e ? [Date.parse(e.at)] : []));
  now = times[0] ?? 0;
  const view = terminalView(LOOK, {
    size: () => size,
    clock: () => now,
    write: (text) => {
      writes.push({ at: now, text });
      shown.write(text);
    },
    every: (ms, call) => {
      const timer = { every: ms, next: now + ms, call };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), 1);
    },
  });
  for (const event of events) {
    if ('at' in event) tickTo(Date.parse(event.at));
    view.onEvent(event);
  }
  if (until !== undefined) tickTo(until);
  return { view, shown, writes };
}

describe('the live view', () => {
  test('shows finished phases once and what goes on below them', () => {
    const story = goodStory();
    const { shown } = play(story.events, { columns: 120, rows: 24 }, story.now);
    expect(shown.text()).toBe(
      [
        '  ✓ Prepare the host       1 made   0:02',
        '  ✓ Packages               6 made   0:21',
        '  · cp-0: lost cp-0; the work goes on there, looking for it again',
        '  ▸ Control plane                   0:14   cp-0  waiting for the API server, 6 s of 4 min: connection refused',
      ].join('\n'),
    );
  });

  test('leaves only finished lines behind, and the cursor as it was', () => {
    const { view, shown } = play(goodEnd(goodStory()).events, { columns: 80, rows: 24 });
    expect(shown.isCursorShown()).toBe(false);
    view.close();
    view.close();
    expect(shown.isCursorShown()).toBe(true);
    expect(shown.text().split('\n')).toHaveLength(5);
    expect(shown.text()).not.toContain('▸');
  });

  test('never has more live lines than rows less two, nor wider than the window, with 100 hosts', () => {
    const hosts = Array.from({ length: 100 }, (_, i) => `worker-${i}`);
    const story = crowdStory(hosts);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 2, max: 200 }),
        fc.nat(story.events.length),
        fc.boolean(),
        (rows, columns, n, utf8) => {
          const state = story.events.slice(0, n).reduce(reduce, NOTHING_TOLD);
          const narrow = look({ paint: COLOURED, columns, utf8 });
          const lines = liveLines(state, story.now, { rows, columns }, narrow);
          expect(lines.length).toBeLessThanOrEqual(Math.max(0, rows - 2));
          for (const line of lines) expect(width(line)).toBeLessThan(Math.max(2, columns));
        },
      ),
    );
  });

  test('holds on a screen of any size: what has scrolled away is finished lines only', () => {
    const hosts = Array.from({ length: 100 }, (_, i) => `worker-${i}`);
    for (const rows of [3, 4, 8, 24]) {
      const story = crowdStory(hosts);
      story.tell({ is: 'phase-end', phase: 'packages', made: 22, right: 0, failed: 12, left: 0, ms: 25_000 });
      const { view, shown } = play(story.events, { columns: 60, rows });
      view.close();
      expect(shown.text()).toBe('  ✗ Packages           22 made, 12 failed   0:25');
    }
  });

  test('draws at most ten times a second, however fast events come', () => {
    const t = new Teller();
    begin(t, ['cp-0']);
    t.tell({ is: 'phase', phase: 'packages', title: 'Packages', hosts: ['cp-0'] });
    for (let i = 0; i < 5000; i += 1) {
      t.wait(0.001);
      t.tell({ is: 'output', phase: 'packages', host: 'cp-0', step: 'packages/kubelet', text: `line ${i}` });
      t.step('packages', 'cp-0', 'packages/kubelet', `Install ${i}`, 'making');
    }
    const { writes } = play(t.events, { columns: 80, rows: 24 });
    const times = writes.map((w) => w.at);
    const first = times[0] ?? 0;
    const seconds = ((times.at(-1) ?? 0) - first) / 1000;
    expect(seconds).toBeGreaterThan(4);
    // The cursor and the first drawing come on top.
    expect(writes.length).toBeLessThanOrEqual(seconds * 10 + 3);
  });

  test('obeys no escape that a host printed', () => {
    const t = new Teller();
    begin(t, ['cp-0']);
    t.tell({ is: 'phase', phase: 'packages', title: 'Packages', hosts: ['cp-0'] });
    t.step('packages', 'cp-0', 'packages/kubelet', 'Install', 'making', {
      reading: '\u001b[2J\u001b]0;x\u0007',
    });
    t.tell({
      is: 'output',
      phase: 'packages',
      host: 'cp-0',
      step: 'packages/kubelet',
      text: '\u001b[2J\u001b[31mgone\u009b2J',
    });
    t.wait(2);
    t.tell({ is: 'notice', code: 'x', text: '\u001bc' });
    const { shown, writes } = play(t.events, { columns: 80, rows: 24 }, t.now + 2000);
    expect(shown.text()).toContain('gone');
    expect(writes.map((w) => w.text).join('')).not.toMatch(/\u001b\[2J|\u001bc|\u001b\]|\u009b/);
  });
});

describe('the plain view', () => {
  test('gives a sign of life every 30 seconds, saying what is waited for', () => {
    const story = goodStory();
    let out = '';
    let now = 0;
    let tick = (): void => undefined;
    const view = plainView(look(), {
      clock: () => now,
      write: (text) => {
        out += text;
      },
      every: (_, call) => {
        tick = call;
        return () => undefined;
      },
    });
    for (const event of story.events) {
      if ('at' in event) now = Date.parse(event.at);
      view.onEvent(event);
    }
    const before = out;
    for (let s = 0; s < 95; s += 1) {
      now += 1000;
      tick();
    }
    const beats = out.slice(before.length).trimEnd().split('\n');
    expect(beats).toHaveLength(3);
    expect(beats[0]).toMatch(/cp-0 waiting for the API server, .* of 4 min: connection refused/);
    expect(beats[0]).toContain('of 4 min');
  });
});
