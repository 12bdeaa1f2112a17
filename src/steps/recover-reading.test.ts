import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { freshRoot } from '../../test/steps/root.ts';
import { scene } from '../../test/steps/scene.ts';
import { SAY } from '../shell/compile.ts';
import { parseRecover, recoverScript } from './recover-reading.ts';

const root = freshRoot('#!/bin/sh\n');
const STATUS = `"ClusterID" : 14841639068965178418
"MemberID" : 10276657743932975437
"Revision" : 5012
"RaftTerm" : 3
"Version" : "3.6.8"
"Leader" : 0
"RaftIndex" : 6121
"RaftAppliedIndex" : 6120
"Errors" : [etcdserver: no leader]`;
const MEMBERS = `8e9e05c52164694d, started, cp-0, https://10.0.0.11:2380, https://10.0.0.11:2379, false
91bc3c398fb3c146, started, cp-1, https://10.0.0.12:2380, https://10.0.0.12:2379, false
fd422379fda50e48, unstarted, , https://10.0.0.13:2380, , true`;

const hasData = (): void => {
  root.put('var/lib/etcd/member/snap/db', 'data');
  root.put('var/lib/etcd/member/wal/0-0.wal', 'log');
};

/** What is found of a host whose etcd answers so. */
function found(etcdctl: string) {
  root.put(
    'bin/crictl',
    `#!/bin/sh\ncase $1 in ps) echo abc ;; exec) shift 2; case $* in ${etcdctl} *) exit 1 ;; esac ;; esac\n`,
    0o755,
  );
  const script = `${SAY}\n${recoverScript(scene()).text}\n`;
  const { stdout } = spawnSync('dash', ['-s'], {
    input: script
      .replaceAll('/var/lib/', `${root.path()}/var/lib/`)
      .replaceAll('/etc/kubernetes/', `${root.path()}/etc/kubernetes/`),
    encoding: 'utf8',
    env: { ...process.env, PATH: `${root.bin()}:${process.env['PATH']}` },
  });
  return parseRecover(stdout, 'cp-0');
}

it('etcd tells how far it has come, and whom it knows, also when it decides no more', () => {
  hasData();
  const status = `*'endpoint status'*) cat <<'END'\n${STATUS}\nEND\n;;`;
  const members = `*'member list --consistency=s'*) cat <<'END'\n${MEMBERS}\nEND\n;;`;
  expect(found(`${status} ${members}`)).toEqual({
    name: 'cp-0',
    plane: false,
    data: true,
    runs: true,
    well: false,
    index: 6120,
    revision: 5012,
    member: '8e9e05c52164694d',
    cluster: 'cdf818194e3a8c32',
    members: [
      { id: '8e9e05c52164694d', name: 'cp-0', peer: 'https://10.0.0.11:2380', learner: false },
      { id: '91bc3c398fb3c146', name: 'cp-1', peer: 'https://10.0.0.12:2380', learner: false },
      { id: 'fd422379fda50e48', name: '', peer: 'https://10.0.0.13:2380', learner: true },
    ],
  });
  expect(found(`${status} *'endpoint health'*) echo healthy ;;`).well).toBe(true);
});
it('where it does not run its file is read, and what a recovery has left is seen', () => {
  hasData();
  root.put('etc/kubernetes/manifests/etcd.yaml', '    image: registry.k8s.io/etcd:3.6.8-0\n');
  root.put(
    'var/lib/containers/storage/overlay/a/diff/usr/local/bin/etcdutl',
    `#!/bin/sh\ncase $1 in version) echo 'etcdutl version: 3.6.8' ;; *) echo '"Revision" : 77' ;; esac\n`,
    0o755,
  );
  const still = {
    name: 'cp-0',
    plane: true,
    data: true,
    runs: false,
    well: false,
    revision: 77,
    members: [],
  };
  expect(found('none) ;;')).toEqual(still);
  root.put('var/lib/landfall/recovery/begun', '20261126T094206Z\n');
  root.put('var/lib/landfall/recovery/manifests/etcd.yaml', '');
  expect(found('none) ;;')).toEqual({ ...still, begun: '20261126T094206Z' });
});
it('a file for data without a log of them is none: an etcd that refused to start has left it', () => {
  root.put('var/lib/etcd/member/snap/db', 'empty');
  expect(found('none) ;;').data).toBe(false);
});
it('a host without any of it has nothing', () => {
  expect(found('none) ;;')).toEqual({
    name: 'cp-0',
    plane: false,
    data: false,
    runs: false,
    well: false,
    members: [],
  });
});
describe('an etcd that decides', () => {
  const UID = '5a0f3c1e-0b1d-4f5e-9d53-7c2f6a1f0e11';
  const answers = (value: string): string =>
    `*'endpoint status'*) cat <<'END'\n${STATUS}\nEND\n;; *'endpoint health'*) echo healthy ;;
*'member list'*) cat <<'END'\n${MEMBERS}\nEND\n;;
*'get /registry/namespaces/kube-system -w json'*) ${value} ;;`;
  const holds = (value: string): string => answers(`echo '{"kvs":[{"value":"${btoa(value)}"}],"count":1}'`);

  it('has begun anew where it knows another cluster than the host, or none', () => {
    hasData();
    root.put('etc/kubernetes/landfall/kube-system-uid', `${UID}\n`);
    expect(found(holds(`k8s\0kube-system\x22${UID}2\0`))).toMatchObject({ well: true, data: true });
    for (const said of [holds(`k8s\0kube-system\x22${UID.replace('5', '6')}2\0`), answers(`echo '{}'`)])
      expect(found(said)).toMatchObject({ well: false, data: false, anew: true, members: [] });
  });
  it('is not taken for one where nothing tells', () => {
    hasData();
    const other = holds('k8s\0kube-system\x22another');
    expect(found(other)).toMatchObject({ well: true, data: true });
    root.put('etc/kubernetes/landfall/kube-system-uid', `${UID}\n`);
    for (const said of [holds('k8s:enc:aescbc:v1:key1:'), answers('exit 1')]) {
      const { anew, data } = found(said);
      expect([anew, data]).toEqual([undefined, true]);
    }
    // One that does not decide has nothing to say.
    expect(found(other.replace("*'endpoint health'*) echo healthy ;;", '')).anew).toBe(undefined);
  });
});
