import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inRoot, put, runPiece, standIn, step } from '../../test/steps/scene.ts';
import type { Shell } from '../shell/sh.ts';
import { removePods, removeState } from './leftovers.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'lf-'));
  put(root, 'proc/mounts', '/dev/sda1 / ext4 rw 0 0\n');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Stand-ins for whatever would touch the machine; each notes how it was called. */
function bin(more: Readonly<Record<string, string>> = {}): string {
  for (const name of ['systemctl', 'umount', 'ip', 'nft', 'tc', 'ipset', 'crictl', 'kubeadm', 'kubectl'])
    standIn(root, name, `echo "${name} $*" >>'${root}/calls'\n${more[name] ?? 'exit 1'}`);
  return join(root, 'bin');
}
const calls = (): readonly string[] =>
  existsSync(join(root, 'calls')) ? readFileSync(join(root, 'calls'), 'utf8').trimEnd().split('\n') : [];
const undo = (shell: Shell, path: string) =>
  runPiece(inRoot(root, { ...step('control-plane/init'), undo: shell }), 'undo', path);
const there = (path: string): boolean => existsSync(join(root, path));

const PIN = '0f2a5b1c-8f2e-4ac0-9f5b-9d1c7a2b3c4d';
const pins = (): void => {
  for (const path of [`run/netns/${PIN}`, `run/ipcns/${PIN}`, 'run/netns/mine', 'run/crio/version'])
    put(root, path, '');
};

/** A runtime that can be asked. */
async function listening<T>(then: () => T): Promise<T> {
  mkdirSync(join(root, 'var/run/crio'), { recursive: true });
  const server = createServer();
  await new Promise<void>((done) => server.listen(join(root, 'var/run/crio/crio.sock'), done));
  try {
    return then();
  } finally {
    server.close();
  }
}

describe('the pods of a cluster that goes', () => {
  it('are ended by the runtime, which goes on', async () => {
    pins();
    const { status } = await listening(() => undo(removePods('cri-o'), bin({ crictl: 'exit 0' })));
    expect([status, calls()]).toEqual([
      0,
      [expect.stringMatching(/^crictl .* rmp --force --all$/), 'systemctl stop kubepods.slice'],
    ]);
    expect(there('run/crio/version')).toBe(true);
  });

  it.each([
    ['is gone', false],
    ['does not answer', true],
  ])('are ended without it when it %s, and it will not take them up again', async (_, isThere) => {
    pins();
    const ended = () => undo(removePods('cri-o'), bin());
    for (let i = 0; i < 2; i++) expect((isThere ? await listening(ended) : ended()).status).toBe(0);
    expect(calls()).toContain('systemctl stop crio');
    expect(calls().indexOf('systemctl stop crio')).toBeLessThan(
      calls().indexOf('systemctl stop kubepods.slice'),
    );
    expect(calls().filter((call) => call.startsWith('umount '))).toEqual([
      `umount -l ${root}/run/netns/${PIN}`,
      `umount -l ${root}/run/ipcns/${PIN}`,
    ]);
    for (const path of [`run/netns/${PIN}`, `run/ipcns/${PIN}`, 'run/crio/version'])
      expect([path, there(path)]).toEqual([path, false]);
    expect(there('run/netns/mine')).toBe(true);
  });
});

describe('the pods of containerd, when it is gone', () => {
  it('end with their shims, and their networks are taken away', () => {
    pins();
    put(root, `run/netns/cni-${PIN}`, '');
    standIn(root, 'pkill', `echo "pkill $*" >>'${root}/calls'`);
    for (let i = 0; i < 2; i++) expect(undo(removePods('containerd'), bin()).status).toBe(0);
    expect(calls().slice(0, 3)).toEqual([
      'systemctl stop containerd',
      'systemctl stop kubepods.slice',
      expect.stringMatching(/^pkill -KILL -f .*containerd-shim-runc-v2/),
    ]);
    expect([there(`run/netns/cni-${PIN}`), there(`run/netns/${PIN}`)]).toEqual([false, true]);
  });
});

const CONFIG = '/etc/cni/net.d/10-flannel.conflist';
const state = (): void => {
  for (const path of [
    'etc/kubernetes/manifests/etcd.yaml',
    'etc/kubernetes/pki/etcd/ca.key',
    'etc/kubernetes/admin.conf',
    'etc/kubernetes/landfall/cluster',
    'etc/cni/net.d/10-flannel.conflist',
    'etc/cni/net.d/99-mine.conflist',
    'var/lib/etcd/member/snap/db',
    'var/lib/kubelet/pods/1/etc-hosts',
  ])
    put(root, path, 'x\n');
};

