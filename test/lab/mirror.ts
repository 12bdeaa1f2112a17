import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Server } from 'node:net';
import { execPath } from 'node:process';
import { depotSource } from '../../src/lab/depot/daemon.ts';
import { type Credential, serverCertificate } from '../../src/lab/depot/authority.ts';
import { depotHandler } from '../../src/lab/depot/handler.ts';
import { NO_FAULTS } from '../../src/lab/depot/faults.ts';
import { fromOutside } from '../../src/lab/host.ts';
import { type Lab, subnet } from '../../src/lab/spec.ts';

/** A registry in a lab's network that has other registries' images below a path for each, and asks who pulls. */
export interface Mirror {
  /** Who may pull, `USER:PASSWORD`; may be changed. */
  allowed: string;
  /** `STATUS URL`, one for each request. */
  readonly told: string[];
  readonly close: () => void;
}

const NAME = 'mirror.example.com';

/** Opens a socket where the lab's operator is, and hands it over. */
const LISTEN = `require('net').createServer().listen(+process.argv[2], process.argv[1], function () {
  process.send('here', this, () => process.exit(0)) })`;

/** A socket that listens at a port of the operator's address. */
export function socketOf(lab: Lab, port: number): Promise<Server> {
  const { operator } = subnet(lab.network);
  const [program = '', ...args] = fromOutside(lab, [execPath, '-e', LISTEN, operator, `${port}`]);
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  return new Promise((done, fail) => {
    child.on('message', (_, handle) => done(handle as Server));
    child.on('error', fail);
    child.on('exit', (code) => fail(new Error(`nobody listens: ${code}`)));
  });
}

/** Starts a mirror called mirror.example.com, its certificate signed by this authority, which has what the depot has. */
export async function startMirror(
  lab: Lab,
  { ca, allowed, paths }: { ca: Credential; allowed: string; paths: Readonly<Record<string, string>> },
): Promise<Mirror> {
  const { certificate, key } = await serverCertificate(`${lab.dir}/mirror`, ca, [NAME], []);
  const { folder } = await depotSource();
  const answer = depotHandler({ folder, faults: () => NO_FAULTS, log: () => undefined });
  const mirror: Mirror = { allowed, told: [], close: () => server.close() };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const { url = '' } = request;
    response.on('finish', () => mirror.told.push(`${response.statusCode} ${url}`));
    const wanted = `Basic ${Buffer.from(mirror.allowed).toString('base64')}`;
    if (request.headers.authorization !== wanted) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="mirror"' }).end();
      return;
    }
    const [, path = '', rest = ''] = /^\/v2\/([^/]+)\/(.*)$/.exec(url) ?? [];
    if (paths[path] !== undefined) {
      request.url = `/v2/${rest}`;
      request.headers.host = paths[path];
    } else request.headers.host = 'registry.k8s.io';
    answer(request, response);
  };
  const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, listener);
  server.listen(await socketOf(lab, 443));
  return mirror;
}

/** The lines a host knows the operator's services by, in place of the ways to these hosts, which from then on lead nowhere. */
export function onlyBy(lab: Lab, services: readonly string[], hosts: readonly string[]): string {
  return `cp /etc/hosts /etc/hosts.new
    for name in ${hosts.join(' ')}; do sed -i "s/^[0-9.]* $name\\$/127.0.0.1 $name/" /etc/hosts.new; done
    echo '${subnet(lab.network).operator} ${services.join(' ')}' >>/etc/hosts.new
    cat /etc/hosts.new >/etc/hosts; rm /etc/hosts.new`;
}
