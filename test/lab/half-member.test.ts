import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { breakLab } from '../../src/lab/break.ts';
import type { Lab } from '../../src/lab/spec.ts';
import { historyFolder } from '../../src/run/history.ts';
import { ETCDCTL } from './etcd.ts';
import {
  cleared,
  type Desk,
  desk,
  freshLab,
  landfall,
  onHost,
  openSteps,
  put,
  said,
  start,
  well,
  wellOnHost,
} from './harness.ts';
import { eventually, live } from './live.ts';

/*
 * Control planes that are members by half: cut short after their vote, told by a mark that is gone, stuck as one that learns, or on
 * their way out. What counts is etcd's own list: who votes on it is never fewer by a join. The tests run in this order, on one cluster.
 */

const NAME = 'test-half-member';
const HOSTS = ['cp-0', 'cp-1', 'cp-2'] as const;
const MARK = '/etc/kubernetes/landfall/initialised';

let lab: Lab;
let place: Desk;

/** Has cluster.yaml name the first of the hosts, so many. */
function wish(count: number): void {
  const nodes = lab.hosts
    .slice(0, count)
    .map(
      ({ name, address }) =>
        `  - { name: ${name}, role: control-plane, address: ${address}, workloads: true }\n`,
    );
  put(
    place,
    'cluster.yaml',
    `apiVersion: landfall/v1\nkind: Cluster\nname: ${NAME}\nkubernetes: "1.36"\nlab: ${NAME}\nendpoint: { address: "${lab.hosts[0]?.address}:6443" }\nnodes:\n${nodes.join('')}`,
  );
}

/** In shell, on the first control plane: a line each member, its name, `votes` or `learns`, and its id. */
const LIST = `${ETCDCTL} member list | awk -F ', ' '{ print $3, ($6 == "true" ? "learns" : "votes"), $1 }' | sort`;

/** Every member of etcd and its id, by `NAME votes`. */
async function members(): Promise<ReadonlyMap<string, string>> {
  const list = await wellOnHost(lab, 'cp-0', LIST);
  const words = list
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
  return new Map(words.map(([name = '', state = '', id = '']) => [`${name} ${state}`, id]));
}
const ALL = ['cp-0 votes', 'cp-1 votes', 'cp-2 votes'];

beforeAll(async () => {
  lab = await freshLab(NAME, HOSTS);
  place = desk();
  rmSync(join(historyFolder(NAME), '..'), { recursive: true, force: true });
  wish(1);
  await well(place, 'apply', '--yes', '--no-proof');
  wish(3);
});

afterAll(() => cleared(NAME, place));

test('a host that loses its power right after its vote is brought to its end, as the member it was', async () => {
  const run = start(place, ['apply', '--yes', '--no-proof']);
  const vote = await wellOnHost(
    lab,
    'cp-0',
    `timeout 900 sh <<'END'\nuntil ${LIST} | grep '^cp-1 votes'; do sleep 0.1; done 2>/dev/null\nEND`,
  );
  await breakLab(NAME, { is: 'power-loss', host: 'cp-1' });
  run.child.kill('SIGKILL');
  await run.ended;
  // Of two voters one is away: nothing can be decided.
  expect((await onHost(lab, 'cp-0', LIST)).stdout).toBe('');
  await breakLab(NAME, { is: 'start', host: 'cp-1' });
  expect((await onHost(lab, 'cp-1', `ls ${MARK}`)).status).not.toBe(0);

  // From here on somebody counts: cp-1 is never off the list of those that vote.
  await wellOnHost(
    lab,
    'cp-0',
    `cat >/root/count <<'END'\nwhile :; do ${LIST} >/root/list 2>/dev/null && [ -s /root/list ] && { grep -c ' votes ' /root/list; grep -q '${vote.trim()}' /root/list || echo missing; } >>/root/counts; sleep 0.3; done\nEND\nsystemd-run -q --unit=count sh /root/count`,
  );
  const ended = await landfall(place, 'apply', '--yes', '--no-proof');
  expect(ended.status, said(ended)).toBe(0);
  await wellOnHost(lab, 'cp-0', 'systemctl stop count');
  const counts = (await wellOnHost(lab, 'cp-0', 'cat /root/counts')).trim().split('\n');
  expect(counts.length).toBeGreaterThan(5);
  expect(counts).not.toContain('missing');
  expect(counts).toEqual(counts.toSorted());

  const now = await members();
  expect([...now.keys()]).toEqual(ALL);
  expect(`cp-1 votes ${now.get('cp-1 votes')}`).toBe(vote.trim());
  expect(await openSteps(place)).toEqual([]);
});

test('a member whose mark was deleted is brought to its end, and not joined anew', async () => {
  const before = await members();
  const key = 'sha256sum </etc/kubernetes/pki/etcd/peer.key';
  const old = await wellOnHost(lab, 'cp-2', key);
  await wellOnHost(lab, 'cp-2', `rm ${MARK}`);
  expect(await openSteps(place)).toContain('cp-2 join/member');
  const ended = await landfall(place, 'apply', '--yes', '--no-proof');
  expect(ended.status, said(ended)).toBe(0);
  expect(await members()).toEqual(before);
  expect(await wellOnHost(lab, 'cp-2', key)).toBe(old);
  expect(await openSteps(place)).toEqual([]);
});

test('one that is stuck as a learner is put right by node replace', async () => {
  const { status, ...back } = await landfall(place, 'reset', '--node', 'cp-2', '--cluster', NAME, '--yes');
  expect(status, said({ status, ...back })).toBe(0);
  await wellOnHost(
    lab,
    'cp-2',
    `cat >/root/killer <<'END'\nuntil [ -d /var/lib/etcd/member ]; do sleep 0.05; done\npkill -KILL -f 'kubeadm.* join --config'\nEND\nsystemd-run -q --unit=killer sh /root/killer`,
  );
  const cut = await landfall(place, 'apply', '--yes', '--no-proof');
  expect(cut.status, said(cut)).toBe(1);
  await eventually('it to learn', async () => ((await members()).has('cp-2 learns') ? true : undefined));
  const ended = await landfall(place, 'node', 'replace', 'cp-2', '--yes', 'cp-2');
  expect(ended.status, said(ended)).toBe(0);
  expect([...(await members()).keys()]).toEqual(ALL);
  expect(await openSteps(place)).toEqual([]);
});

test('node replace that is killed in its middle comes to the same end when it is run again', async () => {
  const before = await members();
  const words = ['node', 'replace', 'cp-2', '--yes', 'cp-2'] as const;
  const run = live(place, NAME, ...words);
  const removed = await run.first(
    (e) => e.is === 'step' && e.step === 'leave/etcd-member' && e.state === 'made',
  );
  expect(removed, 'the member was never taken off the list').toBeDefined();
  run.child.kill('SIGKILL');
  await run.ended;
  expect([...(await members()).keys()]).toEqual(['cp-0 votes', 'cp-1 votes']);
  const again = await eventually(
    'the hosts to be let go',
    async () => {
      const ended = await landfall(place, ...words);
      return ended.status === 5 && ended.stderr.includes('is being worked on') ? undefined : ended;
    },
    120_000,
  );
  expect(again.status, said(again)).toBe(0);
  const now = await members();
  expect([...now.keys()]).toEqual(ALL);
  expect(now.get('cp-2 votes')).not.toBe(before.get('cp-2 votes'));
  expect(await openSteps(place)).toEqual([]);
});
