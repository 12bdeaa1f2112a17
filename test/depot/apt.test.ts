import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexFiles, packagesIndex, parseStanzas, releaseFile, stanzaOf } from './apt.ts';
import { buildDeb, debFile, epoch, type Deb } from './deb.ts';
import { place } from './place.ts';
import { signer } from './sign.ts';

const deb = (name: string, depends: readonly string[] = []): Deb => ({
  name,
  version: '1.36.3-1.1',
  section: 'admin',
  description: `a package named ${name}`,
  homepage: 'https://kubernetes.io',
  depends,
  files: {
    [`/usr/bin/${name}`]: { text: '#!/bin/sh\necho ok\n' },
    [`/etc/default/${name}`]: { text: 'ARGS=\n' },
    '/usr/lib/systemd/system/alias.service': { link: `${name}.service` },
  },
  folders: ['/var/lib/crio'],
  conffiles: [`/etc/default/${name}`],
  scripts: { prerm: '#!/bin/sh\nexit 0\n' },
});

describe('a repository', { timeout: 120_000 }, () => {
  let folder = '';
  let stanza: ReturnType<typeof stanzaOf>;
  const file = debFile('kubelet', '1.36.3-1.1');
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'landfall-apt-'));
    mkdirSync(join(folder, 'repo'));
    await buildDeb(deb('kubelet', ['mount', 'util-linux']), join(folder, 'tree'), join(folder, 'repo'));
    const data = readFileSync(join(folder, 'repo', file));
    const control = execFileSync('dpkg-deb', ['-f', join(folder, 'repo', file)], { encoding: 'utf8' });
    stanza = stanzaOf(parseStanzas(control)[0] ?? {}, file, data);
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('packs programs, configuration files, links, empty folders and scripts, owned by root', () => {
    const listing = execFileSync('dpkg-deb', ['-c', join(folder, 'repo', file)], { encoding: 'utf8' });
    expect(listing).toMatch(/^-rwxr-xr-x root\/root .* \.\/usr\/bin\/kubelet$/m);
    expect(listing).toMatch(/^-rw-r--r-- root\/root .* \.\/etc\/default\/kubelet$/m);
    expect(listing).toMatch(/^drwxr-xr-x root\/root .* \.\/var\/lib\/crio\/$/m);
    expect(listing).toMatch(/alias\.service -> kubelet\.service$/m);
    const conffiles = execFileSync('dpkg-deb', ['-I', join(folder, 'repo', file), 'conffiles'], {
      encoding: 'utf8',
    });
    expect(conffiles).toBe('/etc/default/kubelet\n');
  });

  it('packs the same bytes again', async () => {
    await buildDeb(deb('kubelet', ['mount', 'util-linux']), join(folder, 'tree2'), join(folder, 'again'));
    expect(readFileSync(join(folder, 'again', file)).equals(readFileSync(join(folder, 'repo', file)))).toBe(
      true,
    );
  });

  it('describes packages by their own control fields and checksums', () => {
    const path = join(folder, 'repo', file);
    for (const field of ['Package', 'Version', 'Architecture', 'Depends', 'Description'])
      expect(`${stanza[field]}\n`).toBe(execFileSync('dpkg-deb', ['-f', path, field], { encoding: 'utf8' }));
    expect(execFileSync('sha256sum', [path], { encoding: 'utf8' })).toContain(stanza['SHA256']);
    expect(stanza['Filename']).toBe(file);
  });

  it('is accepted by apt with its signature, and refused when a byte of it changed', {
    timeout: 60_000,
  }, async () => {
    const sign = await signer(place({ XDG_CACHE_HOME: folder }));
    const files = indexFiles('', [stanza]);
    for (const [path, data] of Object.entries(files)) writeFileSync(join(folder, 'repo', path), data);
    const release = releaseFile({ Origin: 'test' }, files, epoch);
    const inRelease = await sign.clearsign(release);
    expect(await sign.clearsign(release)).toBe(inRelease);
    await sign.close();
    writeFileSync(join(folder, 'repo/InRelease'), inRelease);
    writeFileSync(join(folder, 'key.asc'), sign.publicKey);
    const apt = aptIn(folder, `deb [signed-by=${folder}/key.asc] file:${folder}/repo ./`);
    apt(['update']);
    expect(apt(['show', 'kubelet'], 'apt-cache')).toContain('SHA256:');
    writeFileSync(join(folder, 'repo/InRelease'), inRelease.replace('Origin: test', 'Origin: evil'));
    expect(() => apt(['-o', 'APT::Update::Error-Mode=any', 'update'])).toThrow(/BADSIG|invalid signature/i);
  });
});

/** Gives apt in an isolated root with one source. */
function aptIn(folder: string, source: string): (argv: readonly string[], program?: string) => string {
  const root = join(folder, 'apt');
  for (const path of ['lists/partial', 'cache/archives/partial', 'sources'])
    mkdirSync(join(root, path), { recursive: true });
  writeFileSync(join(root, 'sources/one.list'), `${source}\n`);
  writeFileSync(join(root, 'status'), '');
  const options = [
    'Dir::Etc::sourcelist=/dev/null',
    `Dir::Etc::sourceparts=${root}/sources`,
    `Dir::State=${root}`,
    `Dir::State::status=${root}/status`,
    `Dir::Cache=${root}/cache`,
    'APT::Sandbox::User=root',
  ].flatMap((option) => ['-o', option]);
  return (argv, program = 'apt-get') => {
    return execFileSync(program, [...options, ...argv], { encoding: 'utf8', stdio: 'pipe' });
  };
}

describe('index files', () => {
  it('come back from their own text', () => {
    const text =
      'Package: a\nVersion: 1\nDescription: short\n longer\n .\n more\n\nPackage: b\nVersion: 2\nTag:\n one,\n two\n';
    const stanzas = parseStanzas(text);
    expect(stanzas).toHaveLength(2);
    expect(packagesIndex(stanzas)).toBe(text);
  });
});
