import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { NO_FAULTS } from './faults.ts';
import { depotHandler } from './handler.ts';
import { parseChallenge, upstreamReachable } from './upstream.ts';

const folder = mkdtempSync(join(tmpdir(), 'landfall-depot-'));
const cache = mkdtempSync(join(tmpdir(), 'landfall-cache-'));
const layer = 'a layer from far away';
const DIGEST = createHash('sha256').update(layer).digest('hex');
const asked: string[] = [];
let base = '';

/** A stand-in for the world: paths begin with the host meant. */
function world(request: IncomingMessage, response: ServerResponse): void {
  asked.push(`${request.method} ${request.url}`);
  const tell = (status: number, headers: Record<string, string>, body = '') =>
    response.writeHead(status, headers).end(body);
  const authorization = request.headers.authorization ?? '';
  switch ((request.url ?? '').replace(/\?.*/, '')) {
    case '/pkgs.k8s.io/core:/stable:/v1.36/deb/Release.key':
      return void tell(302, { location: `${base}/prod-cdn.packages.k8s.io/Release.key` });
    case '/prod-cdn.packages.k8s.io/Release.key':
      return void tell(
        200,
        { 'content-type': 'application/pgp-keys', 'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT' },
        'a key',
      );
    case '/registry-1.docker.io/v2/':
      return void tell(401, {
        'www-authenticate': 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io"',
      });
    case '/registry.k8s.io/v2/':
      return void tell(200, {}, '{}');
    case '/auth.docker.io/token':
      return void tell(
        200,
        { 'content-type': 'application/json' },
        JSON.stringify({ token: `anonymous ${request.url?.replace(/.*\?/, '')}` }),
      );
    case '/registry-1.docker.io/v2/library/redis/manifests/8':
      if (authorization.startsWith('Bearer '))
        return void tell(200, { 'docker-content-digest': 'sha256:1' }, authorization);
      return void tell(401, {
        'www-authenticate':
          'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/redis:pull"',
      });
    case `/registry-1.docker.io/v2/library/redis/blobs/sha256:${DIGEST}`:
      return void tell(200, {}, layer);
    case `/registry-1.docker.io/v2/library/lies/blobs/sha256:${'0'.repeat(64)}`:
      return void tell(200, {}, layer);
    case '/deb.debian.org/debian/pool/a_1_amd64.deb':
      return void tell(request.headers.range === undefined ? 200 : 206, {}, 'a package');
    default:
      return void tell(404, {}, 'nowhere');
  }
}

let upstream: Server;
let depot: Server;
beforeAll(async () => {
  const up = (server: Server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  upstream = createServer(world);
  await up(upstream);
  base = `http://127.0.0.1:${(upstream.address() as { port: number }).port}`;
  mkdirSync(join(folder, 'www/pkgs.k8s.io'), { recursive: true });
  writeFileSync(join(folder, 'www/pkgs.k8s.io/here'), 'from the folder');
  depot = createServer(
    depotHandler({ folder, upstream: { base, cache }, faults: () => NO_FAULTS, log: () => undefined }),
  );
  await up(depot);
});
beforeEach(() => {
  asked.length = 0;
});
afterAll(() => {
  upstream.close();
  depot.close();
});

async function get(
  host: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<Response & { said: string }> {
  const { port } = depot.address() as { port: number };
  const { request } = await import('node:http');
  return new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', path, headers: { host, ...headers } }, (answer) => {
      let said = '';
      answer.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
      answer.on('end', () => {
        const told = new Response(null, {
          status: answer.statusCode ?? 0,
          headers: answer.headers as Record<string, string>,
        });
        resolve(Object.assign(told, { said }));
      });
    })
      .on('error', reject)
      .end();
  });
}

/** Where nobody listens any more. */
async function closedPort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

