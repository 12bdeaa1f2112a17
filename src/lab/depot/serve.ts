/**
 * The depot's process. `serve.ts CONFIG` answers; `serve.ts listen` is its child inside the depot's network namespace,
 * which opens the sockets and hands them over: a socket stays in the namespace it was made in, so hosts reach the depot
 * there, while the depot itself reaches upstream from the machine's own network.
 */
import { spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { createServer, type Server } from 'node:net';
import { argv, execArgv, execPath, exit } from 'node:process';
import { dnsAnswer } from './dns.ts';
import { watchFaults } from './faults.ts';
import { depotHandler } from './handler.ts';
import { ntpAnswer } from './ntp.ts';
import type { Upstream } from './upstream.ts';

/** What `serve.ts` is told, as a JSON file. */
export interface ServeConfig {
  readonly folder: string;
  readonly upstream?: Upstream;
  readonly faults: string;
  /** Written, with this process's id in it, once the depot answers. */
  readonly pidFile: string;
  /** Path of the network namespace to answer in, and the address there. */
  readonly namespace: string;
  readonly address: string;
  readonly certificate: string;
  readonly key: string;
  /** What the hosts' name server knows: addresses by name, in lower case. */
  readonly names: Readonly<Record<string, string>>;
}

const PORTS = { http: 80, https: 443, ntp: 123, dns: 53 } as const;
const ALL = Object.keys(PORTS).length;

function listen(address: string): void {
  const hand = (name: string, handle: Server | Socket) => process.send?.(name, handle);
  for (const name of ['http', 'https'] as const) {
    const server = createServer();
    server.listen(PORTS[name], address, 511, () => hand(name, server));
  }
  for (const name of ['ntp', 'dns'] as const) {
    const socket = createSocket('udp4');
    socket.bind(PORTS[name], address, () => hand(name, socket));
  }
  // The parent says when it has all of them.
  process.on('message', () => exit(0));
  process.on('disconnect', () => exit(1));
}

function serve(config: ServeConfig): void {
  const handler = depotHandler({
    folder: config.folder,
    ...(config.upstream === undefined ? {} : { upstream: config.upstream }),
    faults: watchFaults(config.faults),
    log: (line) => console.log(line),
  });
  const http = createHttp(handler);
  const https = createHttps(
    { cert: readFileSync(config.certificate), key: readFileSync(config.key) },
    handler,
  );
  const own = [...execArgv, argv[1] ?? '', 'listen', config.address];
  const child = spawn('nsenter', [`--net=${config.namespace}`, execPath, ...own], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  let taken = 0;
  child.on('message', (name, handle) => {
    if (name === 'http') http.listen(handle as Server);
    if (name === 'https') https.listen(handle as Server);
    if (name === 'ntp') answerTime(handle as Socket);
    if (name === 'dns') answerNames(handle as Socket, new Map(Object.entries(config.names)));
    taken += 1;
    if (taken < ALL) return;
    child.send('thanks');
    writeFileSync(`${config.pidFile}.part`, `${process.pid}\n`);
    renameSync(`${config.pidFile}.part`, config.pidFile);
  });
  child.on('exit', (code) => {
    if (taken === ALL) return;
    console.error(`the depot's sockets could not be opened (status ${code})`);
    exit(1);
  });
}

function answerTime(socket: Socket): void {
  // An answer that cannot be sent (its asker's cable is pulled) is no reason to end.
  socket.on('error', (error) => console.error(`time: ${error.message}`));
  socket.on('message', (question, peer) => {
    const received = Date.now();
    const answer = ntpAnswer(question, received, Date.now());
    if (answer !== undefined) socket.send(answer, peer.port, peer.address);
  });
}

function answerNames(socket: Socket, names: ReadonlyMap<string, string>): void {
  socket.on('error', (error) => console.error(`names: ${error.message}`));
  socket.on('message', (query, peer) => {
    const answer = dnsAnswer(query, names);
    if (answer !== undefined) socket.send(answer, peer.port, peer.address);
  });
}

const [, , first = '', second = ''] = argv;
if (first === 'listen') listen(second);
else serve(JSON.parse(readFileSync(first, 'utf8')) as ServeConfig);
