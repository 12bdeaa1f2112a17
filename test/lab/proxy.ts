import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTls } from 'node:https';
import { authority, serverCertificate } from '../../src/lab/depot/authority.ts';
import { depotSource } from '../../src/lab/depot/daemon.ts';
import { NO_FAULTS } from '../../src/lab/depot/faults.ts';
import { depotHandler } from '../../src/lab/depot/handler.ts';
import { DEPOT_NAMES } from '../../src/lab/depot/names.ts';
import type { Lab } from '../../src/lab/spec.ts';
import { socketOf } from './mirror.ts';

/** A forward proxy in a lab's network, behind which there is what the depot has. */
export interface Proxy {
  /** `CONNECT HOST:PORT` and `GET URL`, one for each request. */
  readonly told: string[];
  readonly close: () => void;
}

/** Starts a proxy at port 3128 of the operator's address: http as it comes, and https inside CONNECT. */
export async function startProxy(lab: Lab): Promise<Proxy> {
  const { certificate, key } = await serverCertificate(
    `${lab.dir}/proxy`,
    await authority(),
    DEPOT_NAMES,
    [],
  );
  const { folder } = await depotSource();
  const answer = depotHandler({ folder, faults: () => NO_FAULTS, log: () => undefined });
  const inside = createTls({ cert: readFileSync(certificate), key: readFileSync(key) }, answer);
  const told: string[] = [];
  const server = createServer((request, response) => {
    const { url = '' } = request;
    told.push(`GET ${url}`);
    const [, host = '', path = '/'] = /^http:\/\/([^/]+)(.*)$/.exec(url) ?? [];
    request.headers.host = host;
    request.url = path;
    answer(request, response);
  });
  server.on('connect', (request, socket, head) => {
    told.push(`CONNECT ${request.url}`);
    socket.on('error', () => undefined);
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    if (head.length > 0) socket.unshift(head);
    inside.emit('connection', socket);
  });
  server.listen(await socketOf(lab, 3128));
  return { told, close: () => server.close() };
}
