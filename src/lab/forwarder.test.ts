import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { FORWARDER } from './forwarder.ts';
import { RELAY } from './relay.ts';

const servers: Server[] = [];
const forwarders: ChildProcess[] = [];

afterEach(() => {
  for (const child of forwarders.splice(0)) child.kill('SIGKILL');
  for (const server of servers.splice(0)) server.close();
});

/** A server on a free port of an address of loopback; gives the port. */
async function serve(address: string, answer: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, answer);
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, address, done));
  return (server.address() as { port: number }).port;
}

const echo = (socket: Socket): void => void socket.pipe(socket);

/** Starts a forwarder whose connections are joined by relays; gives it, and its ports, once it listens. */
async function forward(...ways: readonly string[]): Promise<{ child: ChildProcess; ports: number[] }> {
  const dir = mkdtempSync(join(tmpdir(), 'landfall-'));
  const [script, relay, state] = [join(dir, 'forwarder.pl'), join(dir, 'relay.pl'), join(dir, 'state')];
  writeFileSync(script, FORWARDER);
  writeFileSync(relay, RELAY);
  const argv = [script, state, ...ways, '--', 'perl', relay];
  const child = spawn('perl', argv, { stdio: 'ignore' });
  forwarders.push(child);
  while (!existsSync(state) && child.exitCode === null) await sleep(5);
  const read = JSON.parse(readFileSync(state, 'utf8')) as { pid: number; ports: Record<string, number> };
  expect(read.pid).toBe(child.pid);
  return { child, ports: Object.values(read.ports) };
}

/** An open connection; rejects when it is refused. */
const call = (port = 0, host = '127.0.0.1'): Promise<Socket> =>
  new Promise((done, fail) => {
    const socket = connect({ port, host, allowHalfOpen: true }, () => done(socket));
    socket.on('error', fail);
  });

describe('the forwarder', () => {
  it('leads each port to its own place, any number of connections at once', async () => {
    const one = await serve('127.0.0.1', (socket) => void socket.end('one'));
    const two = await serve('127.0.0.2', echo);
    const { ports } = await forward(`0:127.0.0.1:${one}`, `0:127.0.0.2:${two}`);
    expect(await text(await call(ports[0]))).toBe('one');
    const big = 'landfall\n'.repeat(100_000);
    const open = await Promise.all([1, 2, 3].map(() => call(ports[1])));
    for (const socket of open) socket.end(big);
    for (const socket of open) expect((await text(socket)) === big).toBe(true);
  });

  it('listens on 127.0.0.1 and nowhere else', async () => {
    const { ports } = await forward(`0:127.0.0.1:${await serve('127.0.0.1', echo)}`);
    await expect(call(ports[0], '127.0.0.2')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('takes the port it is asked to, and another where that is taken', async () => {
    const there = await serve('127.0.0.1', echo);
    const first = await forward(`0:127.0.0.1:${there}`);
    const second = await forward(`${first.ports[0]}:127.0.0.1:${there}`);
    expect(second.ports[0]).not.toBe(first.ports[0]);
    const gone = new Promise((done) => first.child.on('exit', done));
    const kept = await call(first.ports[0]);
    kept.write('here, and ');
    expect(String(await new Promise((done) => kept.once('data', done)))).toBe('here, and ');
    kept.pause();
    first.child.kill('SIGKILL');
    await gone;
    // A connection that goes through it stays, and is no reason not to get the port again.
    const third = await forward(`${first.ports[0]}:127.0.0.1:${there}`);
    expect(third.ports).toEqual(first.ports);
    kept.end('still here');
    expect(await text(kept)).toBe('still here');
  });

  it('hangs up on a caller when the other side refuses, and goes on', async () => {
    const there = await serve('127.0.0.1', echo);
    const { ports } = await forward('0:127.0.0.2:1', `0:127.0.0.1:${there}`);
    const refused = await call(ports[0]);
    expect(await text(refused)).toBe('');
    const socket = await call(ports[1]);
    socket.end('well');
    expect(await text(socket)).toBe('well');
  });
});
