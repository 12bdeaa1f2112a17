import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { HOST_LOOP } from './hostLoop.ts';
import { RELAY } from './relay.ts';

const script = (name: string, content: string): string => {
  const file = join(mkdtempSync(join(tmpdir(), 'landfall-')), name);
  writeFileSync(file, content);
  return file;
};

describe('the host loop', () => {
  it('is a shell script', () => {
    const { status, stderr } = spawnSync('sh', ['-n', script('host.sh', HOST_LOOP)], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

describe('the relay', () => {
  const relay = script('relay.pl', RELAY);

  it('carries bytes both ways and ends when the other side does', async () => {
    const echo = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
    const { port } = echo.address() as { port: number };
    const child = spawn('perl', [relay, '127.0.0.1', String(port)]);
    const big = 'landfall\n'.repeat(100_000);
    child.stdin.end(big);
    expect(await text(child.stdout)).toBe(big);
    echo.close();
  });

  it("says why it cannot connect in OpenSSH's own words", () => {
    const { status, stderr } = spawnSync('perl', [relay, '127.0.0.1', '1'], { encoding: 'utf8' });
    expect(status).toBe(255);
    expect(stderr).toBe('ssh: connect to host 127.0.0.1 port 1: Connection refused\r\n');
  });
});
