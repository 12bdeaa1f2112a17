import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DepotFaults, NO_FAULTS } from './faults.ts';
import { depotHandler } from './handler.ts';

const folder = mkdtempSync(join(tmpdir(), 'landfall-depot-'));
const put = (path: string, content: string): void => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
};
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const layer = 'a layer';
const config = '{"architecture":"amd64"}';
const manifest = JSON.stringify({
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  config: { digest: `sha256:${sha256(config)}` },
  layers: [{ digest: `sha256:${sha256(layer)}` }],
});
const MANIFEST = `sha256:${sha256(manifest)}`;

function putImage(repository: string, tag: string): void {
  for (const blob of [layer, config, manifest])
    put(`registry/${repository}/blobs/sha256/${sha256(blob)}`, blob);
  put(`registry/${repository}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
  const annotations = { 'org.opencontainers.image.ref.name': tag };
  put(
    `registry/${repository}/index.json`,
    JSON.stringify({ schemaVersion: 2, manifests: [{ digest: MANIFEST, annotations }] }),
  );
}

let faults: DepotFaults = NO_FAULTS;
const log: string[] = [];
let server: Server;
beforeAll(async () => {
  put('www/pkgs.k8s.io/core:/stable:/v1.36/deb/Packages', '0123456789');
  put('www/pkgs.k8s.io/core:/stable:/v1.36/deb/InRelease', 'Date: x\n-----BEGIN PGP SIGNATURE-----\n');
  put('secret', 'out of the folder');
  symlinkSync(join(folder, 'secret'), join(folder, 'www/pkgs.k8s.io/link'));
  putImage('registry.k8s.io/coredns/coredns', 'v1.14.7');
  putImage('docker.io/library/nginx', '1.28.0');
  server = createServer(depotHandler({ folder, faults: () => faults, log: (line) => log.push(line) }));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => server.close());

interface Told {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

function get(
  host: string,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Told> {
  const { port } = server.address() as { port: number };
  return new Promise((resolve, reject) => {
    const asked = request(
      { port, host: '127.0.0.1', path, method, headers: { host, ...headers } },
      (answer) => {
        void buffer(answer).then((body) =>
          resolve({ status: answer.statusCode, headers: answer.headers, body: body.toString() }),
        );
      },
    );
    asked.on('error', reject).end();
  });
}

const PACKAGES = '/core:/stable:/v1.36/deb/Packages';

describe('files', () => {
  it('are served for the host they belong to, and only for it', async () => {
    expect(await get('pkgs.k8s.io', PACKAGES)).toMatchObject({ status: 200, body: '0123456789' });
    expect(await get('pkgs.k8s.io:443', PACKAGES.replaceAll(':', '%3a'))).toMatchObject({ status: 200 });
    expect(await get('deb.debian.org', PACKAGES)).toMatchObject({ status: 404 });
    expect(await get('pkgs.k8s.io', '/core:/stable:/v1.36/deb/')).toMatchObject({ status: 404 });
  });

  it('come in parts', async () => {
    const part = await get('pkgs.k8s.io', PACKAGES, { range: 'bytes=4-' });
    expect(part).toMatchObject({ status: 206, body: '456789' });
    expect(part.headers['content-range']).toBe('bytes 4-9/10');
    expect(await get('pkgs.k8s.io', PACKAGES, { range: 'bytes=10-' })).toMatchObject({ status: 416 });
    const stale = { range: 'bytes=4-', 'if-range': 'Thu, 01 Jan 1970 00:00:00 GMT' };
    expect(await get('pkgs.k8s.io', PACKAGES, stale)).toMatchObject({ status: 200, body: '0123456789' });
  });

  it('are not sent again to those who have them', async () => {
    const modified = (await get('pkgs.k8s.io', PACKAGES)).headers['last-modified'] ?? '';
    expect(await get('pkgs.k8s.io', PACKAGES, { 'if-modified-since': modified })).toMatchObject({
      status: 304,
      body: '',
    });
    const later = new Date(Date.parse(modified) + 60_000).toUTCString();
    expect(await get('pkgs.k8s.io', PACKAGES, { 'if-modified-since': later })).toMatchObject({ status: 200 });
  });

  it('answer HEAD with their length and no body', async () => {
    const head = await get('pkgs.k8s.io', PACKAGES, {}, 'HEAD');
    expect(head).toMatchObject({ status: 200, body: '' });
    expect(head.headers['content-length']).toBe('10');
  });

  it.each(['/../../secret', '/%2e%2e/%2e%2e/secret', '/..%2f..%2fsecret', '/core:/..%5c..', '/%00', '/%zz'])(
    'are never found outside the folder: %s',
    async (path) => {
      expect((await get('pkgs.k8s.io', path)).status).toBe(400);
    },
  );

  it('are never found through a link out of the folder', async () => {
    expect((await get('pkgs.k8s.io', '/link')).status).toBe(404);
  });

  it.each(['..', '../..', 'a/b', '.hidden'])('are never found for a host called %j', async (host) => {
    expect((await get(host, '/secret')).status).toBe(400);
  });

  it('are only read', async () => expect((await get('pkgs.k8s.io', PACKAGES, {}, 'PUT')).status).toBe(405));
});

describe('images', () => {
  it('are found by tag and by digest', async () => {
    for (const reference of ['v1.14.7', MANIFEST]) {
      const told = await get('registry.k8s.io', `/v2/coredns/coredns/manifests/${reference}`);
      expect(told).toMatchObject({ status: 200, body: manifest });
      expect(told.headers['docker-content-digest']).toBe(MANIFEST);
      expect(told.headers['content-type']).toBe('application/vnd.oci.image.manifest.v1+json');
    }
  });

  it('have layers, whole and in parts', async () => {
    const path = `/v2/coredns/coredns/blobs/sha256:${sha256(layer)}`;
    expect(await get('registry.k8s.io', path)).toMatchObject({ status: 200, body: layer });
    expect(await get('registry.k8s.io', path, { range: 'bytes=2-' })).toMatchObject({
      status: 206,
      body: 'layer',
    });
    expect((await get('registry.k8s.io', path, {}, 'HEAD')).headers['content-length']).toBe(
      String(layer.length),
    );
  });

  it('of docker.io are found under the name of its registry', async () => {
    const told = await get('registry-1.docker.io', '/v2/library/nginx/manifests/1.28.0', {}, 'HEAD');
    expect(told.headers['docker-content-digest']).toBe(MANIFEST);
  });

  it('list their tags', async () => {
    const { body } = await get('registry.k8s.io', '/v2/coredns/coredns/tags/list');
    expect(JSON.parse(body)).toEqual({ name: 'coredns/coredns', tags: ['v1.14.7'] });
  });

  it('greet as a registry does', async () => {
    const told = await get('ghcr.io', '/v2/');
    expect(told).toMatchObject({ status: 200, body: '{}' });
    expect(told.headers['docker-distribution-api-version']).toBe('registry/2.0');
  });

  it.each([
    ['/v2/coredns/coredns/manifests/v9', 'MANIFEST_UNKNOWN'],
    ['/v2/nothing/manifests/v1', 'MANIFEST_UNKNOWN'],
    [`/v2/coredns/coredns/blobs/sha256:${'0'.repeat(64)}`, 'BLOB_UNKNOWN'],
    [`/v2/coredns/coredns/manifests/sha256:${sha256(layer)}`, 'MANIFEST_UNKNOWN'],
  ])("say what is not there in the API's words: %s", async (path, code) => {
    const told = await get('registry.k8s.io', path);
    expect(told.status).toBe(404);
    expect(JSON.parse(told.body).errors[0].code).toBe(code);
  });

  it.each([
    '/v2/../../secret/manifests/x',
    '/v2/a/../b/manifests/x',
    '/v2/A/manifests/x',
    '/v2/a/blobs/sha256:zz',
  ])('are never looked for under a name that cannot be one: %s', async (path) =>
    expect([400, 404]).toContain((await get('registry.k8s.io', path)).status),
  );
});

describe('faults', () => {
  const withFaults = async (
    now: Partial<DepotFaults>,
    host: string,
    path: string,
    headers = {},
  ): Promise<Told> => {
    faults = { ...NO_FAULTS, ...now };
    return get(host, path, headers).finally(() => {
      faults = NO_FAULTS;
    });
  };
  const nginx = '/v2/library/nginx/manifests/1.28.0';

  it('hide a file, a host, an image', async () => {
    expect((await withFaults({ missing: ['*/Packages'] }, 'pkgs.k8s.io', PACKAGES)).status).toBe(404);
    expect((await withFaults({ unavailable: ['pkgs.k8s.io'] }, 'pkgs.k8s.io', PACKAGES)).status).toBe(503);
    const image = await withFaults({ missing: ['docker.io/library/nginx'] }, 'registry-1.docker.io', nginx);
    expect(JSON.parse(image.body).errors[0].code).toBe('MANIFEST_UNKNOWN');
  });

  it('spoil a file even for those who ask for a part or have it', async () => {
    for (const headers of [{}, { range: 'bytes=0-1' }]) {
      const told = await withFaults({ corrupt: ['*/Packages'] }, 'pkgs.k8s.io', PACKAGES, headers);
      expect(told).toMatchObject({ status: 200, body: '0123446789' });
    }
  });

  it("spoil an image's layer", async () => {
    const path = `/v2/coredns/coredns/blobs/sha256:${sha256(layer)}`;
    const told = await withFaults({ corrupt: ['registry.k8s.io/coredns/coredns'] }, 'registry.k8s.io', path);
    expect(sha256(told.body)).not.toBe(sha256(layer));
  });

  it('change a repository after it was signed', async () => {
    const told = await withFaults(
      { unsigned: ['pkgs.k8s.io'] },
      'pkgs.k8s.io',
      '/core:/stable:/v1.36/deb/InRelease',
    );
    expect(told.body).toContain('changed after it was signed');
  });
});

it('notes every request', async () => {
  log.length = 0;
  await get('pkgs.k8s.io', PACKAGES);
  while (log.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(log[0]).toMatch(
    /^\S+Z \S+ GET pkgs\.k8s\.io\/core:\/stable:\/v1\.36\/deb\/Packages 200 10 depot \d+ ms$/,
  );
});