describe('what kubelet and etcd have written', () => {
  it('goes, and the folders stay as kubeadm leaves them', () => {
    state();
    for (let i = 0; i < 2; i++)
      expect(undo(removeState([CONFIG]), bin())).toMatchObject({ status: 0, stdout: '', stderr: '' });
    for (const path of ['etc/kubernetes/manifests', 'etc/kubernetes/pki', 'var/lib/etcd', 'var/lib/kubelet'])
      expect([path, readdirSync(join(root, path))]).toEqual([path, []]);
    expect(readdirSync(join(root, 'etc/kubernetes')).toSorted()).toEqual(['landfall', 'manifests', 'pki']);
    expect(readdirSync(join(root, 'etc/cni/net.d'))).toEqual(['99-mine.conflist']);
  });

  it('goes from another disk, too, to which a folder leads', () => {
    put(root, 'mnt/etcd/member/db', 'x');
    mkdirSync(join(root, 'var/lib'), { recursive: true });
    symlinkSync(join(root, 'mnt/etcd'), join(root, 'var/lib/etcd'));
    expect(undo(removeState([]), bin()).status).toBe(0);
    expect(readdirSync(join(root, 'mnt/etcd'))).toEqual([]);
  });

  const VOLUME = 'var/lib/kubelet/pods/1/volumes/data';
  it('stays, all of it, while a volume cannot be unmounted', () => {
    state();
    put(root, `${VOLUME}/precious`, 'x');
    put(
      root,
      'proc/mounts',
      `/dev/sdb1 ${root}/${VOLUME} ext4 rw 0 0\n/dev/sdc1 ${root}/var/lib/kubelet ext4 rw 0 0\n`,
    );
    const { status, stdout } = undo(removeState([CONFIG]), bin());
    expect([status, stdout]).toEqual([1, expect.stringContaining(`${VOLUME}\nstill mounted`)]);
    // The folder itself may well be a disk of its own.
    expect(calls()).toEqual([`umount ${root}/${VOLUME}`, `umount -l ${root}/${VOLUME}`]);
    for (const path of [`${VOLUME}/precious`, 'var/lib/etcd/member/snap/db', 'etc/kubernetes/admin.conf'])
      expect([path, there(path)]).toEqual([path, true]);
  });

  it('goes when its volumes are unmounted', () => {
    state();
    put(root, 'proc/mounts', `/dev/sdb1 ${root}/${VOLUME} ext4 rw 0 0\n`);
    expect(undo(removeState([]), bin({ umount: `: >'${root}/proc/mounts'` })).status).toBe(0);
    expect(readdirSync(join(root, 'var/lib/kubelet'))).toEqual([]);
  });
});

describe('control-plane/init taken back', () => {
  const init = (path: string) => runPiece(inRoot(root, step('control-plane/init')), 'undo', path);

  it('takes the whole of the cluster away, with kubeadm or without it', () => {
    for (const kubeadm of ['exit 127', 'case $1 in version) ;; *) exit 1 ;; esac']) {
      state();
      const { status, stdout } = init(bin({ kubeadm }));
      expect([status, stdout]).toEqual([0, expect.stringMatching(/^.*without it\n$/)]);
      for (const path of [
        'var/lib/etcd/member',
        'etc/kubernetes/manifests/etcd.yaml',
        'etc/cni/net.d/10-flannel.conflist',
      ])
        expect([path, there(path)]).toEqual([path, false]);
      const stops = calls().filter((call) => call.startsWith('systemctl stop'));
      expect(stops[0]).toBe('systemctl stop kubelet');
      rmSync(join(root, 'calls'));
    }
  });

  it('leaves what lies on a host that never had one', () => {
    put(root, 'var/lib/etcd/mine', 'x');
    put(root, 'etc/cni/net.d/10-flannel.conflist', 'x');
    expect(init(bin()).status).toBe(0);
    expect([there('var/lib/etcd/mine'), there('etc/cni/net.d/10-flannel.conflist')]).toEqual([true, true]);
    expect(calls()).not.toContain('systemctl stop kubelet');
  });
});
