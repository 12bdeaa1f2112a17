import { describe, expect, it } from 'vitest';
import { printer } from './printer.ts';
import { advance, duration, noProgress, secondsLeft, statusLine } from './progress.ts';
import type { Recipe } from './recipe.ts';

const recipe = (title: string, seconds: number): Recipe => ({
  id: title,
  title,
  inputs: {},
  needs: [],
  seconds,
  tools: [],
  build: () => Promise.resolve(),
});
const kubernetes = recipe('Kubernetes', 300);
const etcd = recipe('etcd', 60);

describe('progress', () => {
  const planned = advance(noProgress, { type: 'planned', missing: [kubernetes, etcd], present: 3 });
  const running = advance(planned, { type: 'started', recipe: kubernetes });
  const half = advance(running, { type: 'far', recipe: kubernetes, fraction: 0.5 });

  it('knows from the measured durations how long it will take', () => {
    expect(secondsLeft(planned, 0)).toBe(360);
    expect(secondsLeft(half, 150)).toBe(210);
  });

  it('learns how fast this machine is', () => {
    expect(secondsLeft(half, 600)).toBeGreaterThan(500);
    expect(secondsLeft(half, 30)).toBeLessThan(100);
  });

  it('is over when everything is made', () => {
    const both = [kubernetes, etcd].reduce(
      (p, r) => advance(p, { type: 'made', recipe: r, seconds: 1 }),
      half,
    );
    expect(both.running.size).toBe(0);
    expect(secondsLeft({ ...both, waiting: [] }, 100)).toBe(0);
  });

  it('says what, how far and how long in one line', () => {
    expect(statusLine(half, 150)).toBe('0 of 2 made, about 3 min 30 s left · Kubernetes 50 %');
  });

  it('writes durations as people say them', () => {
    expect([0, 45.4, 60, 130, 605, 1200].map(duration)).toEqual([
      '1 s',
      '45 s',
      '1 min',
      '2 min 10 s',
      '10 min',
      '20 min',
    ]);
  });
});

describe('the printer', () => {
  const show = (isTTY: boolean): string => {
    let text = '';
    const it = printer({ isTTY, columns: 60, write: (more) => (text += more) });
    it.on({ type: 'planned', missing: [etcd], present: 1 });
    it.on({ type: 'note', text: 'installing' });
    it.on({ type: 'started', recipe: etcd });
    it.on({ type: 'made', recipe: etcd, seconds: 61 });
    it.end();
    return text;
  };

  it('writes plain lines where there is no terminal', () => {
    expect(show(false)).toBe(
      `1 to make, 1 already there: about 1 min on two cores\n  installing\n  ✓ ${'etcd'.padEnd(34)} 1 min 1 s\n`,
    );
  });

  it('clears its live line on a terminal', () => {
    expect(show(true)).toContain('\r\u001b[2K');
  });
});
