import { describe, expect, test } from 'vitest';
import { ProgramMissing, spawned, start } from './spawned.ts';

describe('a local program', () => {
  test('gets its words as they are, its input and its environment', async () => {
    const script = 'printf "%s|" "$@"; cat; printf "%s" "$LANDFALL_WORD"; exit 3';
    const done = await spawned(['sh', '-c', script, 'sh', 'a b', '$(x)', ''], {
      stdin: 'input',
      env: { LANDFALL_WORD: 'word' },
    });
    expect(done).toEqual({ status: 3, stdout: 'a b|$(x)||inputword', stderr: '' });
  });

  test('gives whole characters and whole streams', async () => {
    const done = await spawned([
      'sh',
      '-c',
      'i=0; while [ $i -lt 20000 ]; do echo €; i=$((i+1)); done; echo x >&2',
    ]);
    expect(done.stdout).toBe('€\n'.repeat(20_000));
    expect(done.stderr).toBe('x\n');
  });

  test('that is not there is named', async () => {
    await expect(spawned(['landfall-no-such-program'])).rejects.toThrow(ProgramMissing);
    await expect(spawned(['/no/such/program'])).rejects.toMatchObject({ program: '/no/such/program' });
  });

  test('ended by a signal says so', async () => {
    expect((await spawned(['sh', '-c', 'kill -9 $$'])).status).toBe(137);
  });

  test('is ended with all it started when aborted', async () => {
    const stop = new AbortController();
    const run = spawned(['sh', '-c', 'sleep 631 & echo $!; wait'], {
      signal: stop.signal,
      onData: (text) => stop.abort(new Error(`stopped ${text.trim()}`)),
    });
    const error = await run.catch((reason: unknown) => reason as Error);
    const pid = Number(/^stopped (\d+)$/.exec((error as Error).message)?.[1]);
    expect(pid).toBeGreaterThan(1);
    expect(
      (await spawned(['sh', '-c', `while kill -0 ${pid} 2>/dev/null; do sleep 0.01; done; echo gone`]))
        .stdout,
    ).toBe('gone\n');
  });

  test('is not waited for longer than it lives', async () => {
    const done = await spawned(['sh', '-c', 'sleep 641 & echo $!']);
    expect(done.status).toBe(0);
    process.kill(Number(done.stdout));
  });

  test('does not mind input it never reads', async () => {
    expect((await spawned(['true'], { stdin: 'x'.repeat(1_000_000) })).status).toBe(0);
  });

  test('can be spoken with while it runs', async () => {
    let said = '';
    const program = start(['sh', '-c', 'while read -r line; do echo "got $line"; done'], {
      onStdout: (text) => (said += text),
    });
    program.write('one\n');
    program.write('two\n');
    program.end();
    expect(await program.ended).toBe(0);
    expect(said).toBe('got one\ngot two\n');
    program.kill();
    program.write('lost');
  });
});
