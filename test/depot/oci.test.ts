import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addImage, layer, readIndex, tagOf } from './oci.ts';
import { sha256 } from './recipe.ts';
import { tar } from './tar.ts';

const created = '2025-01-01T00:00:00Z';
const program = tar([{ path: 'pause', type: 'file', mode: 0o755, data: Buffer.from('program') }], 0);

describe('an OCI image layout', { timeout: 60_000 }, () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'landfall-oci-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const blob = (digest: string): Buffer =>
    readFileSync(join(folder, 'blobs/sha256', digest.replace('sha256:', '')));

  it('names every blob by its sha256 and says its true size', async () => {
    const digest = await addImage(folder, '3.10', [layer(program)], { Entrypoint: ['/pause'] }, created);
    const manifest = JSON.parse(blob(digest).toString());
    for (const part of [manifest.config, ...manifest.layers])
      expect(blob(part.digest).length).toBe(part.size);
    for (const name of readdirSync(join(folder, 'blobs/sha256')))
      expect(sha256(readFileSync(join(folder, 'blobs/sha256', name)))).toBe(name);
  });

  it('carries the configuration, the platform and the layer', async () => {
    const digest = await addImage(
      folder,
      '3.10',
      [layer(program)],
      { Entrypoint: ['/pause'], User: '65535' },
      created,
    );
    const manifest = JSON.parse(blob(digest).toString());
    const config = JSON.parse(blob(manifest.config.digest).toString());
    expect(config).toMatchObject({
      architecture: 'amd64',
      os: 'linux',
      config: { Entrypoint: ['/pause'], User: '65535' },
    });
    expect(blob(manifest.layers[0].digest).equals(program)).toBe(true);
    expect(config.rootfs.diff_ids).toEqual([`sha256:${sha256(program)}`]);
  });

  it('holds several tags and replaces one that is added again', async () => {
    const one = [layer(program)];
    await addImage(folder, '3.10', one, { Entrypoint: ['/old'] }, created);
    await addImage(folder, '3.10.1', one, { Entrypoint: ['/pause'] }, created);
    const digest = await addImage(folder, '3.10', one, { Entrypoint: ['/pause'] }, created);
    const index = await readIndex(folder);
    expect(index.map(tagOf)).toEqual(['3.10.1', '3.10']);
    expect(index[1]?.digest).toBe(digest);
    expect(index[0]?.digest).toBe(digest); // the same image under another name
  });
});
