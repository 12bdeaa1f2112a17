import { describe, expect, it } from 'vitest';
import { LOCK } from '../../test/report/sample.ts';
import { HARBOUR } from '../../test/steps/scene.ts';
import type { Node } from '../model/cluster.ts';
import { RECORD } from '../shell/compile.ts';
import { Disconnected, type Host } from '../ssh/host.ts';
import { leave, type LeavePlan, planLeave } from './leave.ts';
import type { Site } from './survey.ts';
import type { RunOptions } from './take.ts';

const control = (n: number): Node => ({
  name: `cp-${n}`,
  role: 'control-plane',
  address: `10.0.0.${11 + n}`,
  workloads: true,
});
const nodes = [control(0), control(1)];

/** What one host is like while the other leaves. */
interface State {
  /** What the host that leaves says of its membership: `yes` when it is a member all the way. */
  member: 'yes' | 'etcd\nkubelet' | '';
  /** Whether the cluster sees a living node there. */
  ready: boolean;
}

const record = (...words: readonly string[]): string => `${RECORD}${words.join(' ')}\n`;
const fact = (name: string, text: string): string => record('fact', btoa(name), btoa('0'), btoa(text));
const answer = (word: string, text: string): string => record('answer', btoa(word), btoa('0'), btoa(text));

function facts({ name, address }: Node, member: State['member']): string {
  return [
    record('landfall', '1', '0'),
    fact('addresses', `eth0 ${address}/24`),
    fact('source', address),
    fact('hostname', name),
    fact('member', member),
    record('end'),
  ].join('');
}

/** What the seat says: both have a vote, and of the second there is a node. */
function answers({ ready }: State): string {
  const member = ({ name, address }: Node): string =>
    `${name}ab, started, ${name}, https://${address}:2380, https://${address}:2379, false\nhttps://${address}:2379 is healthy: took = 2ms`;
  return [
    answer('api', 'ok'),
    answer('nodes', `cp-1\t${ready ? 'True' : 'Unknown'}\t\t\t10.0.0.12`),
    ...['pods', 'controllers', 'budgets', 'volumes'].map((word) => answer(word, '')),
    answer('members', nodes.map(member).join('\n')),
  ].join('');
}

/** A site of two control planes, of which the second leaves; it keeps what else was asked of hosts. */
function siteOf(state: State, other: string[]): Site {
  const host = (node: Node): Host => ({
    name: node.name,
    address: node.address,
    trips: () => 0,
    close: () => Promise.resolve(),
    run: (script, { onData, signal } = {}) => {
      const said = (stdout: string) => Promise.resolve({ status: 0, stdout, stderr: '' });
      if (script.startsWith('# The facts'))
        return said(facts(node, node.name === 'cp-0' ? 'yes' : state.member));
      if (script.includes('say answer')) return said(answers(state));
      if (script.includes('while say alive')) {
        queueMicrotask(() => onData?.(record('got')));
        return new Promise((_, lost) =>
          signal?.addEventListener('abort', () => lost(new Disconnected(node.name, 'ended here'))),
        );
      }
      if (!script.includes('read -r held')) other.push(script);
      return said('');
    },
  });
  return {
    cluster: { ...HARBOUR, nodes },
    source: '',
    lock: LOCK,
    hosts: new Map(nodes.map((node) => [node.name, host(node)])),
    operator: host(control(9)),
    phases: [],
    resolve: () => LOCK,
  };
}

const plan = (site: Site): Promise<LeavePlan> =>
  planLeave(site, {
    node: control(1),
    rest: { ...HARBOUR, nodes: [control(0)] },
    despite: [],
    limit: 60,
  });
const steps = ({ before }: LeavePlan): readonly string[] =>
  before.flatMap((work) => work.steps.map(({ id }) => id));
const never = new AbortController().signal;
const options = (site: Site): RunOptions => ({
  site,
  run: 'r1',
  command: 'node replace cp-1',
  version: '0',
  on: () => undefined,
  stop: { soon: never, now: never },
  patience: 1,
  detached: true,
});

describe('a node that leaves', () => {
  it('is drained when the cluster sees it alive on this host, though its join has not come to its end', async () => {
    const drain = ['leave/cordoned', 'leave/drained', 'leave/etcd-member'];
    expect(steps(await plan(siteOf({ member: 'yes', ready: true }, [])))).toEqual(drain);
    expect(steps(await plan(siteOf({ member: 'etcd\nkubelet', ready: true }, [])))).toEqual(drain);
    const blank = steps(await plan(siteOf({ member: '', ready: true }, [])));
    expect(blank, 'a new machine under an old name').toEqual(['leave/etcd-member']);
    const dead = steps(await plan(siteOf({ member: 'etcd\nkubelet', ready: false }, [])));
    expect(dead).toEqual(['leave/etcd-member']);
  });

  it.each([
    ['has become a member', { member: 'yes' }],
    ['has a node by now', { member: 'etcd\nkubelet', ready: true }],
  ])('is not cleared by a plan from before it %s: nothing would be drained', async (_, since) => {
    const state: State = { member: '', ready: false };
    const other: string[] = [];
    const site = siteOf(state, other);
    const planned = await plan(site);
    Object.assign(state, since);
    await expect(leave(options(site), planned)).rejects.toMatchObject({ code: 'leave/joined', exit: 5 });
    const asks = /^#!\/bin\/sh\n# what was applied\n|get lease/;
    expect(other.filter((script) => !asks.test(script))).toEqual([]);
  });
});
