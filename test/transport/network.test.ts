import { writeFile } from 'node:fs/promises';
import { type Server, type Socket, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Program, spawned, start } from '../../src/ssh/spawned.ts';
import { refused, targetOf } from './reach.ts';
import { type Sshd, startSshd } from './sshd.ts';
import { DEAD_PORTS, eventually, freePort } from './wait.ts';

let sshd: Sshd;

beforeAll(async () => {
  sshd = await startSshd();
});

afterAll(() => sshd.stop());

/** A server that says something else than SSH, or nothing. */
async function impostor(greet: (socket: Socket) => void): Promise<Server & { readonly at: number }> {
  const at = await freePort();
  const server = createServer((socket) => {
    socket.on('error', () => {});
    greet(socket);
  });
  await new Promise<void>((resolve) => server.listen(at, '127.0.0.1', resolve));
  return Object.assign(server, { at });
}

describe('not there', () => {
  test('nobody listens', async () => {
    const problem = await refused(targetOf(sshd, { port: DEAD_PORTS[0] }));
    expect(problem).toMatchObject({ code: 'ssh/unreachable' });
    expect(problem.summary).toContain('refuses the connection');
  });

  test('nobody knows the name', async () => {
    const problem = await refused(targetOf(sshd, { address: 'no-such-host.invalid' }));
    expect(problem).toMatchObject({ code: 'ssh/unreachable' });
    expect(problem.saw).toContain('Could not resolve hostname no-such-host.invalid');
  });

  test('nobody answers', async () => {
    // A server that accepts nobody and whose queue is full: the kernel drops what comes.
    const port = await freePort();
    const deaf = start([
      process.execPath,
      '-e',
      `const s=require('net').createServer().listen({port:${port},host:'127.0.0.1',backlog:1},()=>{console.log('up');process.kill(process.pid,'SIGSTOP')})`,
    ]);
    const sockets: Program[] = [];
    try {
      await eventually('the queue to fill', async () => {
        sockets.push(start(['ssh-keyscan', '-T', '600', '-p', String(port), '127.0.0.1']));
        const waiting = await spawned(['ss', '-Htn', 'state', 'syn-sent', `( dport = :${port} )`]);
        return waiting.stdout.trim() === '' ? undefined : true;
      });
      const problem = await refused(targetOf(sshd, { port }), { connectTimeoutSeconds: 2 });
      expect(problem).toMatchObject({ code: 'ssh/unreachable' });
      expect(problem.summary).toContain('no answer');
    } finally {
      for (const socket of sockets) socket.kill('SIGKILL');
      deaf.kill('SIGKILL');
    }
  });

  test('somebody takes the connection and says nothing; or speaks HTTP', async () => {
    const silent = await impostor(() => {});
    const web = await impostor((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'));
    });
    try {
      const first = await refused(targetOf(sshd, { port: silent.at }), { connectTimeoutSeconds: 1 });
      expect(first).toMatchObject({ code: 'ssh/unreachable' });
      expect(first.summary).toContain('says nothing');
      expect(await refused(targetOf(sshd, { port: web.at }))).toMatchObject({
        code: 'ssh/not-ssh',
        saw: 'HTTP/1.1 400 Bad Request',
      });
    } finally {
      silent.close();
      web.close();
    }
  });

  test('an sshd that hangs up at once', async () => {
    const full = await impostor((socket) => socket.end('Exceeded MaxStartups\r\n'));
    const curt = await impostor((socket) => socket.destroy());
    try {
      expect(await refused(targetOf(sshd, { port: full.at }))).toMatchObject({
        code: 'ssh/busy',
        saw: 'Exceeded MaxStartups',
      });
      expect(await refused(targetOf(sshd, { port: curt.at }))).toMatchObject({ code: 'ssh/busy' });
    } finally {
      full.close();
      curt.close();
    }
  });

  test('no algorithm in common', async () => {
    const config = join(sshd.folder, 'old-kex');
    await writeFile(config, `KexAlgorithms diffie-hellman-group1-sha1\nInclude ${sshd.config}\n`);
    const problem = await refused(targetOf(sshd, { config }));
    expect(problem).toMatchObject({ code: 'ssh/no-common-algorithm' });
    expect(problem.summary).toContain('key exchange method');
    expect(problem.try).toContain('KexAlgorithms +');
  });
});
