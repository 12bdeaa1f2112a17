import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kept } from '../../test/report/golden.ts';
import { FACTS } from '../../test/report/sample.ts';
import { readCluster } from '../config/load.ts';
import { asText } from '../config/text.ts';
import { initialText } from '../config/write.ts';
import type { Cluster } from '../model/cluster.ts';
import { networkOf } from '../model/network.ts';
import { Problem, Problems } from '../model/problem.ts';
import { readWay } from '../ssh/resolve.ts';
import { hostWord } from './host-word.ts';
import { type Given, interview, type Outcome, type Partner } from './interview.ts';
import type { Met } from './meet.ts';
import type { Question } from './questions.ts';

const GIVEN: Given = { file: 'cluster.yaml', today: '2026-11-26', suggested: 'harbour', hosts: [] };

const seen = (address: string, prefix: number, what: string) => ({
  network: networkOf(address, prefix),
  what,
});
const READ: Met = {
  is: 'read',
  facts: { ...FACTS, hostname: 'web-1.example.com' },
  around: [seen('10.0.0.0', 24, 'eth0'), seen('10.244.7.0', 24, 'wg0')],
  way: readWay('hostname 10.0.0.11\nport 22\n'),
  hostKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFMTqiZEGpFs7xOUL4bIIBrGr1f09C1qIbQba8GGn3km',
};
const UNREAD: Met = {
  is: 'unread',
  problem: new Problem({ code: 'ssh/unreachable', summary: 'gate does not answer', exit: 4 }),
};

/** Somebody who types these lines, and hosts that are met like this, one after another. */
function typing(lines: readonly string[], meetings: readonly Met[] = [READ]) {
  const left = [...lines];
  const questions: Question[] = [];
  const refused: string[] = [];
  const met: string[] = [];
  const partner: Partner = {
    asks: true,
    ask: (question) => {
      questions.push(question);
      const line = left.shift();
      return line === undefined ? Promise.reject(new Error('the end')) : Promise.resolve(line);
    },
    refuse: ({ summary }) => void refused.push(summary),
    aliases: () => Promise.resolve([{ name: 'cp-0', hostName: '10.0.0.11' }, { name: 'web' }]),
    meet: (host) => {
      met.push(host.address);
      const one = meetings[Math.min(met.length, meetings.length) - 1];
      return one === undefined ? Promise.reject(new Error('nobody')) : Promise.resolve(one);
    },
  };
  return { partner, questions, refused, met, left };
}

/** Nobody: what must not be asked is not. */
function nobody(met: Met = READ): Partner {
  const never = (): never => {
    throw new Error('this was asked of nobody');
  };
  return { asks: false, ask: never, refuse: never, aliases: never, meet: () => Promise.resolve(met) };
}

function clusterOf({ initial }: Outcome): Cluster {
  return readCluster(asText('cluster.yaml', initialText(initial))).cluster;
}

