import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freshRoot } from '../../test/steps/root.ts';
import { HARBOUR, read, runPiece, scene } from '../../test/steps/scene.ts';
import type { Problem } from '../model/problem.ts';
import { RECORD } from '../shell/compile.ts';
import { forgetSteps, leaveSteps, type Leaving } from './leave.ts';
import { leaveScript, parseLeave } from './leave-reading.ts';
import type { Step } from './step.ts';

const root = freshRoot('#!/bin/sh\n');
const SCENE = scene(HARBOUR);
const LEAVING: Leaving = {
  name: 'cp-1',
  peer: 'https://10.0.0.12:2380',
  drained: true,
  despite: [],
  limit: 600,
};
const step = (id: string, more: Partial<Leaving> = {}): Step =>
  [...leaveSteps(SCENE, { ...LEAVING, ...more }), ...forgetSteps(SCENE, LEAVING)].find(
    (s) => s.id === id,
  ) as Step;

/** etcd of three, of whom these do not answer. */
function members(...away: readonly number[]): readonly string[] {
  return [
    ...[0, 1, 2].map(
      (n) => `${n}ab, started, cp-${n}, https://10.0.0.1${n + 1}:2380, https://10.0.0.1${n + 1}:2379, false`,
    ),
    ...[0, 1, 2].map(
      (n) =>
        `https://10.0.0.1${n + 1}:2379 ${away.includes(n) ? 'is unhealthy: failed to commit proposal' : 'is healthy: successfully committed proposal'}`,
    ),
  ];
}

/** A kubectl that says these words, by what it is asked, and writes down what it is told. */
function kubectl(answers: Readonly<Record<string, string>>): string {
  root.put('bin/timeout', '#!/bin/sh\nshift; exec "$@"\n', 0o755);
  const cases = Object.entries({ '--raw /readyz': 'ok', ...answers }).map(
    ([asked, said]) => `*'${asked}'*) printf '%s\\n' '${said}' ;;`,
  );
  root.put(
    'bin/kubectl',
    `#!/bin/sh\necho "$*" >>'${root.path()}/calls'\ncase $* in ${cases.join(' ')} esac\n`,
    0o755,
  );
  return root.bin();
}
const calls = (): string =>
  existsSync(join(root.path(), 'calls')) ? readFileSync(join(root.path(), 'calls'), 'utf8') : '';

describe('a member that is taken off the list', () => {
  const etcd = (...away: readonly number[]): string => {
    const all = members(...away);
    return kubectl({ 'member list': all.slice(0, 3).join('\n'), 'endpoint health': all.slice(3).join('\n') });
  };

  it('is seen by its name', () => {
    expect(read(step('leave/etcd-member'), etcd())).toBe('member 1ab');
    expect(read(step('leave/etcd-member', { name: 'cp-9', peer: 'https://10.0.0.99:2380' }), etcd())).toBe(
      'no member',
    );
    expect(read(step('leave/etcd-member'), kubectl({ '--raw /readyz': 'no' }))).toBe('etcd does not answer');
  });
  it.each([[[]], [[1]]])('goes while those that stay are enough: %j are away', (away) => {
    expect(runPiece(step('leave/etcd-member'), 'make', etcd(...away)).stdout).toContain(
      '2 voting, 2 well, 2 needed',
    );
    expect(calls()).toContain('member remove 1ab');
  });
  it.each([[[0]], [[0, 2]], [[0, 1, 2]]])('stays when etcd would stop without it: %j are away', (away) => {
    const made = runPiece(step('leave/etcd-member'), 'make', etcd(...away));
    expect([made.status, made.stdout]).toEqual([1, expect.stringContaining('too few')]);
    expect(calls()).not.toContain('remove');
  });
});

