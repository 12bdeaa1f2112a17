import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { harbour } from '../../test/config/harbour.ts';
import type { Lock } from '../model/lock.ts';
import { Problems } from '../model/problem.ts';
import { lockPath, pathFrom } from './file.ts';
import { loadCluster } from './load.ts';
import { lockText } from './lock-text.ts';

const lockOf = (kubernetes: string): Lock => ({
  kubernetes,
  packages: {
    kubeadm: `${kubernetes}-1.1`,
    kubelet: `${kubernetes}-1.1`,
    kubectl: `${kubernetes}-1.1`,
    'cri-tools': '1.36.0-1.1',
    'kubernetes-cni': '1.8.0-1.1',
    'cri-o': '1.36.1-2.1',
  },
  keys: { kubernetes: 'a'.repeat(64), crio: 'b'.repeat(64) },
  network: {
    plugin: 'flannel',
    version: '0.28.10',
    encapsulation: 'vxlan',
    mtu: 1450,
    files: {},
    images: [],
  },
  images: {},
});

describe('files', () => {
  let folder: string;
  const file = () => join(folder, 'cluster.yaml');
  const load = () => {
    try {
      return { loaded: loadCluster(file()), problems: [] };
    } catch (error) {
      if (error instanceof Problems) return { problems: error.problems };
      throw error;
    }
  };
  const codes = () =>
    load().problems.map(({ code, exit, where }) => `${code} ${exit} ${where?.line}:${where?.column}`);
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'landfall-config-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('are loaded with the lock beside them', () => {
    writeFileSync(file(), harbour);
    expect(load().loaded).toMatchObject({ file: file(), lockFile: join(folder, 'landfall.lock') });
    expect(load().loaded).not.toHaveProperty('lock');
    writeFileSync(join(folder, 'landfall.lock'), lockText(lockOf('1.36.3')));
    expect(load().loaded).toMatchObject({ lock: lockOf('1.36.3'), held: lockOf('1.36.3') });
    writeFileSync(file(), harbour.replace('1.36', '1.37'));
    expect(load().loaded).toMatchObject({ held: lockOf('1.36.3') });
    expect(load().loaded).not.toHaveProperty('lock');
    writeFileSync(file(), harbour.replace('1.36', '1.35'));
    expect(codes()).toEqual(['version/skew 5 4:13']);
  });
  it('both tell what is wrong with them', () => {
    writeFileSync(file(), harbour.replace('harbour', 'Harbour'));
    writeFileSync(join(folder, 'landfall.lock'), 'apiVersion: landfall/v9\n');
    expect(codes()).toEqual(['file/format 2 1:13', 'config/format 2 3:7']);
  });
  it('that are not there, are none, or are not text', () => {
    expect(codes()).toEqual(['file/missing 2 undefined:undefined']);
    expect(load().problems[0]?.try).toContain('landfall init');
    mkdirSync(file());
    expect(codes()).toEqual(['file/directory 2 undefined:undefined']);
    rmSync(file(), { recursive: true });
    writeFileSync(file(), Buffer.from(harbour.replace('harbour', 'hafen # für alle'), 'latin1'));
    expect(codes()).toEqual(['file/not-utf8 2 3:16']);
    writeFileSync(file(), Buffer.from(`\uFEFF# \uFFFD\n\u00e9\n`.replace('\u00e9', ''), 'utf8'));
    expect(codes()).toEqual(['file/empty 2 1:1']);
    writeFileSync(file(), Buffer.from(`\uFEFF${harbour}`, 'utf16le'));
    expect(codes()).toEqual(['file/not-utf8 2 undefined:undefined']);
    writeFileSync(file(), `${harbour}${'#'.repeat(300_000)}`);
    expect(codes()).toEqual(['file/too-large 2 undefined:undefined']);
  });
});

describe('paths', () => {
  it('written in cluster.yaml are taken from its folder, or from home', () => {
    expect(pathFrom('/srv/a/cluster.yaml', './ssh_config')).toBe('/srv/a/ssh_config');
    expect(pathFrom('/srv/a/cluster.yaml', '/etc/ssh_config')).toBe('/etc/ssh_config');
    expect(pathFrom('cluster.yaml', '~/.ssh/id')).toMatch(/^\/.*\/\.ssh\/id$/);
    expect(pathFrom('-', 'x')).toBe(join(process.cwd(), 'x'));
  });
  it('of locks lie beside the file, one for each', () => {
    expect(['cluster.yaml', 'a/cluster.yml', 'a/staging.yaml', '-'].map(lockPath)).toEqual([
      'landfall.lock',
      'a/landfall.lock',
      'a/staging.landfall.lock',
      'landfall.lock',
    ]);
  });
});
