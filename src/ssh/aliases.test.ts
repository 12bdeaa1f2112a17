import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hostAliases, readAliases } from './aliases.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'landfall-'));
  mkdirSync(join(dir, '.ssh', 'conf.d'), { recursive: true });
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const put = (name: string, text: string): void => writeFileSync(join(dir, '.ssh', name), text);
const names = async (config?: string): Promise<readonly string[]> =>
  (await hostAliases({ HOME: dir }, config)).map(({ name }) => name);

describe('the hosts of an ssh_config', () => {
  it('are those it names, and not its patterns', () => {
    const { aliases, includes } = readAliases(`# mine
Include conf.d/* "other file"
Host cp-0 cp-1   *.example.com 10.0.0.11
  HostName=10.0.0.11
  User ops
host "gate"
\tHOSTNAME gate.example.com
Host * !gate
  HostName nowhere
Match user ops
  HostName nowhere
Host github.com gitlab
  User git
Host -oProxyCommand=x
`);
    expect(aliases).toEqual([
      { name: 'cp-0', hostName: '10.0.0.11' },
      { name: 'cp-1', hostName: '10.0.0.11' },
      { name: 'gate', hostName: 'gate.example.com' },
    ]);
    expect(includes).toEqual(['conf.d/*', 'other file']);
  });

  it('are those of what it includes too, each once', async () => {
    put('config', 'Include conf.d/*.conf ~/.ssh/more missing\nHost cp-0\nHost web\n');
    put('conf.d/b.conf', 'Host b web\n');
    put('conf.d/a.conf', `Host a\nInclude ${join(dir, '.ssh', 'config')}\n`);
    put('conf.d/c.txt', 'Host not-this\n');
    put('conf.d/.hidden.conf', 'Host nor-this\n');
    put('more', 'Host more\n');
    expect((await names()).toSorted()).toEqual(['a', 'b', 'cp-0', 'more', 'web']);
    expect((await names()).slice(0, 2)).toEqual(['cp-0', 'web']);
  });

  it('are those of another file when one is named', async () => {
    put('config', 'Host mine\n');
    put('team', 'Host ours\n');
    expect(await names(join(dir, '.ssh', 'team'))).toEqual(['ours']);
  });

  it('are none where there is no file, no home, or no ssh_config', async () => {
    expect(await names()).toEqual([]);
    expect(await names(dir)).toEqual([]);
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const { name } of readAliases(text).aliases) expect(name).toMatch(/^[\w.-]+$/);
      }),
    );
  });
});