describe('a node that is drained', () => {
  const pods = [
    'default/web-1|Running|ReplicaSet|',
    'kube-system/flannel-x|Running|DaemonSet|',
    'default/job|Succeeded|Job|',
    'kube-system/etcd-cp-1|Running|Node|abc',
  ];

  it('still has the pods that have to move, and no others', () => {
    expect(read(step('leave/drained'), kubectl({ 'get pods': [...pods, 'answered'].join('\n') }))).toContain(
      'default/web-1',
    );
    expect(read(step('leave/drained'), kubectl({ 'get pods': [...pods.slice(1)].join('\n') }))).toBe(
      'no pods to move',
    );
    expect(read(step('leave/drained'), kubectl({ '--raw /readyz': 'no' }))).toBe(
      'the API server does not answer',
    );
  });
  it.each([
    [':Exists:NoExecute :Exists:NoSchedule ', 'no pods to move'],
    ['CriticalAddonsOnly:Exists: :Exists: ', 'no pods to move'],
    ['node.kubernetes.io/unschedulable:Exists:NoSchedule ', 'no pods to move'],
    ['node.kubernetes.io/unschedulable::NoExecute ', 'calico-system/typha'],
    ['CriticalAddonsOnly:Exists: :Exists:NoExecute ', 'calico-system/typha'],
  ])('is not waited for by those that a closed node takes too: %s', (tolerations, want) => {
    const pods = [`calico-system/typha|Running|ReplicaSet||${tolerations}`, 'answered'];
    expect(read(step('leave/drained'), kubectl({ 'get pods': pods.join('\n') }))).toBe(want);
  });
  it('loses only what was named', () => {
    runPiece(step('leave/drained'), 'make', kubectl({}));
    expect(calls()).toMatch(
      /drain cp-1 --ignore-daemonsets --timeout=600s --skip-wait-for-delete-timeout=60 *\n/,
    );
    runPiece(step('leave/drained', { despite: ['emptydir', 'unmanaged', 'budget'] }), 'make', kubectl({}));
    expect(calls()).toContain('--delete-emptydir-data --force --disable-eviction');
  });
});

describe('what the seat says of a node that leaves', () => {
  const answers: Readonly<Record<string, string>> = {
    api: 'ok',
    nodes:
      'cp-0\tTrue\t\tNoSchedule\t10.0.0.11\ncp-1\tTrue\t\t\t10.0.0.12\nworker-0\tTrue\ttrue\t\t10.0.0.21',
    pods: 'default\tweb-1\tRunning\t\tReplicaSet\tweb\tcache tmp\t{"app":"web"}\nkube-system\tetcd-cp-1\tRunning\tabc\tNode\tcp-1\t\t',
    controllers: 'ReplicaSet\tdefault\tweb\t1\tDeployment\tweb',
    budgets: 'default\tweb\t0\t{"matchLabels":{"app":"web"}}',
    volumes: 'pv-1\tdefault\tdata\t/srv\tcp-1\npv-2\tdefault\tother\t/srv\tcp-10\npv-3\t\t\t\t',
    members: members(2).join('\n'),
  };
  const output = (given: Readonly<Record<string, string>>, bad = ''): string =>
    Object.entries(given)
      .map(
        ([word, text]) => `${RECORD}answer ${btoa(word)} ${btoa(word === bad ? '1' : '0')} ${btoa(text)}\n`,
      )
      .join('');

  it('is read', () => {
    expect(parseLeave(output(answers), 'cp-0', 'cp-1')).toMatchObject({
      node: { ready: true, address: '10.0.0.12' },
      room: false,
      pods: [
        { name: 'web-1', emptyDirs: ['cache', 'tmp'], labels: { app: 'web' }, mirror: false },
        { name: 'etcd-cp-1', mirror: true },
      ],
      controllers: [{ replicas: 1, owner: { kind: 'Deployment', name: 'web' } }],
      budgets: [{ allowed: 0, selector: { matchLabels: { app: 'web' } } }],
      volumes: [{ name: 'pv-1', claim: 'data' }],
      members: [{ well: true }, { well: true }, { name: 'cp-2', well: false, learner: false }],
    });
    expect(parseLeave(output(answers), 'cp-0', 'worker-9').node).toBe(undefined);
  });
  it('is nothing to go by when a part of it is missing', () => {
    const code = (text: string): string | undefined => {
      try {
        parseLeave(text, 'cp-0', 'cp-1');
        return undefined;
      } catch (error) {
        return (error as Problem).code;
      }
    };
    for (const bad of ['api', 'pods', 'budgets']) expect(code(output(answers, bad))).toBe('leave/silent');
    expect(code(output({ ...answers, members: '' }))).toBe('leave/silent');
    expect(code('')).toBe('leave/silent');
  });
  it('is asked of every part, whichever fails', () => {
    const asked = leaveScript(SCENE, 'cp-1').text;
    for (const word of Object.keys(answers)) expect(asked).toContain(`b64 ${word}`);
  });
});