describe('passing through', () => {
  it('leaves alone what the folder has', async () => {
    expect((await get('pkgs.k8s.io', '/here')).said).toBe('from the folder');
    expect(asked).toEqual([]);
  });

  it('fetches what the folder lacks, and follows redirects itself', async () => {
    const told = await get('pkgs.k8s.io', '/core:/stable:/v1.36/deb/Release.key');
    expect([told.status, told.said, told.headers.get('last-modified')]).toEqual([
      200,
      'a key',
      'Thu, 01 Jan 2026 00:00:00 GMT',
    ]);
    expect(asked).toHaveLength(2);
  });

  it("passes on what upstream says of what isn't there", async () => {
    const told = await get('pkgs.k8s.io', '/nothing');
    expect([told.status, told.said]).toEqual([404, 'nowhere']);
  });

  it("passes on a registry's wish for a login, and the token's host", async () => {
    const ping = await get('registry-1.docker.io', '/v2/');
    expect(ping.status).toBe(401);
    expect(ping.headers.get('www-authenticate')).toContain('realm="https://auth.docker.io/token"');
    expect((await get('auth.docker.io', '/token?scope=x')).said).toContain('anonymous scope=x');
  });

  it("passes the client's token on", async () => {
    const told = await get('registry-1.docker.io', '/v2/library/redis/manifests/8', {
      authorization: 'Bearer mine',
    });
    expect(told.said).toBe('Bearer mine');
  });

  it('fetches an anonymous token for a client that sent none', async () => {
    const told = await get('registry-1.docker.io', '/v2/library/redis/manifests/8');
    expect(told.status).toBe(200);
    expect(told.said).toBe(
      'Bearer anonymous service=registry.docker.io&scope=repository%3Alibrary%2Fredis%3Apull',
    );
  });

  it('keeps layers, and asks for each once', async () => {
    const path = `/v2/library/redis/blobs/sha256:${DIGEST}`;
    expect((await get('registry-1.docker.io', path)).said).toBe(layer);
    expect((await get('registry-1.docker.io', path, { range: 'bytes=2-6' })).said).toBe('layer');
    expect(asked).toHaveLength(1);
  });

  it("keeps no layer that isn't what its digest says", async () => {
    await get('registry-1.docker.io', `/v2/library/lies/blobs/sha256:${'0'.repeat(64)}`);
    expect(readdirSync(join(cache, 'sha256'))).toEqual([DIGEST]);
  });

  it('keeps packages, but not parts of them', async () => {
    const path = '/debian/pool/a_1_amd64.deb';
    await get('deb.debian.org', path, { range: 'bytes=3-' });
    expect(existsSync(join(cache, 'deb'))).toBe(false);
    await get('deb.debian.org', path);
    await get('deb.debian.org', path);
    expect(asked).toHaveLength(2);
  });

  it('says so when upstream cannot be reached', async () => {
    const lonely = createServer(
      depotHandler({
        folder,
        upstream: { base: await closedPort() },
        faults: () => NO_FAULTS,
        log: () => undefined,
      }),
    );
    await new Promise<void>((resolve) => lonely.listen(0, '127.0.0.1', resolve));
    const { port } = lonely.address() as { port: number };
    const told = await fetch(`http://127.0.0.1:${port}/x`);
    expect(told.status).toBe(502);
    expect(await told.text()).toMatch(/^127\.0\.0\.1 cannot be reached: .*ECONNREFUSED/);
    lonely.close();
  });
});

describe('upstreamReachable', () => {
  it('is so when packages and images both answer', async () => {
    expect(await upstreamReachable(5_000, { base })).toBe(true);
    expect(await upstreamReachable(5_000, { base: await closedPort() })).toBe(false);
  });
});

describe('parseChallenge', () => {
  it('knows only what it can answer', () => {
    expect(parseChallenge(null)).toBeUndefined();
    expect(parseChallenge('Basic realm="x"')).toBeUndefined();
    expect(parseChallenge('Bearer realm="not a url"')).toBeUndefined();
    expect(parseChallenge('Bearer realm="https://a/t",service="s"')?.query.toString()).toBe('service=s');
  });
});
