import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { fake, folder, landfall } from '../../test/cli/fake.ts';
import { kept } from '../../test/report/golden.ts';
import { loadCluster } from '../config/load.ts';
import { NETWORK_PLUGINS } from '../model/cluster.ts';
import { runCli } from './app.ts';

const folders: (() => void)[] = [];
const place = (files?: Readonly<Record<string, string>>): string => {
  const { dir, remove } = folder(files);
  folders.push(remove);
  return dir;
};
afterEach(() => {
  for (const remove of folders.splice(0)) remove();
});

const written = (cwd: string) => loadCluster(join(cwd, 'cluster.yaml')).cluster;

/** A home whose ssh_config names two hosts. */
function home(): string {
  const dir = place();
  mkdirSync(join(dir, '.ssh'));
  writeFileSync(
    join(dir, '.ssh', 'config'),
    'Host harbour-1 harbour-2\n  HostName 10.0.0.11\nHost *\n  User ops\n',
  );
  return dir;
}

/** A few wrong answers among the right ones. */
const TYPED = ['Harbour!', 'harbour', '', '17', '1', '', '1.20', '', 'weave', ''];

describe('init on a terminal', () => {
  test('asks what is not given, and reads as it was read in review', async () => {
    const above = place();
    const cwd = join(above, 'bay');
    mkdirSync(cwd);
    const it = fake({ cwd, typed: TYPED, env: { HOME: home() }, columns: 80 });
    // As a terminal shows it: with what is typed.
    const line = async (): Promise<string | undefined> => {
      const typed = await it.process.stdin.line();
      it.process.stderr.write(`${typed}\n`);
      return typed;
    };
    const process = { ...it.process, stdin: { ...it.process.stdin, line } };
    await runCli(['init', '--offline'], process);
    expect(process.exitCode).toBe(0);
    const screen = `${it.err()}\n${it.out()}`.replaceAll(`${above}/`, '');
    expect(screen).toBe(kept(new URL('./__golden__/init.txt', import.meta.url), screen));
    expect(written(cwd)).toMatchObject({
      name: 'harbour',
      kubernetes: '1.36',
      network: { plugin: 'flannel' },
      nodes: [{ name: 'cp-0', address: 'harbour-1' }],
    });
  });

  test('asks less when more is given, and nothing when all is', async () => {
    const less = await landfall(['init', 'one=10.0.0.11', '--name', 'harbour', '--offline'], {
      cwd: place(),
      typed: ['', ''],
    });
    expect([less.code(), less.err().match(/: $|: (?=\n)/gm)?.length]).toEqual([0, 2]);
    const all = ['init', 'one=10.0.0.11', '--name', 'harbour', '--kubernetes', '1.36', '--plugin', 'none'];
    const none = await landfall([...all, '--offline'], { cwd: place(), typed: [] });
    expect([none.code(), none.err()]).toEqual([0, '']);
    const yes = await landfall(['init', '10.0.0.11', '--yes', '--offline'], { cwd: place(), typed: [] });
    expect([yes.code(), yes.err()]).toEqual([0, '']);
  });

  test('writes nothing when the answers end', async () => {
    for (const typed of [[], [''], ['', '10.0.0.11'], ['', '10.0.0.11', '', '']]) {
      const cwd = place();
      const it = await landfall(['init', '--offline'], { cwd, typed });
      expect([it.code(), it.out(), readdirSync(cwd)]).toEqual([130, '', []]);
      expect(it.err()).toContain('nothing was written');
    }
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('writes nothing on %s, and says so', async (signal, code) => {
    const cwd = place();
    const it = fake({ cwd, typed: [] });
    let answered = 0;
    const line = (): Promise<string | undefined> => {
      answered += 1;
      if (answered === 3) it.signal(signal);
      return Promise.resolve(answered < 3 ? 'harbour' : undefined);
    };
    const stdin = { ...it.process.stdin, line };
    await runCli(['init', '--offline'], { ...it.process, stdin });
    expect([it.exited(), readdirSync(cwd)]).toEqual([code, []]);
    expect(it.err()).toContain('cluster.yaml was not written.');
  });
});

describe('init without anybody to ask', () => {
  test('takes every proposal, and calls no host that is not known', async () => {
    const cwd = place({
      ssh_config: 'Host *\n  UserKnownHostsFile /dev/null\n  ProxyCommand touch called\n',
    });
    for (const more of [[], ['--no-input'], ['--yes']]) {
      const it = await landfall(['init', '10.0.0.11', '--ssh-config', 'ssh_config', '--force', ...more], {
        cwd,
      });
      expect(it.code()).toBe(0);
      expect(it.err()).toContain('10.0.0.11 was not read: 10.0.0.11 is not known to this machine.');
      expect(it.out()).toContain('hosts trust');
    }
    expect(readdirSync(cwd).toSorted()).toEqual(['cluster.yaml', 'ssh_config']);
    expect(written(cwd)).toMatchObject({
      ssh: { config: './ssh_config' },
      nodes: [{ address: '10.0.0.11' }],
    });
    expect(readFileSync(join(cwd, 'cluster.yaml'), 'utf8')).toContain(
      '# cp-0 could not be read (10.0.0.11 is not known to this machine)',
    );
  });

  test('refuses to guess which host is meant', async () => {
    for (const words of [['init'], ['init', '--yes'], ['init', '--json']]) {
      const it = await landfall(words, { cwd: place() });
      expect([it.code(), it.err()]).toEqual([2, expect.stringContaining('init/address')]);
    }
  });

  test('judges what is given before it looks at anything', async () => {
    const cwd = place();
    for (const words of [['-oProxyCommand=x'], ['$(reboot)'], ['a b'], ['fd00::1'], ['one=a', 'two=b']]) {
      const it = await landfall(['init', '--', ...words], { cwd });
      expect([it.code(), it.out()]).toEqual([2, '']);
      expect(it.err()).toMatch(/^error\[/);
    }
    for (const flags of [
      ['--address', ''],
      ['--address', 'a b'],
      ['--plugin', 'weave'],
      ['--name', 'A'],
    ])
      expect((await landfall(['init', '10.0.0.11', ...flags], { cwd })).code()).toBe(2);
    expect(existsSync(join(cwd, 'cluster.yaml'))).toBe(false);
    const two = await landfall(['init', 'one=10.0.0.11', 'two=10.0.0.12'], { cwd });
    expect(two.err()).toContain('2 control planes bear no more than 1 do');
  });

  test('tells programs what was written, and what was not read', async () => {
    const cwd = place();
    const it = await landfall(['init', 'one=10.0.0.11', '--offline', '--json'], { cwd });
    expect(JSON.parse(it.out())).toMatchObject({
      format: '1.0',
      pods: '10.244.0.0/16',
      services: '10.96.0.0/16',
    });
    const config = place({ ssh_config: 'UserKnownHostsFile /dev/null\n' });
    const unread = await landfall(['init', '10.0.0.11', '--json', '--ssh-config', 'ssh_config'], {
      cwd: config,
    });
    expect(JSON.parse(unread.out()).unread).toMatchObject({ code: 'ssh/host-key-unknown' });
  });

  test('knows every network plugin', async () => {
    for (const plugin of NETWORK_PLUGINS) {
      const cwd = place();
      const it = await landfall(['init', '10.0.0.11', '--offline', '--plugin', plugin], { cwd });
      expect([it.code(), written(cwd).network.plugin]).toEqual([0, plugin]);
    }
  });

  test('prints the file where that is led to standard output', async () => {
    const it = await landfall(['init', '10.0.0.11', '--offline', '-f', '-'], { cwd: place() });
    expect([it.code(), it.err()]).toEqual([0, '']);
    expect(it.out()).toMatch(/^# yaml-language-server/);
  });
});

describe('a host on the command line', () => {
  test('is completed from ssh_config', async () => {
    const it = await landfall(['complete', 'init', 'har'], { cwd: place(), env: { HOME: home() } });
    expect(it.out()).toBe('harbour-1\nharbour-2\n');
  });
});
