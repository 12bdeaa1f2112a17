import { describe, expect, test } from 'vitest';
import { fake } from '../../test/cli/fake.ts';
import { stopping } from './stop.ts';

function started() {
  const it = fake();
  const said: string[] = [];
  let left = 0;
  const stop = stopping(
    { process: it.process },
    'landfall apply',
    (text) => said.push(text),
    () => {
      left += 1;
    },
  );
  return { it, stop, said, left: () => left };
}

describe('stopping', () => {
  test('may be listened for by any number of hosts', async () => {
    const warned: string[] = [];
    const onWarning = ({ message }: Error): number => warned.push(message);
    process.on('warning', onWarning);
    for (const signal of Object.values(started().stop.signals))
      for (let host = 0; host < 20; host += 1) signal.addEventListener('abort', () => host);
    await new Promise((done) => setTimeout(done, 10));
    process.off('warning', onWarning);
    expect(warned).toEqual([]);
  });

  test('once: after the current step, and says how to stop now', () => {
    const { it, stop, said } = started();
    it.signal('SIGINT');
    expect([stop.signals.soon.aborted, stop.signals.now.aborted]).toEqual([true, false]);
    expect(said).toEqual(['stopping after the current step; again to stop now']);
    expect([stop.exit(), it.exited()]).toEqual([130, undefined]);
    it.pass(60_000);
    expect(it.exited()).toBeUndefined();
  });

  test('twice: now; and when that takes long, whatever still runs', () => {
    const { it, stop, said, left } = started();
    it.signal('SIGINT');
    it.signal('SIGINT');
    expect([stop.signals.now.aborted, stop.signals.now.reason]).toEqual([true, 130]);
    expect(it.exited()).toBeUndefined();
    it.pass(11_000);
    expect([it.exited(), left() > 0]).toEqual([130, true]);
    expect(said.at(-1)).toContain('what was begun there goes on, and the next landfall apply follows it');
  });

  test('a third time does not wait', () => {
    const { it } = started();
    for (let i = 0; i < 3; i += 1) it.signal('SIGINT');
    expect(it.exited()).toBe(130);
  });

  test('a request to terminate is at once, and is told from Ctrl-C', () => {
    const { it, stop } = started();
    it.signal('SIGTERM');
    expect([stop.signals.now.reason, stop.exit()]).toEqual([143, 143]);
    it.pass(11_000);
    expect(it.exited()).toBe(143);
  });

  test('when all is over, signals are nobody’s business again', () => {
    const { it, stop, said } = started();
    stop.done();
    it.signal('SIGINT');
    it.pass(10_000);
    expect([said, stop.exit(), it.exited()]).toEqual([[], undefined, undefined]);
  });
});