describe('an interview', () => {
  it('takes every proposal for an empty answer', async () => {
    const it = typing(['', '1', '', '', '']);
    const outcome = await interview(GIVEN, it.partner);
    expect(it.questions.map(({ prompt, proposal }) => `${prompt} [${proposal}]`)).toEqual([
      'Name of the cluster [harbour]',
      'Host [undefined]',
      'Name of the node [web-1]',
      'Kubernetes [1.36]',
      'Network plugin (flannel, calico, cilium, none) [flannel]',
    ]);
    expect(it.questions.every(({ why }) => why?.endsWith('.'))).toBe(true);
    expect(it.questions[1]?.choices).toEqual(['1  cp-0  10.0.0.11', '2  web']);
    expect(clusterOf(outcome)).toMatchObject({
      name: 'harbour',
      kubernetes: '1.36',
      network: { plugin: 'flannel', pods: '10.200.0.0/16', services: '10.96.0.0/16' },
      nodes: [{ name: 'web-1', address: 'cp-0', hostKey: READ.hostKey }],
    });
    const text = initialText(outcome.initial);
    expect(text).toBe(kept(new URL('./__golden__/init.yaml', import.meta.url), text));
  });

  it('takes what is typed instead', async () => {
    const it = typing(['port', 'ops@gate:2222', 'one', '1.35', 'calico']);
    expect(clusterOf(await interview(GIVEN, it.partner))).toMatchObject({
      name: 'port',
      kubernetes: '1.35',
      network: { plugin: 'calico' },
      ssh: { user: 'ops', port: 2222 },
      nodes: [{ name: 'one', address: 'gate' }],
    });
  });

  it('asks again, with the reason, for what the file may not hold', async () => {
    const it = typing([
      'Harbour!',
      'harbour',
      '',
      '-oProxyCommand=x',
      'a b',
      '17',
      'gate',
      'localhost',
      'one',
      '1.20',
      '',
      'weave',
      '',
    ]);
    const outcome = await interview(GIVEN, it.partner);
    expect(it.left).toEqual([]);
    expect(it.refused).toEqual([
      'name is not a name Kubernetes takes',
      expect.stringContaining('it needs an answer'),
      'name is not a name Kubernetes takes',
      'address is not an IPv4 address, a DNS name or an ssh alias',
      expect.stringContaining('no IPv4 address, but would be taken for one'),
      'a node cannot be called localhost',
      'Kubernetes 1.20 has reached its end of life',
      'plugin is not flannel or calico or cilium or none',
    ]);
    expect(clusterOf(outcome).nodes).toMatchObject([{ name: 'one', address: 'gate' }]);
  });

  it('judges a plugin with the Kubernetes that was chosen', async () => {
    const it = typing(['', 'web', '', '1.37', 'cilium', 'flannel']);
    await interview(GIVEN, it.partner);
    expect(it.refused).toEqual([expect.stringContaining('was not tried with Kubernetes 1.37')]);
  });

  it('does not ask for what is given', async () => {
    const it = typing(['', '']);
    const given: Given = { ...GIVEN, name: 'port', hosts: [hostWord('one=10.0.0.11')], kubernetes: '1.36' };
    await interview(given, typing(['']).partner);
    await interview(given, it.partner);
    expect(it.questions.map(({ prompt }) => prompt)).toEqual([expect.stringContaining('Network plugin')]);
    const all = typing([]);
    expect(clusterOf(await interview({ ...given, plugin: 'none' }, all.partner)).nodes[0]?.name).toBe('one');
  });

  it('refuses what is given and wrong before it asks or meets anybody', async () => {
    const wrong: readonly Partial<Given>[] = [
      { name: 'Harbour!' },
      { kubernetes: '1.20' },
      { plugin: 'weave' },
      { hosts: [hostWord('fd00::1')] },
      { hosts: [hostWord('a@b@c')] },
      { hosts: [hostWord('gate:99999')] },
      { hosts: [hostWord('=gate')] },
      { hosts: [hostWord('one=gate'), hostWord('gate-2')] },
    ];
    for (const one of wrong) {
      const it = typing(['x']);
      await expect(interview({ ...GIVEN, ...one }, it.partner)).rejects.toThrow(Problems);
      expect([it.questions, it.met]).toEqual([[], []]);
    }
    await expect(
      interview({ ...GIVEN, hosts: [hostWord('one=gate'), hostWord('gate-2')] }, nobody()),
    ).rejects.toThrow('2 control planes bear no more than 1 do');
  });

  it('asks for another host when one cannot be read, or goes on without', async () => {
    const other = typing(['', 'gate', 'web', '', '', ''], [UNREAD, READ]);
    expect(clusterOf(await interview(GIVEN, other.partner)).nodes[0]?.address).toBe('web');
    expect(other.met).toEqual(['gate', 'web']);
    const without = typing(['', 'gate', '', '', '', ''], [UNREAD]);
    const outcome = await interview(GIVEN, without.partner);
    expect(clusterOf(outcome)).toMatchObject({
      network: { pods: '10.244.0.0/16' },
      nodes: [{ name: 'cp-0', address: 'gate' }],
    });
    const text = initialText(outcome.initial);
    expect(text).toContain('# cp-0 could not be read (gate does not answer): what stands here is supposed.');
    expect(text).toContain('#  pods: 10.244.0.0/16');
  });

  it('keeps the key that was agreed to, although the host could not be read', async () => {
    const hostKey = READ.hostKey ?? '';
    const outcome = await interview({ ...GIVEN, hosts: [hostWord('gate')] }, nobody({ ...UNREAD, hostKey }));
    expect(clusterOf(outcome).nodes[0]?.hostKey).toBe(hostKey);
  });

  it('without anybody takes every proposal', async () => {
    const hosts = [hostWord('10.0.0.11')];
    const outcome = await interview({ ...GIVEN, hosts }, nobody());
    expect(clusterOf(outcome)).toMatchObject({
      name: 'harbour',
      network: { plugin: 'flannel', pods: '10.200.0.0/16' },
      nodes: [{ name: 'web-1', address: '10.0.0.11' }],
    });
    expect(initialText(outcome.initial)).toContain('#  plugin: flannel');
    const unasked = await interview({ ...GIVEN, hosts }, nobody({ is: 'unasked' }));
    expect(initialText(unasked.initial)).toContain('# cp-0 was not asked: what stands here is supposed.');
  });

  it('ends when there are no more answers', async () => {
    for (let lines = 0; lines < 5; lines++)
      await expect(interview(GIVEN, typing(['', '1', '', '', ''].slice(0, lines)).partner)).rejects.toThrow(
        'the end',
      );
  });

  it('writes a file that can be read, whatever is typed and whatever the host says of itself', async () => {
    const text = fc.oneof(fc.string(), fc.constantFrom('', 'a\nlab: x', 'x: [', '"', '# '));
    const facts = fc
      .record({ hostname: text, osName: text, architecture: text, defaultAddress: text, device: text })
      .map(({ device, ...rest }) => ({
        ...FACTS,
        ...rest,
        addresses: [{ device, address: '10.0.0.11', prefix: 24 }],
      }));
    await fc.assert(
      fc.asyncProperty(fc.array(text, { maxLength: 12 }), facts, text, async (lines, said, device) => {
        const met: Met = { ...READ, facts: said, around: [seen('10.244.0.0', 24, device)] };
        const it = typing(lines, [met]);
        const outcome = await interview(GIVEN, it.partner).catch((error: unknown) => {
          expect(error).toMatchObject({ message: 'the end' });
        });
        if (outcome !== undefined) expect(clusterOf(outcome).network.pods).toBe('10.200.0.0/16');
      }),
      { numRuns: 60 },
    );
  });
});
